// The mapping page: choosing, dragging and the keyboard all end in one thing, a changed select whose form htmx sends.
"use strict";

(() => {
  let picked = null;

  const row = (template) => document.querySelector(`.astra-template[data-template="${CSS.escape(template)}"]`);
  const zones = () => [...document.querySelectorAll(".astra-place[data-takes-blocks]")];
  const say = (what) => {
    const said = document.getElementById("mapping-said");
    if (said) said.textContent = what ? said.dataset[what] : "";
  };

  // A select gets its options when somebody reaches for it: three hundred of them at once would be a slow page.
  function fill(select) {
    const source = document.getElementById(select.dataset.options);
    if (!source || select.dataset.filled) return;
    const chosen = select.value;
    select.replaceChildren(source.content.cloneNode(true));
    if (![...select.options].some((option) => option.value === chosen)) select.add(new Option(chosen, chosen));
    select.value = chosen;
    select.dataset.filled = "yes";
  }

  function assign(template, place) {
    const select = row(template)?.querySelector("select[name=place]");
    if (!select) return;
    fill(select);
    select.value = place;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function pick(template) {
    putBack(false);
    picked = template;
    row(template).classList.add("is-picked");
    row(template).querySelector(".astra-handle").setAttribute("aria-pressed", "true");
    document.getElementById("mapping").classList.add("is-picking");
    for (const zone of zones()) zone.tabIndex = 0;
    const select = row(template).querySelector("select[name=place]");
    const suggested = row(template).querySelector("input[name=place]")?.value;
    const first = zones().find((zone) => zone.dataset.place === (select.value || suggested)) || zones()[0];
    first?.focus();
    first?.scrollIntoView({ block: "nearest" });
    say("picked");
  }

  function putBack(aloud = true) {
    if (!picked) return;
    const held = row(picked);
    picked = null;
    held?.classList.remove("is-picked");
    const handle = held?.querySelector(".astra-handle");
    handle?.setAttribute("aria-pressed", "false");
    document.getElementById("mapping")?.classList.remove("is-picking");
    for (const zone of zones()) zone.tabIndex = -1;
    if (aloud) {
      handle?.focus();
      say("putBack");
    }
  }

  function show() {
    const find = document.getElementById("astra-find");
    if (!find) return;
    const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    const wanted = plain(find.value.trim());
    const states = document.getElementById("astra-show").value.split(" ").filter(Boolean);
    let shown = 0;
    for (const item of document.querySelectorAll(".astra-template")) {
      const fits = (!states.length || states.includes(item.dataset.state)) && plain(item.textContent).includes(wanted);
      item.hidden = !fits;
      shown += fits;
    }
    document.getElementById("astra-none").hidden = shown > 0;
  }

  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("select[data-options]")) fill(event.target);
  });
  document.addEventListener("pointerdown", (event) => {
    if (event.target.matches?.("select[data-options]")) fill(event.target);
  });
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("#astra-filter")) show();
  });

  document.addEventListener("click", (event) => {
    const handle = event.target.closest?.(".astra-handle");
    if (handle) {
      const { template } = handle.closest(".astra-template").dataset;
      return picked === template ? putBack() : pick(template);
    }
    const zone = event.target.closest?.(".astra-place[data-takes-blocks]");
    if (zone && picked) {
      const template = picked;
      putBack(false);
      assign(template, zone.dataset.place);
    }
    const asked = event.target.closest?.("[data-confirm]")?.dataset.confirm;
    if (asked && !window.confirm(asked)) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (!picked) return;
    if (event.key === "Escape") return putBack();
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = zones();
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });

  document.addEventListener("dragstart", (event) => {
    const held = event.target.closest?.(".astra-template");
    if (!held) return;
    event.dataTransfer.setData("text/plain", held.dataset.template);
    event.dataTransfer.effectAllowed = "link";
    document.getElementById("mapping").classList.add("is-picking");
  });
  document.addEventListener("dragend", () => document.getElementById("mapping")?.classList.remove("is-picking"));
  document.addEventListener("dragover", (event) => {
    const zone = event.target.closest?.(".astra-place[data-takes-blocks]");
    for (const other of zones()) other.classList.toggle("is-over", other === zone);
    if (zone) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const zone = event.target.closest?.(".astra-place[data-takes-blocks]");
    if (!zone) return;
    event.preventDefault();
    assign(event.dataTransfer.getData("text/plain"), zone.dataset.place);
  });

  // One answer may change one row: the others' forms hold the revision that they were made with.
  document.addEventListener("htmx:configRequest", (event) => {
    const { formData } = event.detail;
    const newest = document.getElementById("astra-summary")?.dataset.revision;
    if (newest && formData.has("revision")) formData.set("revision", newest);
  });

  // Pages are asked for one after the other, until there is no further one.
  document.addEventListener(
    "load",
    (event) => {
      const page = Number(event.target.dataset?.page);
      if (!page) return;
      const next = event.target.cloneNode();
      next.dataset.page = page + 1;
      next.src = event.target.src.replace(`page=${page}&`, `page=${page + 1}&`);
      event.target.after(next);
    },
    true,
  );
  document.addEventListener("error", (event) => event.target.dataset?.page && event.target.remove(), true);

  // What was not saved must not look as if it were.
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"])
    document.addEventListener(failure, () => {
      const said = document.getElementById("mapping-said")?.dataset.failed;
      if (said) window.alert(said);
      window.location.reload();
    });
  // A session that has ended answers with the page for signing in: the whole window goes there.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const asked = event.detail.pathInfo?.requestPath;
    if (!asked || !xhr.responseURL) return;
    if (new URL(xhr.responseURL).pathname === new URL(asked, window.location.href).pathname) return;
    event.detail.shouldSwap = false;
    window.location.assign(xhr.responseURL);
  });

  // The page was changed by an answer: what was held is put back, and the filter holds for the new rows too.
  document.addEventListener("htmx:afterSettle", () => {
    picked = null;
    say("");
    show();
  });
})();

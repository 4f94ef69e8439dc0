"""Arbitrary interleavings of everything that can be done to sessions, and of everything that can go wrong meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

import redis
from django.conf import settings
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import AstraError
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import all_tenants, tenant_scope
from jobs.models import Job, Status
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from jobs.runtime.work import run_job
from sessions_app.corrections import Correction, Edit, Merge, Move, Operation, Restrict, Retype, Split
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services import corrections, inputs
from sessions_app.services.buffering import read_page, rebuild_buffer
from sessions_app.services.clone import clone_session
from sessions_app.services.finalize import PRODUCE_MINUTES, finalize
from sessions_app.services.graveyard import put_away, resume_session
from sessions_app.services.inputs import Captured
from sessions_app.services.projecting import projected
from sessions_app.services.sessions import change_context, start_session
from sessions_app.services.waiting import what_is_left
from tests.model import corrections_model
from tests.model.council_model import Input, Refusal, SessionModel, shown
from tests.model.fates import CALM, Fate, suffer
from tests.people import Person
from tests.sessions.samples import OTHER_WAV, WAV, png

NUMBERS = st.integers(1, 6)
COLOURS = ("navy", "crimson")
SENTENCES = (
    "El concejal pregunta por el puente {} de la vereda.",
    "Los recursos del acueducto {} no alcanzan para el barrio.",
)
FATES = st.one_of(
    st.just(CALM),
    st.builds(Fate, hooks_lost=st.booleans(), redis_down=st.booleans()),
    st.builds(Fate, cut_at=st.integers(1, 3) | st.integers(1, 24), answer_lost=st.booleans(), hooks_lost=st.booleans()),
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "speaker": st.sampled_from([None, "María Ospina", "John Mosquera"]),
        "topic": st.sampled_from([None, "Aguas"]),
        "restricted": st.booleans(),
    },
).filter(bool)
WORDS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from(["Se aclara el punto.", "", "Dos palabras"]),
        "speaker": st.sampled_from([None, "Gloria Murillo"]),
        "topic": st.sampled_from([None, "Vías"]),
    },
).filter(bool)
_CRASHES_PER_SESSION = 3
"""A job is given up after five tries; what becomes of it then is another test's matter."""
_ROUNDS = 40
_GOING_ON_AT_MOST, _SESSIONS_AT_MOST = 2, 5
ACTOR = "clerk"


class Councils(RuleBasedStateMachine):
    """Sessions of one council beside their models."""

    person: ClassVar[Person]
    sessions = Bundle("sessions")
    closed = Bundle("closed")

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[UUID, SessionModel] = {}
        self.crashes: dict[UUID, int] = {}
        self.clones: dict[UUID, list[UUID]] = {}
        self.kept: dict[UUID, dict[str, bytes]] = {}

    # -- what people do ----------------------------------------------------------------------------------------------

    @initialize(target=sessions, said=st.integers(0, 4), worked_on=st.integers(0, 4))
    def the_first(self, said: int, worked_on: int) -> UUID:
        """Begin with one session in which something was said already."""
        session_id = self._started()
        for number in range(1, said + 1):
            self.append_text(session_id, number, 0, CALM)
        for _ in range(worked_on):
            self.work(session_id, 0, CALM)
        return session_id

    @rule(target=sessions)
    def start(self) -> Any:
        """Start another session, but not too many: they are all finished in the end."""
        return self._started() if self._has_room() else multiple()

    @rule(session_id=sessions, number=NUMBERS, variant=st.integers(0, 1), fate=FATES, behind=st.booleans())
    def append_text(self, session_id: UUID, number: int, variant: int, fate: Fate, behind: bool = False) -> None:
        """Type something; the other variant under a number that is taken is a conflict."""
        text = SENTENCES[variant].format(number)
        self._act(
            session_id,
            lambda model: model.append(number, Input("text", text, text)),
            lambda: (
                inputs.append_text(
                    session_id, sequence_id=number, text=text, captured=Captured(), actor=ACTOR, behind=behind
                ).is_repeat
            ),
            fate,
        )

    @rule(session_id=sessions, number=NUMBERS, variant=st.integers(0, 1), fate=FATES, behind=st.booleans())
    def append_audio(self, session_id: UUID, number: int, variant: int, fate: Fate, behind: bool) -> None:
        """Send a chunk in which nothing is said."""
        self._act(
            session_id,
            lambda model: model.append(number, Input("audio", str(variant), None)),
            lambda: (
                inputs.append_audio(
                    session_id,
                    sequence_id=number,
                    audio=(WAV, OTHER_WAV)[variant],
                    captured=Captured(),
                    actor=ACTOR,
                    behind=behind,
                ).is_repeat
            ),
            fate,
        )

    @rule(session_id=sessions, changes=CHANGES, fate=FATES)
    def set_context(self, session_id: UUID, changes: Mapping[str, Any], fate: Fate) -> None:
        """Say who speaks, about what, and whether it is restricted."""
        self._act(
            session_id,
            lambda model: model.set_context(changes),
            lambda: change_context(session_id, actor=ACTOR, changes=changes),
            fate,
        )

    @rule(session_id=sessions, colour=st.sampled_from(COLOURS), after=st.none() | NUMBERS, fate=FATES)
    def show_image(self, session_id: UUID, colour: str, after: int | None, fate: Fate) -> None:
        """Upload an image."""
        self._act(
            session_id,
            lambda model: model.show_image(colour, after),
            lambda: (
                inputs.upload_asset(
                    session_id, image=png(colour=colour), caption="", actor=ACTOR, after_sequence_id=after
                ).is_repeat
            ),
            fate,
        )

    @rule(session_id=sessions, accept_gaps=st.booleans(), fate=FATES)
    def ask_for_minutes(self, session_id: UUID, accept_gaps: bool, fate: Fate) -> None:
        """Finalize; again and again is fine."""
        self._act(
            session_id,
            lambda model: model.finalize(accept_gaps=accept_gaps),
            lambda: finalize(session_id, actor=ACTOR, accept_gaps=accept_gaps),
            fate,
        )

    @rule(
        session_id=sessions,
        place=st.integers(0, 9),
        other=st.integers(0, 9),
        draw=st.sampled_from(["edit", "split", "merge", "after", "before", "retype", "restrict"]),
        words=WORDS,
        yes=st.booleans(),
        is_stale=st.integers(0, 5).map(lambda drawn: drawn == 0),
        fate=FATES,
    )
    def correct(
        self,
        session_id: UUID,
        place: int,
        other: int,
        draw: str,
        words: Mapping[str, Any],
        yes: bool,
        is_stale: bool,
        fate: Fate,
    ) -> None:
        """Correct a block as a clerk does, who may look at one that somebody has changed meanwhile."""
        ids = [block.block_id for block in self.models[session_id].blocks()]
        if not ids:
            return
        block_id, other_id = ids[place % len(ids)], ids[other % len(ids)]
        text = self.models[session_id].block(block_id).text
        operations: Mapping[str, Operation] = {
            "edit": Edit(words),
            "split": Split(max(text.find(" ", len(text) // 2), 0)),
            "merge": Merge(other_id),
            "after": Move(after=other_id),
            "before": Move(before=other_id),
            "retype": Retype({"intent": "OTHER_BUSINESS"}),
            "restrict": Restrict(yes),
        }
        operation = operations[draw]
        with self._scope():
            now = projected(self._row(session_id))
        revisions = {one: now.get(one)["revision"] for one in (block_id, other_id)}  # type: ignore[index]  # they are
        if is_stale:
            revisions[block_id] -= 1
        correction = Correction(block_id, operation, revisions)
        self._act(
            session_id,
            lambda model: corrections_model.correct(model, block_id, operation, is_stale=is_stale),
            lambda: corrections.correct(session_id, correction, actor=ACTOR).operation,
            fate,
        )

    @rule(session_id=sessions, fate=FATES)
    def abandon(self, session_id: UUID, fate: Fate) -> None:
        """Let the sweeper find a session that nobody has used since before the day after tomorrow."""
        self._act(
            session_id,
            lambda model: model.abandon(),
            lambda: str(put_away(self._row(session_id), idle_since=utc_now() + timedelta(days=2))),
            fate,
        )

    @rule(session_id=sessions, fate=FATES)
    def resume(self, session_id: UUID, fate: Fate) -> None:
        """Take a session back, which goes unless another correction of the same minutes was begun meanwhile."""
        if self.models[session_id].state != "ABANDONED" or not self._is_overtaken(session_id):
            self._act(
                session_id,
                lambda model: model.resume(),
                lambda: resume_session(session_id, actor=ACTOR).id,
                fate,
            )

    @rule(target=closed, session_id=consumes(sessions))
    def finish(self, session_id: UUID) -> UUID:
        """Do all that is left to do, and look at the minutes."""
        if self.models[session_id].state == "ABANDONED":
            self.resume(session_id, CALM)
        if self.models[session_id].is_empty:
            self.append_text(session_id, 1, 0, CALM)
        self._finish([session_id])
        self._check_minutes(session_id)
        return session_id

    @rule(session_id=closed, number=NUMBERS)
    def say_something_too_late(self, session_id: UUID, number: int) -> None:
        """Add something to sealed minutes."""
        self.append_text(session_id, number, 1, CALM)

    @rule(target=sessions, session_id=sessions | closed, fate=FATES)
    def begin_second_version(self, session_id: UUID, fate: Fate) -> Any:
        """Clone a closed session, unless a clone of it is open; every other session must be refused."""
        model, others = self.models[session_id], [self.models[one] for one in self.clones.get(session_id, ())]
        expected = None
        if model.state != "CLOSED":
            expected = "session_not_closed"
        elif any(other.state not in ("CLOSED", "ABANDONED") for other in others):
            expected = "clone_open"
        elif not self._has_room():
            return multiple()
        with self._scope():
            answer = suffer(fate, lambda: _answer_of(lambda: clone_session(session_id, actor=ACTOR).session.id))
            made = Session.objects.filter(parent_session_id=session_id).exclude(pk__in=list(self.models))
            found = list(made.values_list("pk", flat=True))
        if isinstance(expected, str):
            assert (answer or expected, found) == (expected, [])
            return multiple()
        assert len(found) == 1 or (fate.cut_at and not found)
        for clone_id in found:
            self.models[clone_id], self.crashes[clone_id] = model.second_version(), 0
            self.clones.setdefault(session_id, []).append(clone_id)
        return multiple(*found)

    # -- what workers do ---------------------------------------------------------------------------------------------

    @rule(session_id=sessions, place=st.integers(0, 9), fate=FATES)
    def work(self, session_id: UUID, place: int, fate: Fate) -> None:
        """Deliver the message of some job that is due, in any order."""
        due = self._jobs(session_id, status=Status.QUEUED)
        if due and not (fate.cut_at and self.crashes[session_id] >= _CRASHES_PER_SESSION):
            job = due[place % len(due)]
            self._act(session_id, lambda model: _effect_of(job, model), lambda: run_job(job.id) and None, fate)

    @rule(session_id=sessions, place=st.integers(0, 9))
    def deliver_again(self, session_id: UUID, place: int) -> None:
        """Deliver the message of a job that is done or held by somebody: nothing may happen."""
        taken = [job for job in self._jobs(session_id) if job.status != Status.QUEUED]
        if taken:
            run_job(taken[place % len(taken)].id)

    @rule()
    def leases_run_out(self) -> None:
        """Take the jobs of dead workers away from them."""
        with all_tenants(reason="a test hurries the clock"):
            Job.objects.filter(status=Status.PROCESSING).update(lease_until=utc_now())
            orchestrator().sweep()
            Job.objects.filter(status=Status.QUEUED).update(not_before=utc_now())

    @rule()
    def sweep(self) -> None:
        """Let the sweeper go round."""
        sweep_once(orchestrator())
        for model in self.models.values():
            if model.state == "DRAINING":
                model.move_on()

    # -- what happens to Redis ---------------------------------------------------------------------------------------

    @rule(session_id=sessions, harm=st.sampled_from(["all", "keep", "go back", "rebuild", *range(6)]))
    def harm_redis(self, session_id: UUID, harm: str | int) -> None:
        """Lose all of it, one key of one session, or what a session wrote since a moment (a replica that was behind, a
        file that was not flushed); or build a buffer anew although nothing is wrong with it."""
        keys = sorted(redis_client().scan_iter(match=f"*{{{session_id}}}*"))
        if harm == "all":
            redis_client().flushall()
        elif harm == "keep":
            self.kept[session_id] = {key: bytes(_binary_redis().dump(key)) for key in keys}  # type: ignore[arg-type]  # sync
        elif harm == "go back":
            redis_client().delete(*keys or ["none"])
            for key, value in self.kept.get(session_id, {}).items():
                _binary_redis().restore(key, 0, value, replace=True)
        elif harm == "rebuild":
            with self._scope():
                rebuild_buffer(self._row(session_id))
        else:
            redis_client().delete(*keys[int(harm) : int(harm) + 1] or ["none"])

    # -- what must hold ----------------------------------------------------------------------------------------------

    @rule(session_id=sessions)
    def look(self, session_id: UUID) -> None:
        """The live view shows what the model says, wherever it is read from."""
        model = self.models[session_id]
        with self._scope():
            session = self._row(session_id)
            page = read_page(session, 0, 500)
            left = what_is_left(session)
        assert [shown(block) for block in page.blocks] == [block.shown() for block in model.blocks()]
        assert page.processing_count == len(model.pending)
        assert (left.pending, left.missing) == (model.pending, model.missing)

    def teardown(self) -> None:
        """Finish every session, whatever was going on, and read what was sealed."""
        recorded = [session_id for session_id, model in self.models.items() if not model.is_empty]
        put_aside = [session_id for session_id in recorded if self.models[session_id].state == "ABANDONED"]
        self._finish([session_id for session_id in recorded if session_id not in put_aside])
        for session_id in put_aside:
            self.resume(session_id, CALM)
            self._finish([session_id])
        for session_id in recorded:
            self._check_minutes(session_id)

    def _finish(self, session_ids: Sequence[UUID]) -> None:
        for session_id in session_ids:
            with self._scope():
                finalize(session_id, actor=ACTOR, accept_gaps=True)
            model = self.models[session_id]
            if model.state in ("OPEN", "DRAINING"):
                model.finalize(accept_gaps=True)
                model.heard |= model.inputs.keys()
                model.move_on()
            model.state = "CLOSED"
        for _ in range(_ROUNDS):
            self.leases_run_out()
            due = [job for session_id in session_ids for job in self._jobs(session_id, status=Status.QUEUED)]
            if not due:
                return
            for job in due:
                run_job(job.id)
        raise AssertionError("There is still work after many rounds.")

    def _check_minutes(self, session_id: UUID) -> None:
        model = self.models[session_id]
        with self._scope():
            session = self._row(session_id)
            dump = json.loads(object_store().get(Bucket.DOCUMENTS, session.dump_key))
        assert session.state == "CLOSED", (session.state, session.failure)
        new_gaps = {f"{number}.0" for number in model.missing}
        said = [block for block in dump["blocks"] if block["block_id"] not in new_gaps]
        assert [shown(block) for block in said] == [block.shown() for block in model.blocks()]
        missing = [number for first, last in dump["missing"] for number in range(first, last + 1)]
        assert missing == [*model.inherited_missing, *model.missing]
        self._check_journal(session_id)

    # -- how it is done ----------------------------------------------------------------------------------------------

    def _has_room(self) -> bool:
        """Say whether another session can be begun: all are finished in the end, which takes its time."""
        going_on = [model for model in self.models.values() if model.state != "CLOSED"]
        return len(going_on) < _GOING_ON_AT_MOST and len(self.models) < _SESSIONS_AT_MOST

    def _is_overtaken(self, session_id: UUID) -> bool:
        """Say whether another correction of the minutes that a session corrects is going on."""
        beside = next((clones for clones in self.clones.values() if session_id in clones), [])
        others = [self.models[one].state for one in beside if one != session_id]
        return any(state not in ("CLOSED", "ABANDONED") for state in others)

    def _started(self) -> UUID:
        with self._scope():
            session = start_session(actor=ACTOR, client_timezone="America/Bogota", mode="realtime")
        self.models[session.id], self.crashes[session.id] = SessionModel(), 0
        return session.id

    def _act(
        self, session_id: UUID, effect: Callable[[SessionModel], object], call: Callable[[], object], fate: Fate
    ) -> None:
        """Do something to a session and to its model; both must agree on what came of it.

        A call that died may have got as far as the model's whole step, or anywhere before it.
        """
        before = self.models[session_id]
        after = before.copy()
        edits = self._edit_count(session_id)
        expected: object = None
        try:
            expected = effect(after)
        except Refusal as refusal:
            expected, after = refusal.code, before
        with self._scope():
            answer = suffer(fate, lambda: _answer_of(call))
        if fate.cut_at and answer is None:
            self.crashes[session_id] += 1
            self.models[session_id] = self._found(
                session_id, before, after, was_corrected=self._edit_count(session_id) > edits
            )
            return
        event(f"{answer!r}")
        if isinstance(expected, bool | str):
            assert answer == expected
        self.models[session_id] = after
        assert self._found(session_id, before, after, was_corrected=True) == after

    def _found(
        self, session_id: UUID, before: SessionModel, after: SessionModel, *, was_corrected: bool
    ) -> SessionModel:
        """Return the model of what the journal says; it has to lie between two models."""
        with self._scope():
            session = self._row(session_id)
            rows = list(JournalRow.objects.filter(session_id=session_id).order_by("number"))
        self._check_journal(session_id)
        numbers = {kind: {row.sequence_id for row in rows if row.kind == kind} for kind in EntryKind}
        came = numbers[EntryKind.TEXT] | numbers[EntryKind.AUDIO]
        found = (after if was_corrected else before).copy()
        found.inputs = {number: given for number, given in after.inputs.items() if number in came}
        found.understood = {number for number in numbers[EntryKind.BLOCKS] if number is not None}
        found.heard = {number for number in numbers[EntryKind.TEXT] | numbers[EntryKind.TRANSCRIPT] if number}
        found.contexts = after.contexts[: sum(row.kind == EntryKind.CONTEXT for row in rows)]
        own_images = sum(row.kind == EntryKind.ASSET for row in rows)
        inherited_images = sum(block.type == "IMAGE" for block in before.inherited.values())
        found.images = after.images[: inherited_images + own_images]
        found.was_abandoned = any(row.kind == EntryKind.ABANDONED for row in rows)
        found.state, found.final, found.accept_gaps = session.state, session.final_sequence_id, session.accept_gaps
        assert before.inputs.keys() <= came <= after.inputs.keys()
        assert before.understood <= found.understood <= after.understood
        assert before.heard <= found.heard <= after.heard
        assert len(before.contexts) <= len(found.contexts)
        assert len(before.images) <= len(found.images)
        assert found.state in _between(before.state, after.state)
        return found

    def _check_journal(self, session_id: UUID) -> None:
        with self._scope():
            rows = list(JournalRow.objects.filter(session_id=session_id).order_by("number"))
            session = self._row(session_id)
        assert [row.number for row in rows] == list(range(1, session.journal_length + 1))
        once = [(row.kind, row.sequence_id) for row in rows if row.sequence_id is not None]
        assert len(once) == len(set(once))

    def _edit_count(self, session_id: UUID) -> int:
        with self._scope():
            return int(JournalRow.objects.filter(session_id=session_id, kind=EntryKind.EDIT).count())

    def _jobs(self, session_id: UUID, **wanted: Any) -> list[Job]:
        with all_tenants(reason="a test looks"):
            return list(Job.objects.filter(session_id=session_id, **wanted).order_by("created_at", "id"))

    def _row(self, session_id: UUID) -> Session:
        row: Session = Session.objects.select_related("config_version").get(pk=session_id)
        return row

    def _scope(self) -> AbstractContextManager[None]:
        return tenant_scope(self.person.tenant_id)


@cache
def _binary_redis() -> redis.Redis:
    """Return a client for values that are no text."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5)


def _between(before: str, after: str) -> list[str]:
    """Return the states that a session passes from one to the other."""
    if "ABANDONED" in (before, after):
        return [before, after]
    way = ["OPEN", "DRAINING", "BUILDING", "SEALING", "CLOSED"]
    return way[way.index(before) : way.index(after) + 1]


def _answer_of(call: Callable[[], object]) -> object:
    """Return what a call answers, or the code of its refusal; never None."""
    try:
        answer = call()
    except AstraError as error:
        return error.code
    return "done" if answer is None else answer


def _effect_of(job: Job, model: SessionModel) -> None:
    """Do to the model what a job does."""
    if job.flow == PRODUCE_MINUTES:
        model.state = "CLOSED"
    else:
        model.work_on(job.payload["sequence_id"])

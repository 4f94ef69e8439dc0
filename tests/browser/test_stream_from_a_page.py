"""The example of the WebSocket guide, as it stands there: a page records, loses its connection, and goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pytest_django import Settings

from tests.browser.conftest import browser_with
from tests.clients.cutting import wire
from tests.people import Person
from tests.realtime.live_server import LiveServer, serving
from tests.realtime.waiting import wait_until
from tests.sessions.minutes_client import Minutes

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "websocket.md"
CHUNK_MS = 400
START = """
async ([server, sessionId, token, chunkMs]) => {
  window.codes = [];
  window.live = new LiveSession(server, sessionId, async () => token);
  const ready = new Promise((done, failed) => {
    window.live.ready = done;
    setTimeout(() => failed("not connected"), 15_000);
  });
  await window.live.connect();
  window.live.socket.addEventListener("close", ({ code }) => window.codes.push(code));
  await ready;
  window.finish = await record(window.live, chunkMs);
}
"""


@pytest.fixture
def sockets(transactional_db: None, settings: Settings) -> Iterator[LiveServer]:
    with serving() as running:
        settings.SOCKET_ORIGINS = [f"http://127.0.0.1:{running.port}"]
        yield running


@pytest.fixture(scope="module")
def beeping() -> Iterator[Browser]:
    """A browser whose microphone beeps."""
    with browser_with("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as started:
        yield started


@pytest.fixture
def page(beeping: Browser, sockets: LiveServer) -> Iterator[Page]:
    """A page of our site with the example in it."""
    (example,) = re.findall(r"```js\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    opened = beeping.new_page()
    opened.goto(f"http://127.0.0.1:{sockets.port}/health/live")
    opened.add_script_tag(content=example)
    yield opened
    opened.close()


def test_a_page_streams_through_a_lost_connection(sockets: LiveServer, page: Page, alice: Person) -> None:
    minutes = Minutes.start(alice, mode="realtime")

    def recorded() -> list[int]:
        return [row.sequence_id or 0 for row in minutes.journal() if row.kind == "audio"]

    with wire(sockets.port, 6_000) as lossy:
        page.evaluate(START, [f"ws://127.0.0.1:{lossy.port}", minutes.session_id, alice.token(), CHUNK_MS])
        wait_until(lambda: len(recorded()) >= 6)
        assert lossy.cuts == 1
        page.evaluate("finish()")
        page.wait_for_function("live.kept.size === 0")
    assert page.evaluate("codes") == [1006]
    # What was recorded in the moment of the end may be too short to be audio at all.
    assert page.evaluate("live.number") - len(recorded()) in (0, 1)
    assert recorded() == list(range(1, len(recorded()) + 1))
    for row in minutes.journal()[:-1]:
        assert row.audio_media_type == "audio/webm"
        assert row.payload["captured_at"] < row.recorded_at.isoformat()
        assert 0.5 * CHUNK_MS < (row.audio_duration_ms or 0) < 3 * CHUNK_MS


def test_a_page_of_another_site_is_kept_out(sockets: LiveServer, page: Page, alice: Person, settings: Settings) -> None:
    settings.SOCKET_ORIGINS = ["https://sesiones.example.org"]
    minutes = Minutes.start(alice, mode="realtime")
    address = f"{sockets.url}/ws/v1/session/{minutes.session_id}/stream"
    code = page.evaluate(
        """([address, token]) => new Promise((done) => {
          const socket = new WebSocket(address, ["astra.stream.v1", `bearer.${token}`]);
          socket.onclose = ({ code }) => done(code);
        })""",
        [address, alice.token()],
    )
    assert code == 1006

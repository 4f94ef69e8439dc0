"""Pending, corrected and recovered blocks: the buffer is the journal's picture in whatever order entries reach it."""

from __future__ import annotations

import random

import pytest

from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from sessions_app.buffer.keys import BufferKeys
from sessions_app.services import buffering
from sessions_app.services.buffer_care import compare_buffer
from sessions_app.services.buffering import bring_up_to_date, buffer_of, read_page, rebuild_buffer, show_in_buffer
from tests.core.speech import speak, work_live
from tests.doubles.misbehaving_core import Core, behave, status
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = ("meta", "order", "bodies", "processing", "applied")


@pytest.fixture
def worked_on(minutes: Minutes, remote: Core) -> Minutes:
    """A session in which nearly everything happened that can happen to a block."""
    clerk = Clerk(minutes)
    minutes.say(1, f"{OPENING} {DEBATE}")
    work_live(minutes)
    remote.behaviour = status(500)
    speak(minutes, 2, f"{VOTE} {DEBATE}")
    speak(minutes, 3, DEBATE)
    work_live(minutes)
    clerk.do("2.0", "move", before="1.0")
    clerk.do("2.0", "restrict", restricted=True)
    clerk.do("3.0", "edit", text="Palabras del secretario.")
    remote.behaviour = behave
    minutes.show_image(png(), after_sequence_id=1)
    minutes.say(5, CLOSING)
    finish_jobs()
    clerk.do("1.100001", "move", after="5.0" if "5.0" in clerk.ids() else clerk.ids()[-1])
    second = clerk.do("1.1", "split", at=12)["blocks"][1]["block_id"]
    clerk.merge("1.1", second)
    clerk.do("1.1", "move", before=clerk.ids()[0])
    minutes.say(4, DEBATE)
    assert {"recovered", "edit", "asset", "blocks"} <= set(minutes.kinds())
    return minutes


def test_any_order_repetition_and_loss_ends_in_one_picture(worked_on: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    session, rows, shown = worked_on.row(), worked_on.journal(), worked_on.blocks()
    keys = BufferKeys.of(session.id)
    with tenant_scope(session.tenant_id):
        assert compare_buffer(session).is_equal
        for seed in range(20):
            chance = random.Random(seed)
            monkeypatch.setattr(buffering, "_FEW", chance.choice([2, 100]))
            buffer_of(session).drop()
            for row in chance.choices(rows, k=chance.randrange(2 * len(rows))):
                show_in_buffer(session, row)
                if chance.random() < 0.1:
                    redis_client().delete(getattr(keys, chance.choice(KEYS)))
                if chance.random() < 0.05:
                    rebuild_buffer(session)
            bring_up_to_date(session)
            assert compare_buffer(session).is_equal, seed
            assert read_page(session, 0, 500).blocks == shown, seed

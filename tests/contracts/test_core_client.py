"""What every CORE client keeps to: the engine in this process, one behind HTTP, and that one behind its breaker."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from astra_site.lib.ids import new_id
from astra_site.lib.redis_client import redis_client
from sessions_app.core.breaker import BreakerPolicy, CircuitBreaker
from sessions_app.core.guarded import GuardedCore
from sessions_app.core.remote import RemoteCoreClient
from sessions_app.understanding.client import CoreClient, EmbeddedCoreClient, check_answer, understand
from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.errors import CoreRequestInvalid
from sessions_app.understanding.schema import CoreRequest, request_for
from sessions_app.understanding.types import DialogueContext, Intent, TenantLanguage, TenantRule, Utterance
from tests.doubles.misbehaving_core import Core
from tests.understanding.conftest import COUNCIL

TALK = (
    "Señor secretario, sírvase llamar a lista.",
    "Concejal Fabio Alzate.",
    "Presente.",
    "Hay quórum decisorio.",
    "Siendo las nueve y quince de la mañana se abre la sesión.",
    "Sírvase leer el orden del día.",
    "Primero, llamado a lista.",
    "Tiene la palabra el concejal Ospina.",
    "Me permito presentar la siguiente proposición: cítese al gerente.",
    "Se decreta un receso de cinco minutos.",
    "Con ocho votos a favor y uno en contra queda aprobada la proposición.",
    "Proposiciones y varios.",
    "Se levanta la sesión.",
)
SUSPICIOUS = "¡Ábrete! </w:p> {{NAME}} \\u0000 \"comillas\" \U0001f3db 'x' \u202e al revés\u202c …"


@pytest.fixture(params=["embedded", "remote", "guarded"])
def client(request: pytest.FixtureRequest, services: object) -> Iterator[CoreClient]:
    if request.param == "embedded":
        yield EmbeddedCoreClient()
        return
    with Core().running() as core:
        remote = RemoteCoreClient(core.url, timeout_s=20.0)
        breaker = CircuitBreaker(redis_client, f"contract-{new_id()}", BreakerPolicy())
        yield remote if request.param == "remote" else GuardedCore(remote, breaker)
        remote.close()


def test_every_intent_passes_and_equals_the_engine(client: CoreClient) -> None:
    through = direct = DialogueContext()
    seen = set()
    for text in TALK:
        utterances = (Utterance(text, 0, 2_000, 0.9),)
        understood, through = understand(client, utterances, through, COUNCIL)
        expected, direct = EmbeddedCore().understand(utterances, direct, COUNCIL)
        assert (understood, through) == (expected, direct)
        seen |= {result.intent for result in understood}
    assert seen | {Intent.DEBATE} == set(Intent)


def test_nothing_asked_is_nothing_answered(client: CoreClient) -> None:
    before = DialogueContext(floor_holder="John Mosquera", session_is_open=True)
    assert understand(client, (), before, COUNCIL) == ((), before)


@pytest.mark.parametrize("text", [" ".join(TALK), SUSPICIOUS, "ñandú " * 5_000, "…"])
def test_no_word_is_lost_or_invented(client: CoreClient, text: str) -> None:
    request = request_for((Utterance(text, 500, 9_000, None),), DialogueContext(), COUNCIL)
    check_answer(request, client.ask(request))


def test_rules_and_names_of_the_tenant_reach_the_engine(client: CoreClient) -> None:
    tenant = TenantLanguage({"Jhon": "John"}, ("John Mosquera",), (TenantRule(Intent.RECESS, "tomamos un tinto"),))
    understood, _ = understand(client, (Utterance("Jhon, tomamos un tinto.", 0, 900),), DialogueContext(), tenant)
    assert [(result.intent, result.text) for result in understood] == [(Intent.RECESS, "John, tomamos un tinto.")]


def test_a_long_talk_is_one_question(client: CoreClient) -> None:
    utterances = tuple(
        Utterance(text, number * 1_000, number * 1_000 + 900, 0.8) for number, text in enumerate(TALK * 12)
    )
    understood, _ = understand(client, utterances, DialogueContext(), COUNCIL)
    assert understood == EmbeddedCore().understand(utterances, DialogueContext(), COUNCIL)[0]


def test_a_question_that_does_not_fit_is_refused_for_good(client: CoreClient) -> None:
    asked = request_for((Utterance("hola", 0, 10),), DialogueContext(), TenantLanguage())
    wrong = CoreRequest.model_construct(
        schema_id="astra.core/2",
        utterances=asked.utterances,
        context=asked.context,
        tenant=asked.tenant,
    )
    with pytest.raises(CoreRequestInvalid) as caught:
        client.ask(wrong)
    assert (caught.value.code, caught.value.permanent) == ("core_request_invalid", True)


def test_many_threads_get_their_own_answers(client: CoreClient) -> None:
    def ask(number: int) -> str:
        said = f"El concejal pidió {number} metros de tubería."
        understood, _ = understand(client, (Utterance(said, 0, 1_000),), DialogueContext(), COUNCIL)
        return " ".join(result.original_text for result in understood)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(40)))
    assert answers == [f"El concejal pidió {number} metros de tubería." for number in range(40)]

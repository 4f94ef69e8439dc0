"""The numbered steps of a verification, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from astra_verify import content_checks, seal_checks
from astra_verify.evidence import Evidence
from astra_verify.findings import Disproved, Finding, NotCheckable, Status


@dataclass(frozen=True, slots=True)
class Step:
    """One check. `obligatory` steps have to be proven; the others must not be disproved."""

    name: str
    title: str
    obligatory: bool
    check: Callable[[Evidence], str]


STEPS = (
    Step("bundle", "The evidence is complete and holds nothing else", True, seal_checks.bundle_is_whole),
    Step("snapshot", "The snapshot has the integrity hash that it states", True, seal_checks.snapshot_hash),
    Step("signature", "The snapshot's signature is good", True, seal_checks.signature_holds),
    Step("trust", "The signing key is one you trust, of the council's operator", False, seal_checks.key_is_trusted),
    Step("document", "The document is the sealed one, byte for byte", True, content_checks.document),
    Step("dump", "The session dump is the sealed one, of the sealed tenant and session", True, content_checks.dump),
    Step("config", "The configuration is the sealed one", True, content_checks.config),
    Step("skeleton", "The Word skeleton is the sealed one", False, content_checks.skeleton),
    Step("journal", "Every journal line is whole and in its place", True, content_checks.journal),
    Step("merkle", "Journal and recordings are all and only the sealed ones", True, content_checks.merkle_root),
    Step("audio-figures", "Number and size of the recordings are as sealed", True, content_checks.audio_figures),
    Step("audio-files", "The recordings in the evidence are the sealed ones", False, content_checks.audio_files),
    Step("traces", "Every paragraph leads to a sealed recording", True, content_checks.traces),
    Step("report", "The audit report is the sealed one and agrees with the rest", True, content_checks.audit_report),
    Step("chain", "The snapshot follows the one before it", False, seal_checks.chain_link),
    Step("time", "The moment of sealing", False, seal_checks.sealing_time),
)


def verify(evidence: Evidence) -> list[Finding]:
    """Run every step; one that fails does not keep the others from being tried."""
    return [_run(number, step, evidence) for number, step in enumerate(STEPS, start=1)]


def _run(number: int, step: Step, evidence: Evidence) -> Finding:
    try:
        status, detail = Status.PROVEN, step.check(evidence)
    except Disproved as error:
        status, detail = Status.DISPROVED, str(error)
    except NotCheckable as error:
        status, detail = Status.NOT_CHECKABLE, str(error)
    except RecursionError:
        status, detail = Status.DISPROVED, "The part that this step reads is nested too deeply to be honest."
    return Finding(number, step.name, step.title, step.obligatory, status, detail)

"""Command line: `python -m astra_verify FOLDER_OR_ZIP [options]`; `--help` lists them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from astra_verify import canonical
from astra_verify.about import about, heading
from astra_verify.bundle import file_sha256, open_bundle
from astra_verify.evidence import Evidence, Outside
from astra_verify.findings import UNREADABLE, Disproved, UnreadableInput, printable, readable, verdict
from astra_verify.signatures import read_trusted_keys
from astra_verify.steps import verify

_EXIT_CODES = (
    "exit codes: 0 everything obligatory is proven and the signer is trusted; 1 something is disproved or an "
    "obligatory step is open; 2 the input can't be read as evidence; 3 intact, but nobody said whose key to trust"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify, print, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        evidence = _evidence(options)
    except UnreadableInput as error:
        failure = {"exit_code": UNREADABLE, "error": str(error)}
        print(json.dumps(failure) if options.json else _shown([f"UNREADABLE: {error}"]))
        return UNREADABLE
    findings = verify(evidence)
    code, facts = verdict(findings), about(evidence)
    if options.json:
        steps = [finding.to_json() for finding in findings]
        found = {"exit_code": code, "about": facts, "integrity_hash": facts["integrity_hash"], "steps": steps}
        print(json.dumps(found, indent=2))
    else:
        print(_shown([*heading(facts), "", *readable(findings)]))
    return code


def _shown(lines: Sequence[str]) -> str:
    return "\n".join(printable(line, sys.stdout.encoding) for line in lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="astra_verify", description=__doc__, epilog=_EXIT_CODES)
    parser.add_argument("evidence", type=Path, help="evidence folder or ZIP")
    parser.add_argument("--trusted-key", type=Path, help="public key from elsewhere: public_keys.json, PEM or base64")
    parser.add_argument("--previous", type=Path, help="snapshot.json of the snapshot before this one in the chain")
    parser.add_argument("--document", type=Path, help="your own copy of the minutes, to compare with the sealed hash")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser


def _evidence(options: argparse.Namespace) -> Evidence:
    trusted = read_trusted_keys(options.trusted_key) if options.trusted_key else None
    previous = _previous(options.previous) if options.previous else None
    document = file_sha256(options.document) if options.document else None
    evidence = Evidence(open_bundle(options.evidence), Outside(trusted, previous, document))
    try:
        # Without a snapshot there is nothing that anything could be compared with.
        _ = evidence.signed, evidence.payload
    except Disproved as error:
        raise UnreadableInput(f"This is no ASTRA evidence: {error}") from error
    return evidence


def _previous(place: Path) -> dict[str, Any]:
    try:
        found = canonical.parse(place.read_bytes())
    except (OSError, canonical.NotJson) as error:
        raise UnreadableInput(f"The previous snapshot can't be read: {error}.") from error
    if not isinstance(found, dict):
        raise UnreadableInput("The previous snapshot is not a JSON object.")
    return found


if __name__ == "__main__":
    sys.exit(main())

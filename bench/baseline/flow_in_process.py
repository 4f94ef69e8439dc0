"""The floor of a whole session: the same services called one after the other in one process. Prints seconds."""

from __future__ import annotations

import sys
import time

import django

django.setup()

from astra_site.lib.tenancy import tenant_scope  # noqa: E402 - needs django.setup
from demo.recorded_session import RecordedSession  # noqa: E402 - needs django.setup
from jobs.runtime.work import run_job  # noqa: E402 - needs django.setup
from sessions_app.models import Session, State  # noqa: E402 - needs django.setup
from sessions_app.services.finalize import finalize  # noqa: E402 - needs django.setup
from sessions_app.services.inputs import Captured, append_text  # noqa: E402 - needs django.setup
from sessions_app.services.sessions import start_session  # noqa: E402 - needs django.setup
from tenants.models import Tenant  # noqa: E402 - needs django.setup


def main() -> None:
    """Run one session and print how long it took."""
    slug, inputs = sys.argv[1], int(sys.argv[2])
    texts = [str(item["text"]) for item in RecordedSession().utterances][:inputs]
    with tenant_scope(Tenant.objects.get(slug=slug).id):
        started = time.perf_counter()
        session = start_session(actor="bench", client_timezone="America/Bogota", metadata={"number": "1"})
        for number, text in enumerate(texts, start=1):
            accepted = append_text(session.id, sequence_id=number, text=text, captured=Captured(), actor="bench")
            if accepted.job_id:
                run_job(accepted.job_id)
        closing = finalize(session.id, actor="bench")
        if closing.job_id:
            run_job(closing.job_id)
        seconds = time.perf_counter() - started
        if Session.objects.get(pk=session.id).state != State.CLOSED:
            raise SystemExit("the session was not closed")
    sys.stdout.write(f"{seconds:.4f}\n")


if __name__ == "__main__":
    main()

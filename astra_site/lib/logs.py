"""JSON logs: one object a line, each with the trace, tenant, session and job it belongs to."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from uuid import UUID

from pythonjsonlogger.json import JsonFormatter

_context: ContextVar[Mapping[str, str]] = ContextVar("astra_log_context", default={})  # noqa: B039 - never mutated

FIELDS = ("trace_id", "tenant_id", "session_id", "job_id")


@contextmanager
def log_context(**values: UUID | str | None) -> Iterator[None]:
    """Add fields to every log line written inside; None leaves the outer value."""
    added = {name: str(value) for name, value in values.items() if value is not None}
    token = _context.set({**_context.get(), **added})
    try:
        yield
    finally:
        _context.reset(token)


def current_context() -> Mapping[str, str]:
    """Return the fields bound here, for handing them on (a job's payload)."""
    return _context.get()


_OBJECT_LINK: Final = re.compile(r"/objects/[^\s?'\"]+")


class ContextFilter(logging.Filter):
    """Puts the bound fields on each record; a field that is not bound is null."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields and let every record pass."""
        bound = _context.get()
        for name in FIELDS:
            if not hasattr(record, name):
                setattr(record, name, bound.get(name))
        return True


class AstraJsonFormatter(JsonFormatter):
    """The one log format of web, workers and commands."""

    def __init__(self, **kwargs: Any) -> None:
        """Fix the fields of a line and their names."""
        fields = " ".join(f"%({name})s" for name in ("levelname", "name", "message", *FIELDS))
        super().__init__(
            fields, rename_fields={"levelname": "level", "name": "logger"}, timestamp=True, json_ensure_ascii=False
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Keep secrets that stand in addresses out of the line: queries (sign-in codes), tokens of objects' links."""
        request = log_data.get("request")
        if request is not None:
            log_data["request"] = f"{getattr(request, 'method', '')} {getattr(request, 'path', '')}"
        for name in ("request", "message"):
            if isinstance(log_data.get(name), str):
                log_data[name] = _OBJECT_LINK.sub("/objects/…", log_data[name])
        return log_data

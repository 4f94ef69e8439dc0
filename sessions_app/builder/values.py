"""What a field expression of the configuration (`metadata.city`, `session.date`, `OPEN_SESSION.time`) stands for."""

from __future__ import annotations

from sessions_app.builder.dump import SessionDump
from sessions_app.builder.spanish import PRESENCE, RESULT, hour_of_day, long_date
from sessions_app.builder.text import clean_line

_LAST_COUNTS = frozenset({"CLOSE_SESSION"})


def field_value(expression: str, dump: SessionDump) -> str | None:
    """Return the text for a field expression, or None when the session doesn't say.

    An intent's field is taken from the first block that has it; for the closing, from the last one.
    """
    source, _, name = expression.partition(".")
    match source:
        case "metadata":
            return shown(dump.session.metadata.get(name), name)
        case "session":
            return _session_value(name, dump)
        case "tenant":
            return clean_line(dump.session.tenant_name) if name == "name" else None
    candidates = [block.data.get(name) for block in dump.blocks if block.intent == source and not block.is_pending]
    known = [value for value in candidates if value is not None]
    if not known:
        return None
    return shown(known[-1] if source in _LAST_COUNTS else known[0], name)


def shown(value: object, name: str) -> str | None:
    """Return one value as the minutes show it; None for nothing, and for what isn't a text or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = clean_line(str(value))
    if name == "time":
        return hour_of_day(text) or text or None
    if name == "presence":
        return PRESENCE.get(text, text) or None
    if name == "result":
        return RESULT.get(text, text) or None
    return text or None


def _session_value(name: str, dump: SessionDump) -> str | None:
    start = dump.session.local_start
    if name == "date":
        return long_date(start.date())
    if name == "time":
        return hour_of_day(f"{start:%H:%M}")
    return None

"""What the current piece of work is about, so that every log line and event can say it: one context variable."""

from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class WorkContext:
    """Identifiers only; nothing here is ever personal data."""

    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    appeal_id: str | None = None
    event_id: str | None = None


_EMPTY = WorkContext()
_current: ContextVar[WorkContext] = ContextVar("minqing_work", default=_EMPTY)


def current_work() -> WorkContext:
    return _current.get()


def enter_work(context: WorkContext) -> Token[WorkContext]:
    """Make `context` current; give the token back to `leave_work`."""
    return _current.set(context)


def leave_work(token: Token[WorkContext]) -> None:
    _current.reset(token)


def bind(**identifiers: Any) -> None:
    """Add identifiers (`appeal_id=…`, `event_id=…`) to the current work."""
    _current.set(replace(_current.get(), **{key: str(value) for key, value in identifiers.items()}))

"""Structured logs: a JSON object a line on standard output, with the work's identifiers and without personal data."""

import logging
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog

from shared.observability.context import current_work
from shared.observability.redaction import mask_text

_IDENTIFIERS: Final = ("request_id", "trace_id", "appeal_id", "event_id")
_SAFE_KEYS: Final = frozenset(
    {*_IDENTIFIERS, "service", "level", "event", "timestamp", "logger", "route", "method", "status", "grid_code"}
    | {"receipt_number", "duration_ms", "department_code", "principal"}
)
_SECRET_KEYS: Final = frozenset(
    {"authorization", "password", "secret", "token", "api_key", "access_code", "master_key", "phone", "email"}
)
_DEEPEST: Final = 6
_LONGEST_TEXT: Final = 4_000
_LONGEST_STACK: Final = 12_000

_service = "minqing"
_least_level = logging.INFO


def configure_logging(service: str, *, level: str = "INFO", json_lines: bool = True) -> None:
    """Set up structlog and the standard library's logging for this process."""
    global _service, _least_level
    number = logging.getLevelNamesMapping()[level]
    _service, _least_level = service, number
    renderer = _render_json if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[_add_identifiers, _format_exception, redact, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_LineLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _StructlogHandler()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "arq"):
        library = logging.getLogger(name)
        library.handlers[:] = []
        library.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(capture=True)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: mask every text that is not one of our own identifiers; drop what is secret by its name."""
    for key, value in event.items():
        if key in _SAFE_KEYS and key != "event":
            continue
        event[key] = "[secret]" if key in _SECRET_KEYS else _masked(value, _DEEPEST)
    return event


def _masked(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return mask_text(value[:_LONGEST_STACK])
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or abs(value) < 10**9 else mask_text(str(value))
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(key): "[secret]" if str(key) in _SECRET_KEYS else _masked(item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, depth - 1) for item in value]
    return mask_text(str(value)[:_LONGEST_TEXT])


def _add_identifiers(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    work = current_work()
    for key in _IDENTIFIERS:
        value = getattr(work, key)
        if value is not None and key not in event:
            event[key] = value
    event["service"] = _service
    event["level"] = method
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return event


def _format_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep types and places of an exception chain; a message may quote input or SQL parameters."""
    info = event.pop("exc_info", None)
    if not info:
        return event
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else sys.exc_info()[1]
    if error is not None:
        event["exception"] = describe_exception(error)
    return event


def describe_exception(error: BaseException) -> str:
    """The chain of exception types with file and line of every frame, without any message."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)[-25:]
        places = "".join(f"\n  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        parts.append(f"{type(current).__module__}.{type(current).__qualname__}{places}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\ncaused by ".join(parts)[:_LONGEST_STACK]


def write_access_line(*, method: str, route: str, status: int, duration_ms: float, principal: str | None) -> None:
    """Log an answered request. All of it is ours and bounded: nothing needs to be masked."""
    if _least_level > logging.INFO:
        return
    work = current_work()
    line = {
        "event": "request",
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": duration_ms,
        "principal": principal,
        "request_id": work.request_id,
        "trace_id": work.trace_id,
        "service": _service,
        "level": "info",
        "timestamp": datetime.now(UTC),
    }
    _LineLogger().msg(orjson.dumps(line).decode())


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _LineLogger:
    """Writes a line at once; a closed pipe or full disk is not the application's failure."""

    _lock = threading.Lock()

    def msg(self, line: str) -> None:
        try:
            with self._lock:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = fatal = msg
    log = warn = msg


class _LineLoggerFactory:
    def __call__(self, *_: Any) -> _LineLogger:
        return _LineLogger()


class _StructlogHandler(logging.Handler):
    """Sends the records of libraries through the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logger = structlog.get_logger(record.name)
            method = getattr(logger, record.levelname.lower(), logger.warning)
            method(record.getMessage()[:_LONGEST_TEXT], logger=record.name, exc_info=record.exc_info)
        except Exception:  # noqa: BLE001, S110 - logging never fails the work
            pass

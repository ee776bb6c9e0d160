"""`minqing keys create|list|revoke`: API keys, the same in every service."""

import argparse
import asyncio
import json
import re
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from deploy.errors import StackError
from deploy.keys import KeyStatus, create, listing, revoke
from deploy.locate import database_urls
from deploy.settings import StackSettings
from shared.clock import SystemClock
from shared.errors import DomainError, InvalidInput
from shared.identity.scopes import ALL_SCOPES
from shared.vocabulary import Service

T = TypeVar("T")
_KEY_OR_PREFIX = re.compile(r"(?:mq_)?([a-z2-9]{12})(?:_.*)?", re.ASCII | re.DOTALL)
_DAYS = re.compile(r"([1-9][0-9]{0,4})d", re.ASCII)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    making = actions.add_parser("create", help="make a key; its text is shown once")
    making.add_argument("--name", required=True, help="whom or what the key is for")
    making.add_argument(
        "--scope",
        action="append",
        required=True,
        metavar="SCOPE",
        help=f"may be repeated: {', '.join(sorted(ALL_SCOPES))}",
    )
    making.add_argument("--department", metavar="CODE", help="sees and moves only this department's tickets")
    making.add_argument("--expires", metavar="WHEN", help="a moment with offset, or a number of days like 90d")
    making.add_argument("--json", action="store_true", help="print one JSON object")
    showing = actions.add_parser("list", help="show every key, never its secret")
    showing.add_argument("--json", action="store_true", help="print a JSON list")
    ending = actions.add_parser("revoke", help="end a key; it stops working within 30 seconds")
    ending.add_argument("prefix", help="the twelve characters after mq_, or the whole key")


def run(options: argparse.Namespace) -> int:
    actions = {"create": _create, "list": _list, "revoke": _revoke}
    try:
        return actions[options.action](options)
    except InvalidInput as error:
        reasons = "; ".join(f"{problem.field.lstrip('/')}: {problem.message}" for problem in error.problems)
        raise StackError(f"{error.detail} {reasons}") from error
    except DomainError as error:
        raise StackError(error.detail) from error


def parse_expiry(text: str | None, now: datetime) -> datetime | None:
    """Read `90d` or an RFC 3339 moment; a moment without an offset is refused rather than guessed."""
    if text is None:
        return None
    if match := _DAYS.fullmatch(text):
        return now + timedelta(days=int(match[1]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise StackError(f"--expires must be like 90d or 2027-01-31T00:00:00+08:00, not {text!r}")
    return moment.astimezone(UTC)


def _create(options: argparse.Namespace) -> int:
    clock = SystemClock()
    scopes = [scope for words in options.scope for scope in words.replace(",", " ").split()]
    expires_at = parse_expiry(options.expires, clock.now())
    with database_urls(StackSettings.load()) as urls:
        issued = _wait(
            create(
                urls,
                name=options.name,
                scopes=scopes,
                clock=clock,
                department_code=options.department,
                expires_at=expires_at,
            )
        )
    if options.json:
        shown = {**_shown(KeyStatus(issued.record, frozenset(Service))), "key": issued.text}
        print(json.dumps(shown, ensure_ascii=False))
    else:
        print(issued.text)
        print("This is the only time the key is shown.")
    return 0


def _list(options: argparse.Namespace) -> int:
    with database_urls(StackSettings.load()) as urls:
        found = _wait(listing(urls))
    if options.json:
        print(json.dumps([_shown(status) for status in found], ensure_ascii=False, indent=2))
        return 0
    now = SystemClock().now()
    for status in found:
        record = status.record
        missing = sorted(set(Service) - status.services)
        notes = [
            "valid" if record.is_valid_at(now) else "ended",
            *([f"department {record.department_code}"] if record.department_code else []),
            *([f"expires {record.expires_at:%Y-%m-%d}"] if record.expires_at else []),
            *([f"unknown to {', '.join(missing)}"] if missing else []),
        ]
        print(f"{record.prefix}  {record.name}  [{' '.join(sorted(record.scopes))}]  {'; '.join(notes)}")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    match = _KEY_OR_PREFIX.fullmatch(options.prefix)
    if match is None:
        raise StackError("a key's prefix is the twelve characters after mq_")
    with database_urls(StackSettings.load()) as urls:
        _wait(revoke(urls, match[1], at=SystemClock().now()))
    print(f"{match[1]} is revoked; it stops working within 30 seconds")
    return 0


def _shown(status: KeyStatus) -> dict[str, Any]:
    record = status.record
    moments = {name: getattr(record, name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")}
    return {
        "id": str(record.id),
        "prefix": record.prefix,
        "name": record.name,
        "scopes": sorted(record.scopes),
        "department_code": record.department_code,
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
        "services": sorted(status.services),
    }


def _wait(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a database that is away is one line."""
    from sqlalchemy.exc import DBAPIError

    try:
        return asyncio.run(work)
    except (OSError, TimeoutError, DBAPIError) as error:
        reason = getattr(error, "orig", None) or error
        raise StackError(f"the databases do not answer: {reason}") from error

"""API keys over the whole system: the same row goes into every service's own table, all or none."""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from deploy.settings import write_private
from shared.clock import Clock
from shared.db.schema import service_metadata
from shared.db.urls import async_url
from shared.errors import NotFound
from shared.identity.api_keys import (
    ApiKeyRecord,
    IssuedKey,
    issue_key,
    list_keys,
    revoke_key,
    split_key,
    store_key,
)
from shared.identity.scopes import Scope
from shared.identity.tables import api_key_table
from shared.vocabulary import Service

Urls = Mapping[Service, str]
DEMO_NAME_PREFIX = "demo: "
_DEMO_NAMESPACE = UUID("0e8d2f2c-5a57-4d0e-8d39-6b1a7c1f5a10")

DEMO_SCOPES: Mapping[str, tuple[Scope, ...]] = {
    "call_center": (
        Scope.APPEALS_WRITE,
        Scope.APPEALS_READ,
        Scope.APPEALS_REVIEW,
        Scope.APPEALS_REVEAL,
        Scope.APPEALS_TRACK,
        Scope.KNOWLEDGE_WRITE,
        Scope.ENTRY_WRITE,
        Scope.TICKETS_READ,
        Scope.REGISTRY_READ,
        Scope.CASES_READ,
        Scope.EVALUATIONS_WRITE,
    ),
    "mobile_app": (Scope.APPEALS_WRITE, Scope.APPEALS_TRACK, Scope.EVALUATIONS_WRITE),
    "dispatcher": (
        Scope.APPEALS_READ,
        Scope.APPEALS_WRITE,
        Scope.APPEALS_REVIEW,
        Scope.TICKETS_READ,
        Scope.TICKETS_DISPATCH,
        Scope.REGISTRY_READ,
        Scope.ROUTING_WRITE,
        Scope.CASES_READ,
    ),
    "callback_agent": (Scope.CALLBACKS_READ, Scope.CALLBACKS_WRITE, Scope.CASES_READ, Scope.APPEALS_READ),
    "supervisor": (
        Scope.APPEALS_READ,
        Scope.APPEALS_REVIEW,
        Scope.APPEALS_REVEAL,
        Scope.PRIVACY_WRITE,
        Scope.TICKETS_READ,
        Scope.TICKETS_DISPATCH,
        Scope.REGISTRY_READ,
        Scope.ROUTING_PUBLISH,
        Scope.CALLBACKS_READ,
        Scope.CASES_READ,
        Scope.KPIS_READ,
        Scope.FEEDBACK_SUPERVISE,
        Scope.DEAD_LETTERS_WRITE,
    ),
    "admin": (Scope.ADMIN,),
}
DEPARTMENT_SCOPES = (Scope.TICKETS_PULL, Scope.TICKETS_HANDLE, Scope.TICKETS_READ, Scope.REGISTRY_READ)


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """One key and the services that know it; normally all three."""

    record: ApiKeyRecord
    services: frozenset[Service]


@contextlib.asynccontextmanager
async def connections(urls: Urls) -> AsyncIterator[dict[Service, AsyncConnection]]:
    """A transaction in each service's database; they commit one after the other once the body has succeeded.

    All are open before anything is written, so a database that is away leaves no key behind in the others.
    """
    async with contextlib.AsyncExitStack() as stack:
        opened: dict[Service, AsyncConnection] = {}
        for service, url in urls.items():
            engine = create_async_engine(async_url(url), poolclass=NullPool, connect_args={"timeout": 5})
            stack.push_async_callback(engine.dispose)
            opened[service] = await stack.enter_async_context(engine.connect())
        yield opened
        for connection in opened.values():
            await connection.commit()


def _table(service: Service) -> sa.Table:
    return api_key_table(service_metadata(service.value))


async def store(urls: Urls, records: Sequence[ApiKeyRecord]) -> None:
    """Write keys to every service; a key that is there already stays as it is."""
    async with connections(urls) as opened:
        for service, connection in opened.items():
            for record in records:
                await store_key(connection, _table(service), record)


async def create(
    urls: Urls,
    *,
    name: str,
    scopes: Sequence[str],
    clock: Clock,
    department_code: str | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make a key and give it to every service. Raises InvalidInput; nothing is stored then."""
    issued = issue_key(name=name, scopes=scopes, clock=clock, department_code=department_code, expires_at=expires_at)
    await store(urls, [issued.record])
    return issued


async def listing(urls: Urls) -> list[KeyStatus]:
    """Every key of the system, newest first, with the services that have it."""
    seen: dict[str, ApiKeyRecord] = {}
    known: dict[str, set[Service]] = {}
    async with connections(urls) as opened:
        for service, connection in opened.items():
            for record in await list_keys(connection, _table(service)):
                seen.setdefault(record.prefix, record)
                known.setdefault(record.prefix, set()).add(service)
    ordered = sorted(seen.values(), key=lambda record: (record.created_at, record.id), reverse=True)
    return [KeyStatus(record, frozenset(known[record.prefix])) for record in ordered]


async def revoke(urls: Urls, prefix: str, *, at: datetime) -> None:
    """End a key everywhere; again is as good as once. Raises NotFound when no service knows it."""
    found = False
    async with connections(urls) as opened:
        for service, connection in opened.items():
            with contextlib.suppress(NotFound):
                await revoke_key(connection, _table(service), prefix=prefix, at=at)
                found = True
    if not found:
        raise NotFound("No key has this prefix.")


def _demo_record(text: str, role: str, clock: Clock, department: str | None) -> ApiKeyRecord:
    """The row of a demo key, the same whenever it is made again from the key's text."""
    parts = split_key(text)
    if parts is None:
        raise ValueError(f"the key of {role} is not of a key's form")
    prefix, secret = parts
    scopes = DEPARTMENT_SCOPES if department is not None else DEMO_SCOPES[role]
    return ApiKeyRecord(
        id=uuid5(_DEMO_NAMESPACE, prefix),
        prefix=prefix,
        secret_sha256=hashlib.sha256(secret.encode()).digest(),
        name=f"{DEMO_NAME_PREFIX}{role}",
        scopes=frozenset(scopes),
        department_code=department,
        created_at=clock.now(),
    )


async def ensure_demo_keys(urls: Urls, file: Path, departments: Sequence[str], *, clock: Clock) -> None:
    """Make the keys file and store its keys; keys that the file already holds stay the same.

    When the file was removed, new keys are made and the demo keys of before end.
    """
    wanted = _read_demo_keys(file)
    if wanted is None:
        await _end_demo_keys(urls, clock)
        wanted = {"departments": {}}

    def new_key(name: str) -> str:
        return issue_key(name=name, scopes=[Scope.ADMIN], clock=clock).text

    keys: dict[str, str] = {role: str(wanted.get(role) or new_key(role)) for role in DEMO_SCOPES}
    had: Mapping[str, str] = wanted.get("departments") or {}
    per_department = {code: had.get(code) or new_key(code) for code in sorted(set(departments) | set(had))}
    records = [_demo_record(text, role, clock, None) for role, text in keys.items()]
    records += [_demo_record(text, f"department {code}", clock, code) for code, text in per_department.items()]
    content = {**keys, "departments": per_department}
    if content != wanted:
        write_private(file, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    await store(urls, records)


def _read_demo_keys(file: Path) -> dict[str, dict[str, str]] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


async def _end_demo_keys(urls: Urls, clock: Clock) -> None:
    for status in await listing(urls):
        if status.record.name.startswith(DEMO_NAME_PREFIX) and status.record.revoked_at is None:
            await revoke(urls, status.record.prefix, at=clock.now())

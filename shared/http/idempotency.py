"""Idempotency keys: a repeated POST gets the first one's reply, byte for byte, and has no second effect.

The row is written in the same transaction as the effect, so a reply is stored exactly when the effect is. A second
request with the same key that arrives meanwhile is told so (409), with the help of an advisory lock that ends with the
transaction. Refusals (4xx, 5xx) are not stored: the same key may be tried again.
"""

import asyncio
import contextlib
import hashlib
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

import orjson
import sqlalchemy as sa
import structlog
from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.dialects import postgresql

from shared.db.engine import Database, RetryTransaction
from shared.db.schema import service_metadata
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, FieldProblem, InvalidInput
from shared.http.requests import header_of
from shared.identity.principal import Principal
from shared.observability.metrics import IDEMPOTENT_REPLAYS

log = structlog.get_logger(__name__)

T = TypeVar("T")
Rendered = tuple[Any, Mapping[str, str]]
Render = Callable[[T], Rendered]

_TABLE: Final = "idempotency_keys"
_KEY_FORM: Final = re.compile(r"[\x21-\x7e]{1,255}")
_REMOVED_AT_ONCE: Final = 5_000
_CLEANED_EVERY: Final = 600.0
JSON_TYPE: Final = "application/json"


def idempotency_table(metadata: sa.MetaData) -> sa.Table:
    """Declare the table on a service's metadata, or return it when it is declared already."""
    known = metadata.tables.get(f"{metadata.schema}.{_TABLE}" if metadata.schema else _TABLE)
    if known is not None:
        return known
    return sa.Table(
        _TABLE,
        metadata,
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("request_sha256", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("headers", postgresql.JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(id) = 32", name="id_is_a_digest"),
        sa.Index("ix_idempotency_keys_created_at", "created_at", postgresql_using="brin"),
    )


def create_idempotency_table(op: Any, schema: str) -> None:
    """Create the table; called from a service's first migration with Alembic's `op`."""
    metadata = service_metadata(schema)
    idempotency_table(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)


def drop_idempotency_table(op: Any, schema: str) -> None:
    """Drop what create_idempotency_table created."""
    op.drop_table(_TABLE, schema=schema)


async def remove_expired_keys(uow: UnitOfWork, *, keep_for: timedelta, limit: int = _REMOVED_AT_ONCE) -> int:
    """Housekeeping: remove up to `limit` replies older than `keep_for`; returns how many. Call until it returns 0."""
    old = (
        sa.select(_ROWS.c.id)
        .where(_ROWS.c.created_at < uow.now - keep_for)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await uow.connection.execute(sa.delete(_ROWS).where(_ROWS.c.id.in_(old)))).rowcount


async def keep_clean(database: Database, keep_for: timedelta, stop: asyncio.Event) -> None:
    """Remove old replies now and then until `stop`; runs in every API process, and they do not hinder each other."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _CLEANED_EVERY * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        try:
            while not stop.is_set():
                removed = await database.transact(lambda uow: remove_expired_keys(uow, keep_for=keep_for))
                if removed < _REMOVED_AT_ONCE:
                    break
        except Exception as error:  # noqa: BLE001 - housekeeping must not end the process; it is tried again
            log.warning("idempotency_not_cleaned", error=type(error).__name__)


# Without a schema in its name: a service's connections look into its own schema only.
_ROWS: Final = idempotency_table(sa.MetaData())


class KeyReused(InvalidInput):
    """The key was used for a request with another body."""

    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another request"


class InFlight(Conflict):
    """The first request with this key is still being worked on."""

    code = "idempotency_in_flight"
    title = "The first request with this key is still running"


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply as it was first given."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def response(self, *, replayed: bool = False) -> Response:
        headers = dict(self.headers)
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(self.body, status_code=self.status, headers=headers, media_type=JSON_TYPE)


def make_reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> StoredReply:
    """Serialise a reply: a pydantic model, or anything JSON can hold."""
    if isinstance(body, BaseModel):
        data = body.model_dump_json().encode()
    elif isinstance(body, bytes):
        data = body
    else:
        data = orjson.dumps(body)
    return StoredReply(status, dict(headers or {}), data)


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """A key in its scope (who, which method, which path) and the digest of the request it came with.

    For code that writes the row inside a statement of its own: `id`, `request_sha256` and `lock` are what the table and
    `pg_try_advisory_xact_lock` need, `row(...)` is a complete row, `judge(...)` decides about one that was found.
    """

    id: bytes
    request_sha256: bytes

    @property
    def lock(self) -> int:
        """A signed 64-bit number for the advisory lock."""
        return int.from_bytes(self.id[:8], "big", signed=True)

    def row(self, reply: StoredReply, now: datetime) -> dict[str, Any]:
        return {
            "id": self.id,
            "request_sha256": self.request_sha256,
            "status": reply.status,
            "headers": dict(reply.headers),
            "body": reply.body,
            "created_at": now,
        }

    def judge(self, *, request_sha256: bytes, status: int, headers: Mapping[str, str], body: bytes) -> StoredReply:
        """Return the stored reply of a row that was found. Raises KeyReused when it belongs to another request."""
        if bytes(request_sha256) != self.request_sha256:
            problem = FieldProblem("/Idempotency-Key", "was used with another body; choose a new key")
            raise KeyReused("This idempotency key was used for another request.", [problem])
        return StoredReply(status, headers, bytes(body))


def key_identity(*, principal_id: str, method: str, path: str, key: str, body: bytes) -> KeyIdentity:
    """Scope a key and digest its request."""
    scope = orjson.dumps([principal_id, method, path, key])
    return KeyIdentity(hashlib.sha256(scope).digest(), hashlib.sha256(body).digest())


class IdempotencyContext:
    """One request's idempotency: `identity` is None when no key was sent."""

    __slots__ = ("_service", "identity")

    def __init__(self, identity: KeyIdentity | None, service: str) -> None:
        self.identity = identity
        self._service = service

    async def run(
        self,
        database: Database,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        status: int,
        render: Render[T],
    ) -> Response:
        """Run `work` once per key in one transaction and answer with what `render` makes of its result.

        `render` returns (body, headers) and runs inside the transaction, so it must not wait. Raises KeyReused,
        InFlight and whatever `work` raises; then nothing is stored.
        """
        identity = self.identity
        if identity is None:
            return (await database.transact(lambda uow: _plain(uow, work, status, render))).response()

        async def once(uow: UnitOfWork) -> tuple[StoredReply, bool]:
            found = await claim(uow, identity)
            if found is not None:
                return found, True
            reply = await _plain(uow, work, status, render)
            await store_reply(uow, identity, reply)
            return reply, False

        reply, replayed = await database.transact(once)
        return self.answer(reply, replayed=replayed)

    def answer(self, reply: StoredReply, *, replayed: bool) -> Response:
        """The HTTP response of a reply, counted when it is a replay."""
        if replayed:
            IDEMPOTENT_REPLAYS.labels(self._service).inc()
        return reply.response(replayed=replayed)


async def _plain(
    uow: UnitOfWork, work: Callable[[UnitOfWork], Awaitable[T]], status: int, render: Render[T]
) -> StoredReply:
    body, headers = render(await work(uow))
    return make_reply(status, body, headers)


async def claim(uow: UnitOfWork, identity: KeyIdentity) -> StoredReply | None:
    """Take the key's lock and look for its reply, in one round trip. Raises InFlight or KeyReused.

    The statement's snapshot is older than its lock, so a reply committed in between is not seen here; then
    `store_reply` meets it as a conflict and has the transaction run again.
    """
    found = (await uow.connection.execute(_CLAIM, {"lock": identity.lock, "key_id": identity.id})).one()
    if found.status is not None:
        return identity.judge(
            request_sha256=found.request_sha256, status=found.status, headers=found.headers, body=found.body
        )
    if not found.locked:
        raise InFlight("Wait for the first request, then ask again with the same key.")
    return None


async def store_reply(uow: UnitOfWork, identity: KeyIdentity, reply: StoredReply) -> None:
    """Store a reply with its effect. Raises RetryTransaction when another transaction stored one first."""
    statement = postgresql.insert(_ROWS).values(identity.row(reply, uow.now)).on_conflict_do_nothing()
    if (await uow.connection.execute(statement)).rowcount != 1:
        raise RetryTransaction


_LOCK: Final = sa.select(
    sa.func.pg_try_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)).label("locked")
).subquery("attempt")
_CLAIM: Final = sa.select(
    _LOCK.c.locked, _ROWS.c.request_sha256, _ROWS.c.status, _ROWS.c.headers, _ROWS.c.body
).select_from(_LOCK.outerjoin(_ROWS, _ROWS.c.id == sa.bindparam("key_id", type_=sa.LargeBinary)))


async def idempotency(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="A value of your own, new for each thing you want done once; the same key gets the same reply.",
        ),
    ] = None,
) -> IdempotencyContext:
    """The dependency: reads and checks the header, digests the body."""
    return await _context(request, idempotency_key)


async def idempotency_of(request: Request) -> IdempotencyContext:
    """The same for code that is not called by the framework."""
    return await _context(request, header_of(request.scope, b"idempotency-key"))


async def _context(request: Request, key: str | None) -> IdempotencyContext:
    service: str = request.app.state.settings.SERVICE.value
    if key is None:
        return IdempotencyContext(None, service)
    if not _KEY_FORM.fullmatch(key):
        raise InvalidInput(
            "The idempotency key has a wrong form.",
            [FieldProblem("/Idempotency-Key", "1 to 255 visible ASCII characters", {"max_length": 255})],
        )
    principal: Principal | None = request.scope.get("minqing.principal")
    identity = key_identity(
        principal_id=principal.id if principal is not None else "",
        method=request.method,
        path=request.scope["path"],
        key=key,
        body=await request.body(),
    )
    return IdempotencyContext(identity, service)


Idempotency = Annotated[IdempotencyContext, Depends(idempotency)]

"""API keys: issued once, stored as a hash, replicated to every service, revoked by a date.

The secret holds 256 bits of randomness, so one SHA-256 is enough; a slow password hash would only cost latency.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock
from shared.errors import FieldProblem, InvalidInput, NotFound
from shared.identity.principal import Principal
from shared.identity.scopes import ALL_SCOPES
from shared.ids import uuid7

_PREFIX_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_PREFIX_LENGTH = 12
_SECRET_BYTES = 32
_KEY_FORM = re.compile(r"mq_([a-z2-9]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_NAME_LIMIT = 200


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """What is stored of a key: never the secret, only its digest."""

    id: UUID
    prefix: str
    secret_sha256: bytes
    name: str
    scopes: frozenset[str]
    department_code: str | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid_at(self, moment: datetime) -> bool:
        """Expiry and revocation are exclusive ends: a key that expires at noon is refused at noon."""
        return not any(end is not None and end <= moment for end in (self.expires_at, self.revoked_at))

    def principal(self) -> Principal:
        return Principal(
            id=str(self.id),
            kind="api_key",
            name=self.name,
            scopes=self.scopes,
            department_code=self.department_code,
            actor=f"key:{self.prefix}",
        )


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key: `text` is shown once and cannot be had again."""

    text: str
    record: ApiKeyRecord

    def __repr__(self) -> str:
        return f"IssuedKey(prefix={self.record.prefix!r})"


def issue_key(
    *,
    name: str,
    scopes: Iterable[str],
    clock: Clock,
    department_code: str | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make a key; nothing is stored yet. Raises InvalidInput for an unknown scope, an empty name or a past expiry."""
    wanted = frozenset(scopes)
    now = clock.now()
    problems = []
    if unknown := sorted(wanted - ALL_SCOPES):
        problems.append(FieldProblem("/scopes", f"unknown scopes: {', '.join(unknown)}", sorted(ALL_SCOPES)))
    if not wanted:
        problems.append(FieldProblem("/scopes", "at least one scope is needed", sorted(ALL_SCOPES)))
    if not 1 <= len(name.strip()) <= _NAME_LIMIT:
        problems.append(FieldProblem("/name", f"needs 1 to {_NAME_LIMIT} characters"))
    if expires_at is not None and expires_at <= now:
        problems.append(FieldProblem("/expires_at", "lies in the past"))
    if problems:
        raise InvalidInput("The key cannot be made as asked.", problems)
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(_PREFIX_LENGTH))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    record = ApiKeyRecord(
        id=uuid7(),
        prefix=prefix,
        secret_sha256=hashlib.sha256(secret.encode()).digest(),
        name=name.strip(),
        scopes=wanted,
        department_code=department_code,
        created_at=now,
        expires_at=expires_at,
    )
    return IssuedKey(text=f"mq_{prefix}_{secret}", record=record)


def split_key(text: str) -> tuple[str, str] | None:
    """Return (prefix, secret), or None when the text is not of a key's form."""
    match = _KEY_FORM.fullmatch(text)
    return (match[1], match[2]) if match else None


def secret_matches(record: ApiKeyRecord, secret: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), record.secret_sha256)


def _record(row: sa.RowMapping) -> ApiKeyRecord:
    values = {column: row[column] for column in ApiKeyRecord.__dataclass_fields__}
    return ApiKeyRecord(**{**values, "scopes": frozenset(row["scopes"]), "secret_sha256": bytes(row["secret_sha256"])})


async def store_key(connection: AsyncConnection, table: sa.Table, record: ApiKeyRecord) -> None:
    """Write the key into one service's table; storing the same key again changes nothing."""
    values = {column: getattr(record, column) for column in ApiKeyRecord.__dataclass_fields__ if column != "scopes"}
    statement = postgresql.insert(table).values(**values, scopes=sorted(record.scopes))
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))


async def find_key(connection: AsyncConnection, table: sa.Table, prefix: str) -> ApiKeyRecord | None:
    row = (await connection.execute(sa.select(table).where(table.c.prefix == prefix))).mappings().one_or_none()
    return _record(row) if row is not None else None


async def list_keys(connection: AsyncConnection, table: sa.Table, *, limit: int = 1_000) -> Sequence[ApiKeyRecord]:
    """Newest first, revoked and expired ones included."""
    statement = sa.select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
    return [_record(row) for row in (await connection.execute(statement)).mappings()]


async def revoke_key(connection: AsyncConnection, table: sa.Table, *, prefix: str, at: datetime) -> None:
    """End a key at `at`; a key already revoked keeps its first date. Raises NotFound for an unknown prefix."""
    statement = (
        sa.update(table)
        .where(table.c.prefix == prefix)
        .values(revoked_at=sa.func.least(sa.func.coalesce(table.c.revoked_at, at), at))
    )
    if (await connection.execute(statement)).rowcount == 0:
        raise NotFound("No key has this prefix.")


async def record_use(connection: AsyncConnection, table: sa.Table, used: dict[UUID, datetime]) -> None:
    """Note when keys were last used, never moving backwards; one statement for all, locked in id order."""
    if not used:
        return
    ordered = sorted(used)
    ids = postgresql.ARRAY(sa.Uuid)
    times = postgresql.ARRAY(sa.DateTime(timezone=True))
    seen = sa.select(
        sa.func.unnest(sa.cast(ordered, ids)).label("id"),
        sa.func.unnest(sa.cast([used[key] for key in ordered], times)).label("at"),
    ).subquery()
    locked = (
        sa.select(table.c.id, seen.c.at)
        .join(seen, seen.c.id == table.c.id)
        .order_by(table.c.id)
        .with_for_update(of=table)
        .subquery()
    )
    await connection.execute(
        sa.update(table)
        .where(table.c.id == locked.c.id)
        .values(last_used_at=sa.func.greatest(sa.func.coalesce(table.c.last_used_at, locked.c.at), locked.c.at))
    )

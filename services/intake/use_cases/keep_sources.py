"""Inbound sources: who may send appeals by signed webhook, how their payloads are read, and their secrets."""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.intake.db.inbound import Row, find_source, list_sources, save_source
from services.intake.db.vault import Sealed, Vault
from services.intake.domain.inbound import MappingRule, check_rules
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork
from shared.errors import NotFound
from shared.ids import uuid7
from shared.vocabulary import Channel

VersionCheck = Callable[[int | None], None]
_OVERLAP: Final = timedelta(hours=24)
_SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"


@dataclass(frozen=True, slots=True)
class PutSource:
    """A source as it is to be."""

    code: str
    name: str
    channel: Channel
    rules: Sequence[MappingRule]
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """A source as deliveries need it, with the secrets that are good now."""

    code: str
    channel: Channel
    enabled: bool
    rules: tuple[MappingRule, ...]
    secrets: tuple[str, ...]


async def put_source(
    uow: UnitOfWork, desk: Desk, command: PutSource, *, check_version: VersionCheck
) -> tuple[Row, str | None]:
    """Create or change a source; return it, and the secret of a new one: it is told here and never again.

    Raises InvalidInput for a mapping that cannot work, StaleVersion.
    """
    check_rules(command.rules)
    stored = await find_source(uow.connection, command.code, lock=True)
    check_version(stored["version"] if stored is not None else None)
    secret = None if stored is not None else _new_secret()
    values: Row = {
        "code": command.code,
        "name": command.name,
        "channel": command.channel.value,
        "mapping": [asdict(rule) for rule in command.rules],
        "enabled": command.enabled,
        "updated_at": uow.now,
    }
    if stored is not None:
        kept = {name: stored[name] for name in ("id", "key_id", "wrapped_key", "sealed")}
        values |= kept | {"version": stored["version"] + 1}
    elif secret is not None:
        source_id = uuid7()
        values |= {"id": source_id, "version": 1} | _sealed(desk.vault, source_id, [(secret, None)])
    await save_source(uow.connection, values)
    return values, secret


async def change_secret(uow: UnitOfWork, desk: Desk, code: str) -> tuple[Row, str]:
    """Give a source a new secret; the one before is good for another day. Raises NotFound."""
    stored = await find_source(uow.connection, code, lock=True)
    if stored is None:
        raise NotFound("There is no such source.")
    secret = _new_secret()
    valid: list[tuple[str, datetime | None]] = [(secret, None)]
    valid += [(old, until or uow.now + _OVERLAP) for old, until in _opened(desk.vault, stored)][:1]
    values = stored | _sealed(desk.vault, stored["id"], valid)
    values |= {"version": stored["version"] + 1, "updated_at": uow.now}
    await save_source(uow.connection, values)
    return values, secret


async def read_sources(uow: UnitOfWork) -> list[Row]:
    """Return every source, without secrets being opened."""
    return await list_sources(uow.connection)


async def open_source(uow: UnitOfWork, desk: Desk, code: str) -> Source | None:
    """Return a source with its secrets, or None when there is none or it is switched off."""
    stored = await find_source(uow.connection, code)
    if stored is None or not stored["enabled"]:
        return None
    return Source(
        code=code,
        channel=Channel(stored["channel"]),
        enabled=True,
        rules=tuple(
            MappingRule(rule["field"], tuple(rule["pointers"]), rule["values"], rule["default"])
            for rule in stored["mapping"]
        ),
        secrets=tuple(secret for secret, until in _opened(desk.vault, stored) if until is None or uow.now < until),
    )


def _new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _sealed(vault: Vault, source_id: UUID, valid: Sequence[tuple[str, datetime | None]]) -> dict[str, Any]:
    content = {"secrets": [[secret, until.isoformat() if until else None] for secret, until in valid]}
    record = vault.seal(source_id, content)
    return {"key_id": record.key_id, "wrapped_key": record.wrapped_key, "sealed": record.sealed}


def _opened(vault: Vault, stored: Row) -> list[tuple[str, datetime | None]]:
    record = Sealed(stored["key_id"], bytes(stored["wrapped_key"]), bytes(stored["sealed"]))
    content = vault.open(stored["id"], record)
    return [(secret, datetime.fromisoformat(until) if until else None) for secret, until in content["secrets"]]

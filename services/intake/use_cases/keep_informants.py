"""Informants, volunteers, grid workers and building chiefs: who they are is sealed, their work is not (LZ-03)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.db.appeals import AccessLogEntry, log_access, read_vault
from services.intake.db.entry import INFORMANTS, Row, find_registered, list_appeals_by_detail, seal_person
from services.intake.domain import people, texts
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_registry import VersionCheck, get_registered, put_registered
from shared.db.cursors import decode_cursor, encode_cursor
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput
from shared.ids import uuid7


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an informant is; goes into the vault and nowhere else."""

    name: str | None = None
    phone: str | None = None

    def __bool__(self) -> bool:
        return bool(self.name or self.phone)


@dataclass(frozen=True, slots=True)
class PutInformant:
    """Create or change an informant; without an identity the one there is stays."""

    values: Mapping[str, Any]
    identity: Identity | None
    actor: str


async def put_informant(
    uow: UnitOfWork, desk: Desk, command: PutInformant, *, check_version: VersionCheck
) -> tuple[Row, bool]:
    """Save an informant; return the row and whether it is new. Raises InvalidInput, StaleVersion."""
    identity = command.identity
    phone = people.normalise_phone(identity.phone) if identity is not None and identity.phone else None
    if identity is not None and identity.phone and phone is None:
        raise InvalidInput("The informant is not valid.", [FieldProblem("/phone", "is not a phone number")])
    values = dict(command.values)
    stored = await find_registered(uow.connection, INFORMANTS, values["code"], lock=True)
    id_ = stored["id"] if stored is not None else uuid7()
    if identity is not None:
        values["hint"] = _hint_of(identity, phone)
    row, is_new = await put_registered(
        uow,
        INFORMANTS,
        values,
        actor=command.actor,
        check_version=check_version,
        when_new={"id": id_, "hint": {}},
    )
    if identity is not None:
        sealed = desk.vault.seal(id_, {"informant": {"name": identity.name, "phone": phone}}) if identity else None
        await seal_person(uow.connection, id_, sealed, desk.vault.phone_hash(phone) if phone else None)
    return row, is_new


def _hint_of(identity: Identity, phone: str | None) -> dict[str, str]:
    hint = {}
    if identity.name:
        hint["name"] = texts.mask_name(identity.name)
    if phone:
        hint["phone"] = texts.mask_phone(phone)
    return hint


@dataclass(frozen=True, slots=True)
class RevealInformant:
    code: str
    reason: str
    actor: str
    principal_id: str


async def reveal_informant(uow: UnitOfWork, desk: Desk, command: RevealInformant) -> dict[str, Any]:
    """Return an informant's name and number; the access is logged. Raises NotFound."""
    row = await get_registered(uow, INFORMANTS, command.code)
    await log_access(
        uow.connection,
        AccessLogEntry(
            appeal_id=row["id"],
            actor=command.actor,
            principal_id=command.principal_id,
            reason=command.reason,
            granted=True,
            at=uow.now,
        ),
    )
    sealed = await read_vault(uow.connection, row["id"])
    content = desk.vault.open(row["id"], sealed) if sealed is not None else {}
    found: dict[str, Any] = content.get("informant", {})
    return found


async def list_filed(
    uow: UnitOfWork, code: str, *, department_code: str | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return what an informant filed and where it stands, newest first: a reply is owed to them (WD-08).

    What was filed in confidence is not among it. Raises NotFound, InvalidInput for a cursor that is none.
    """
    await get_registered(uow, INFORMANTS, code)
    after: tuple[datetime, UUID] | None = None
    if cursor is not None:
        created_at, id_ = decode_cursor(cursor, (datetime, UUID))
        after = (created_at, id_)
    rows = await list_appeals_by_detail(
        uow.connection, "informant_id", code, department_code=department_code, after=after, limit=limit + 1
    )
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], encode_cursor(last["created_at"], last["id"]) if last is not None else None

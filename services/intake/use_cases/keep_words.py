"""Putting a citizen's own words into the vault of an appeal that is on record."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.intake.db.appeals import read_vault, write_vault
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork

Secrets = dict[str, Any]


async def secrets_of(uow: UnitOfWork, desk: Desk, appeal_id: UUID) -> Secrets:
    """Return the vault's content for an appeal, nothing when it has none. Its row must be locked to change it."""
    record = await read_vault(uow.connection, appeal_id)
    return desk.vault.open(appeal_id, record) if record is not None else {}


async def keep_secrets(uow: UnitOfWork, desk: Desk, appeal_id: UUID, secrets: Mapping[str, Any]) -> None:
    """Seal the content anew; what a phone number is found by stays as it is."""
    await write_vault(uow.connection, appeal_id, desk.vault.seal(appeal_id, secrets))

"""Putting a citizen's own words into the vault of an appeal that is on record, and masking them for everybody else."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from services.intake.db.appeals import read_vault, write_vault
from services.intake.domain import texts
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork

Secrets = dict[str, Any]
_PEOPLE: Final = ("signatories", "representatives")


async def secrets_of(uow: UnitOfWork, desk: Desk, appeal_id: UUID) -> Secrets:
    """Return the vault's content for an appeal, nothing when it has none. Its row must be locked to change it."""
    record = await read_vault(uow.connection, appeal_id)
    return desk.vault.open(appeal_id, record) if record is not None else {}


async def keep_secrets(uow: UnitOfWork, desk: Desk, appeal_id: UUID, secrets: Mapping[str, Any]) -> None:
    """Seal the content anew; what a phone number is found by stays as it is."""
    await write_vault(uow.connection, appeal_id, desk.vault.seal(appeal_id, secrets))


def masked(text: str, secrets: Mapping[str, Any]) -> str:
    """Return a text with the people of the matter, and whatever looks like personal data, taken out."""
    people = list(_people_of(secrets))
    names = [str(person["name"]) for person in people if person.get("name")]
    phones = [str(person["phone"]) for person in people if person.get("phone")]
    return texts.mask_person(text, names=names, phones=phones) if text else text


def _people_of(secrets: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("reporter", "on_behalf_of"):
        if secrets.get(name):
            yield secrets[name]
    for name in _PEOPLE:
        yield from secrets.get(name) or ()

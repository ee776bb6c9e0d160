"""What staff write about an appeal names none of its people: who they are is asked of the vault and shown to nobody."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from services.intake.db.appeals import read_vault
from services.intake.domain.texts import mask_person
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork

Mask = Callable[[str], str]


async def mask_for(uow: UnitOfWork, desk: Desk, appeal_id: UUID) -> Mask:
    """Return what makes a text fit to be kept, published and shown: no number, no address, no name of this matter."""
    sealed = await read_vault(uow.connection, appeal_id)
    secrets = desk.vault.open(appeal_id, sealed) if sealed is not None else {}
    people = _people_in(secrets)
    names = [person["name"] for person in people if person.get("name")]
    phones = [person["phone"] for person in people if person.get("phone")]
    return lambda text: mask_person(text, names=names, phones=phones)


def _people_in(secrets: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    single = [secrets[role] for role in ("reporter", "on_behalf_of") if secrets.get(role)]
    return [*single, *secrets.get("signatories", ())]

"""What staff write about an appeal names none of its people: who they are is asked of the vault and shown to nobody."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from services.intake.db.appeals import read_vault
from services.intake.domain.texts import mask_person
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork

Mask = Callable[[str], str]

_NUMBER: Final = re.compile(r"(?<![0-9])[+(（]?[0-9][0-9\-()（） ]{5,18}[0-9](?![0-9])")
_FEWEST_DIGITS: Final = 7
_MOST_NUMBERS: Final = 100
_STAND_IN: Final = 0xF0000  # of a plane that nobody writes in


async def mask_for(uow: UnitOfWork, desk: Desk, appeal_id: UUID) -> Mask:
    """Return what makes a text fit to be kept, published and shown: no number, no address, no name of this matter."""
    sealed = await read_vault(uow.connection, appeal_id)
    secrets = desk.vault.open(appeal_id, sealed) if sealed is not None else {}
    people = _people_in(secrets)
    names = [person["name"] for person in people if person.get("name")]
    phones = [person["phone"] for person in people if person.get("phone")]
    return lambda text: mask_person(text, names=names, phones=phones)


def keep_published(mask: Mask, published: str) -> Mask:
    """Return a mask that lets numbers through which stand in a published text: an office's, not a citizen's."""
    found = sorted({match[0] for match in _NUMBER.finditer(published)}, key=len, reverse=True)
    numbers = [number for number in found if sum(map(str.isdigit, number)) >= _FEWEST_DIGITS][:_MOST_NUMBERS]

    def masked(text: str) -> str:
        for index, number in enumerate(numbers):
            text = re.sub(rf"(?<![0-9]){re.escape(number)}(?![0-9])", chr(_STAND_IN + index), text)
        text = mask(text)
        for index, number in enumerate(numbers):
            text = text.replace(chr(_STAND_IN + index), number)
        return text

    return masked


def _people_in(secrets: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    single = [secrets[role] for role in ("reporter", "on_behalf_of") if secrets.get(role)]
    return [*single, *secrets.get("signatories", ())]

"""Who is handled together: the master, those attached to it, and the people and households behind all of them."""

from dataclasses import dataclass
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.groups import master_of, members_of
from services.intake.use_cases.find_appeals import get_appeal
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Group:
    """A master and its members; a group of one when nothing is attached."""

    master: Row
    members: list[Row]

    @property
    def persons(self) -> int:
        """Everybody who spoke: an appeal that is no joint one is one person."""
        return sum(max(row["signatories"], 1) for row in (self.master, *self.members))

    @property
    def households(self) -> int:
        return sum(row["households"] for row in (self.master, *self.members))


async def read_group(uow: UnitOfWork, appeal_id: UUID, *, department_code: str | None = None) -> Group:
    """Return the group that an appeal belongs to, asked for by its master or by a member. Raises NotFound."""
    master_id = await master_of(uow.connection, appeal_id) or appeal_id
    master = await get_appeal(uow, master_id, department_code=department_code)
    return Group(master, await members_of(uow.connection, master_id))

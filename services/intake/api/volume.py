"""How much came in and what became of it, counted out of the record."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from services.intake.api.dependencies import Reader
from services.intake.db.volume import VolumeGroup
from services.intake.use_cases.measure_volume import measure_volume
from shared.errors import Forbidden
from shared.http.dependencies import Db
from shared.http.text import Moment, Output

router = APIRouter(prefix="/v1/volume", tags=["volume"])


class VolumeRow(Output):
    """Counts of one group. `collected` = `routed_away` + `finished` + `withdrawn` + `unfinished`."""

    key: str | None
    collected: int
    routed_away: int
    finished: int
    withdrawn: int
    unfinished: int
    on_ledger: int
    attached: int
    fed_back: int
    joint: int
    persons: int
    households: int


class Volume(Output):
    """The period that was counted, and a row per group, the largest first."""

    start: datetime
    end: datetime
    items: list[VolumeRow]


@router.get("", operation_id="get_volume", summary="Volume of a period, by the moment of registration")
async def read_volume(
    db: Db,
    principal: Reader,
    start: Annotated[Moment, Query(alias="from")],
    end: Annotated[Moment, Query(alias="to", description="Exclusive.")],
    group_by: Annotated[VolumeGroup | None, Query()] = None,
) -> Volume:
    """Persons and households are counted apart from appeals; an attached appeal is an appeal of its own."""
    if principal.department_code is not None:
        raise Forbidden("The volume of the whole city is not a department's to see.")
    rows = await db.transact(lambda uow: measure_volume(uow, start=start, end=end, group=group_by), read_only=True)
    return Volume(start=start, end=end, items=[VolumeRow(**row) for row in rows])

"""Handing emergencies over, what became of them, and the directory of those they go to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, Security
from pydantic import Field

from services.intake.api.dependencies import Reader, TheDesk
from services.intake.api.move_schemas import (
    HandOverIn,
    HandOverResultIn,
    HandOverView,
    hand_over_view,
)
from services.intake.api.moving import MOVE_PROBLEMS
from services.intake.api.staff import TheStaffMove
from services.intake.api.views import AppealView
from services.intake.domain.hand_overs import EmergencyService, Partner
from services.intake.use_cases.edit_partners import get_partner, list_partners, put_partner
from services.intake.use_cases.hand_over_appeal import hand_over_appeal, record_result
from services.intake.use_cases.list_moves import list_hand_overs
from shared.http.dependencies import Db, IfMatch, Page, PageQuery, etag_of, require
from shared.http.preconditions import expect_row
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Output
from shared.identity.principal import Principal

_READS = require("appeals:read", "appeals:write", "entry:write")
AnyReader = Annotated[Principal, Security(_READS)]
DirectoryEditor = Annotated[Principal, Security(require("entry:write"))]
Code = Annotated[str, Path(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.\-]{0,31}$")]

router = APIRouter(prefix="/v1", tags=["hand-overs"])


class PartnerIn(Input):
    """An organisation of the directory, with a number of its own (nobody's private one)."""

    service: EmergencyService
    name: Annotated[str, Line(200)]
    phone: Annotated[str, Line(32)] = Field(examples=["110"])
    hours: Annotated[str, Line(200, min_length=0)] = Field(default="", examples=["24 h"])
    retired: bool = False

    def to_domain(self, code: str) -> Partner:
        return Partner(code, self.service, self.name, self.phone, self.hours, self.retired)


class PartnerView(Output):
    code: str
    service: EmergencyService
    name: str
    phone: str
    hours: str
    retired: bool
    version: int


def _partner_view(partner: Partner) -> PartnerView:
    return PartnerView(**{name: getattr(partner, name) for name in PartnerView.model_fields})


@router.get(
    "/appeals/hand-overs",
    operation_id="list_hand_overs",
    summary="Hand-overs, oldest first",
    response_model=Page[HandOverView],
)
async def read_hand_overs(
    db: Db,
    page: PageQuery,
    principal: Reader,
    with_result: Annotated[bool | None, Query(description="`false`: only those whose result is missing.")] = None,
) -> Page[HandOverView]:
    """With `with_result=false` the list of what nobody knows the end of yet (trap 31)."""
    rows, following = await db.transact(
        lambda uow: list_hand_overs(
            uow,
            with_result=with_result,
            department_code=principal.department_code,
            cursor=page.cursor,
            limit=page.limit,
        ),
        read_only=True,
    )
    return Page(items=[hand_over_view(row) for row in rows], next_cursor=following)


@router.post(
    "/appeals/{appeal_id}/hand-over",
    operation_id="hand_over_appeal",
    summary="Hand an emergency over at once",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def hand_over(appeal_id: UUID, wanted: HandOverIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """T3: logged with its latency. It ends the appeal unless `keep_handling`; the result may follow."""
    command = wanted.to_command(appeal_id)
    return await move.run(lambda uow, mover: hand_over_appeal(uow, desk, command, mover))


@router.post(
    "/appeals/{appeal_id}/hand-over-result",
    operation_id="record_hand_over_result",
    summary="Record what became of a hand-over",
    response_model=AppealView,
    responses=MOVE_PROBLEMS,
)
async def hand_over_result(appeal_id: UUID, outcome: HandOverResultIn, desk: TheDesk, move: TheStaffMove) -> Response:
    """For the oldest hand-over of the appeal that has none yet."""
    command = outcome.to_command(appeal_id)
    return await move.run(lambda uow, mover: record_result(uow, desk, command, mover))


@router.get(
    "/partners", operation_id="list_partners", summary="The directory by code", response_model=Page[PartnerView]
)
async def read_partners(
    db: Db, page: PageQuery, _principal: AnyReader, service: EmergencyService | None = None
) -> Page[PartnerView]:
    """Every organisation the call centre is joined to, retired ones included."""
    found, following = await db.transact(
        lambda uow: list_partners(uow, service=service, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[_partner_view(partner) for partner in found], next_cursor=following)


@router.get(
    "/partners/{code}",
    operation_id="get_partner",
    summary="One organisation of the directory",
    response_model=PartnerView,
    responses=problem_documentation([404]),
)
async def read_partner(code: Code, db: Db, response: Response, _principal: AnyReader) -> PartnerView:
    """With the ETag that changing it takes."""
    partner = await db.transact(lambda uow: get_partner(uow, code), read_only=True)
    response.headers["ETag"] = etag_of(partner.version)
    return _partner_view(partner)


@router.put(
    "/partners/{code}",
    operation_id="put_partner",
    summary="Create, change or retire an organisation of the directory",
    response_model=PartnerView,
    responses={201: {"model": PartnerView, "description": "Created"}, **problem_documentation([412])},
)
async def write_partner(
    code: Code, wanted: PartnerIn, db: Db, expected: IfMatch, response: Response, _principal: DirectoryEditor
) -> PartnerView:
    """Hand-overs on record keep the organisation they went to."""
    partner, is_new = await db.transact(
        lambda uow: put_partner(
            uow, wanted.to_domain(code), check_version=lambda version: expect_row(expected, version)
        )
    )
    response.status_code = 201 if is_new else 200
    response.headers["ETag"] = etag_of(partner.version)
    return _partner_view(partner)

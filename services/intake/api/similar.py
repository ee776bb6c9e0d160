"""Look-alikes: of an appeal on record, and of one that is about to be registered."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.intake.api.dependencies import Reader, TheDesk
from services.intake.api.schemas import CategoryCode, LocationIn
from services.intake.api.similar_views import LookAlikes, look_alikes
from services.intake.use_cases.find_similar import Caller, Draft, find_similar, find_similar_to_draft
from shared.http.dependencies import Db
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Paragraph
from shared.identity.principal import Principal

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


class DraftIn(Input):
    """A matter as far as it is known; nothing of it is stored."""

    title: Annotated[str, Line(200)]
    description: Annotated[str, Paragraph(20_000, min_length=0)] | None = ""
    category_code: CategoryCode | None = None
    location: LocationIn | None = None
    phone: Annotated[str, Line(32)] | None = Field(default=None, description="Of who reports it.")
    limit: int = Field(default=10, ge=1, le=50)

    def to_domain(self) -> Draft:
        return Draft(
            title=self.title,
            description=self.description or "",
            location=self.location.to_domain() if self.location else None,
            category_code=self.category_code,
            phone=self.phone,
        )


@router.get(
    "/{appeal_id}/similar",
    operation_id="list_similar_appeals",
    summary="Appeals that may be about the same matter",
    response_model=LookAlikes,
    responses=problem_documentation([404]),
)
async def list_similar(
    appeal_id: UUID,
    db: Db,
    desk: TheDesk,
    principal: Reader,
    limit: Annotated[int, Query(ge=1, le=50, description="The most items.")] = 10,
) -> LookAlikes:
    """Open ones and those ended within a month, scored with reasons, the likest first. Nothing is merged by this."""
    found = await db.transact(
        lambda uow: find_similar(uow, desk, appeal_id, caller=_caller(principal), limit=limit), read_only=True
    )
    return look_alikes(found)


@router.post(
    "/similar",
    operation_id="find_similar_appeals",
    summary="Appeals that may be about a matter not registered yet",
    response_model=LookAlikes,
)
async def find_by_draft(draft: DraftIn, db: Db, desk: TheDesk, principal: Reader) -> LookAlikes:
    """Asked before registering: an urge or an attachment may be what is needed. Changes nothing."""
    matter = draft.to_domain()
    found = await db.transact(
        lambda uow: find_similar_to_draft(uow, desk, matter, caller=_caller(principal), limit=draft.limit),
        read_only=True,
    )
    return look_alikes(found)


def _caller(principal: Principal) -> Caller:
    return Caller(principal.department_code, may_review=principal.has("appeals:review"))

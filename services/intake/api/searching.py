"""Staff search: by anything an appeal shows in the address of the page, by a phone number in a body only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from services.intake.api.dependencies import Reader, TheDesk, onlooker_of
from services.intake.api.schemas import CategoryCode
from services.intake.api.views import AppealView, appeal_view
from services.intake.db.search import AppealFilter
from services.intake.use_cases.search_appeals import Found, SearchAppeals, search_appeals, search_by_person
from shared.db.engine import Database
from shared.errors import FieldProblem, InvalidInput
from shared.http.dependencies import Db, Page, PageQuery
from shared.http.text import Input, Line, Moment
from shared.identity.principal import Principal
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, Urgency

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])

_Text = Annotated[str, Line(200)]
_Text_says = "Words that all occur in title, description or place as they are shown: Chinese anywhere, others whole."
_GridCode = Annotated[str, Field(pattern="^[0-9]{6}([0-9]{3}){0,4}$")]
_Grid_says = "This grid and every grid inside it."
_Category_says = "This category and those below it."


class AppealSearchIn(Input):
    """A search with what must not stand in an address: addresses of pages end up in logs."""

    phone: Annotated[str, Line(32)] | None = Field(default=None, description="However the number is written.")
    email: Annotated[str, Line(254)] | None = None
    q: _Text | None = Field(default=None, description=_Text_says, examples=["路灯 不亮"])
    receipt_number: Annotated[str, Line(40)] | None = None
    category_code: CategoryCode | None = Field(default=None, description=_Category_says)
    grid_code: _GridCode | None = Field(default=None, description=_Grid_says)
    channel: Channel | None = None
    status: AppealStatus | None = None
    type: AppealType | None = None
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    department_code: Annotated[str, Line(64)] | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    received_from: Moment | None = None
    received_to: Moment | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: Annotated[str, Line(512)] | None = None

    def to_search(self) -> SearchAppeals:
        names = AppealFilter.__dataclass_fields__.keys() & AppealSearchIn.model_fields.keys()
        return SearchAppeals(
            wanted=AppealFilter(**{name: getattr(self, name) for name in names}),
            text=self.q,
            category_code=self.category_code,
            phone=self.phone,
            email=self.email,
            cursor=self.cursor,
            limit=self.limit,
        )


async def _search(  # noqa: PLR0913, PLR0917 - one per query parameter
    page: PageQuery,
    q: Annotated[_Text | None, Query(description=_Text_says, examples=["路灯 不亮"])] = None,
    receipt_number: Annotated[Annotated[str, Line(40)] | None, Query()] = None,
    external_system: Annotated[Annotated[str, Line(64)] | None, Query()] = None,
    external_id: Annotated[Annotated[str, Line(128)] | None, Query()] = None,
    category_code: Annotated[CategoryCode | None, Query(description=_Category_says)] = None,
    grid_code: Annotated[_GridCode | None, Query(description=_Grid_says)] = None,
    channel: Annotated[Channel | None, Query()] = None,
    status: Annotated[AppealStatus | None, Query(description="`registered` is the review list.")] = None,
    type_: Annotated[AppealType | None, Query(alias="type")] = None,
    urgency: Annotated[Urgency | None, Query()] = None,
    mode: Annotated[HandlingMode | None, Query()] = None,
    department_code: Annotated[Annotated[str, Line(64)] | None, Query(description="Who is in charge.")] = None,
    created_from: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    created_to: Annotated[Moment | None, Query(description="Before this moment.")] = None,
    received_from: Annotated[Moment | None, Query(description="Received from this moment on.")] = None,
    received_to: Annotated[Moment | None, Query(description="Received before this moment.")] = None,
) -> SearchAppeals:
    if (external_system is None) != (external_id is None):
        missing = "external_id" if external_id is None else "external_system"
        raise InvalidInput("Half of a reference finds nothing.", [FieldProblem(f"/{missing}", "is required too")])
    wanted = AppealFilter(
        receipt_number=receipt_number,
        external=(external_system, external_id) if external_system and external_id else None,
        grid_code=grid_code,
        channel=channel,
        type=type_,
        urgency=urgency,
        mode=mode,
        status=status,
        department_code=department_code,
        created_from=created_from,
        created_to=created_to,
        received_from=received_from,
        received_to=received_to,
    )
    return SearchAppeals(wanted, q, category_code, cursor=page.cursor, limit=page.limit)


@router.get("", operation_id="list_appeals", summary="Find appeals, newest first", response_model=Page[AppealView])
async def list_appeals(
    db: Db, desk: TheDesk, search: Annotated[SearchAppeals, Depends(_search)], principal: Reader
) -> Page[AppealView]:
    """Every given condition holds. A department sees only what it is in charge of.

    A page may hold fewer than `limit`, even none, while `next_cursor` leads on: the search stops looking after a while.
    """
    return await _page(db, desk, search, principal)


@router.post(
    "/search",
    operation_id="search_appeals",
    summary="Find appeals, also by the phone number or e-mail address of who reported them",
    response_model=Page[AppealView],
)
async def search_by_body(search: AppealSearchIn, db: Db, desk: TheDesk, principal: Reader) -> Page[AppealView]:
    """Of a number or an address only the keyed hash is stored and compared. A search by one leaves a trace."""
    wanted = search.to_search()
    if not wanted.is_by_person:
        return await _page(db, desk, wanted, principal)
    onlooker = onlooker_of(principal)
    return _as_page(await db.transact(lambda uow: search_by_person(uow, desk, wanted, onlooker)))


async def _page(db: Database, desk: TheDesk, search: SearchAppeals, principal: Principal) -> Page[AppealView]:
    own = principal.department_code
    found = await db.transact(lambda uow: search_appeals(uow, desk, search, department_code=own), read_only=True)
    return _as_page(found)


def _as_page(found: Found) -> Page[AppealView]:
    rows, following = found
    return Page(items=[appeal_view(row) for row in rows], next_cursor=following)

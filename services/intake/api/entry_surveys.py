"""Surveys over the API: what is asked, cards entered in bulk, and the figures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from services.intake.api.appeals import BATCH_BODY_LIMIT, item_problem
from services.intake.api.dependencies import TheDesk, Writer, run_sealed
from services.intake.api.entry_schemas import CardsIn, SurveyIn
from services.intake.api.entry_views import (
    CardItem,
    CardsResult,
    SurveyResultsView,
    SurveyView,
    survey_results_view,
    survey_view,
)
from services.intake.api.express import NO_STORE
from services.intake.api.registries import Code, EntryReader, EntryWriter, mark_saved, version_check
from services.intake.api.views import created_view
from services.intake.db.entry import SURVEYS
from services.intake.use_cases.enter_answers import Card, CardOutcome, enter_answers, get_results
from services.intake.use_cases.keep_registry import check_category, get_registered, page_registered, put_registered
from shared.db.unit_of_work import UnitOfWork
from shared.errors import DomainError
from shared.http.dependencies import Db, Idempotency, IfMatch, Page, PageQuery, etag_of
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1/surveys", tags=["surveys"])


@router.get("", operation_id="list_surveys", summary="Questionnaires", response_model=Page[SurveyView])
async def read_surveys(
    db: Db, page: PageQuery, _principal: EntryReader, retired: Annotated[bool | None, Query()] = None
) -> Page[SurveyView]:
    """In the order of their codes."""
    rows, following = await db.transact(
        lambda uow: page_registered(uow, SURVEYS, {"retired": retired}, cursor=page.cursor, limit=page.limit),
        read_only=True,
    )
    return Page(items=[survey_view(row) for row in rows], next_cursor=following)


@router.get(
    "/{code}",
    operation_id="get_survey",
    summary="One questionnaire",
    response_model=SurveyView,
    responses=problem_documentation([404]),
)
async def read_survey(code: Code, db: Db, response: Response, _principal: EntryReader) -> SurveyView:
    """With the ETag that changing it takes."""
    row = await db.transact(lambda uow: get_registered(uow, SURVEYS, code), read_only=True)
    response.headers["ETag"] = etag_of(row["version"])
    return survey_view(row)


@router.put(
    "/{code}",
    operation_id="put_survey",
    summary="Create, change or retire a questionnaire",
    response_model=SurveyView,
    responses={201: {"model": SurveyView, "description": "Created"}, **problem_documentation([412])},
)
async def write_survey(
    code: Code, wanted: SurveyIn, db: Db, expected: IfMatch, response: Response, principal: EntryWriter
) -> SurveyView:
    """Cards that are entered stay as they are; the change holds for those that come after it."""

    async def work(uow: UnitOfWork) -> tuple[dict[str, Any], bool]:
        await check_category(uow, wanted.category_code)
        return await put_registered(
            uow, SURVEYS, wanted.to_values(code), actor=principal.actor, check_version=version_check(expected)
        )

    row, is_new = await db.transact(work)
    mark_saved(response, row["version"], is_new=is_new)
    return survey_view(row)


@router.post(
    "/{code}/answers",
    operation_id="enter_answers",
    summary="Enter up to 500 cards",
    response_model=CardsResult,
    responses=problem_documentation([404, 409]),
    max_body_size=BATCH_BODY_LIMIT,
)
async def create_answers(
    code: Code, cards: CardsIn, db: Db, desk: TheDesk, idem: Idempotency, principal: Writer
) -> Response:
    """Each card is judged by itself; an opinion becomes an appeal of type suggestion, with a receipt of its own."""
    given = [card.to_domain() for card in cards.items]
    return await run_sealed(
        idem,
        db,
        desk.vault,
        lambda uow: enter_answers(uow, desk, code, given, actor=principal.actor),
        status=200,
        render=lambda outcomes: (_result(given, outcomes), NO_STORE),
    )


def _result(cards: list[Card], outcomes: list[CardOutcome]) -> CardsResult:
    items = [_item(index, card, outcomes[index]) for index, card in enumerate(cards)]
    created = sum(item.status == "created" for item in items)
    return CardsResult(created=created, rejected=len(items) - created, items=items)


def _item(index: int, card: Card, outcome: CardOutcome) -> CardItem:
    if isinstance(outcome, DomainError):
        return CardItem(index=index, card_number=card.number, status="rejected", problem=item_problem(outcome))
    appeal = outcome.appeal
    if appeal is None:
        return CardItem(index=index, card_number=card.number, status="created")
    return CardItem(
        index=index,
        card_number=card.number,
        status="created",
        id=appeal.id,
        receipt_number=appeal.receipt_number,
        access_code=appeal.access_code,
        appeal=created_view(appeal),
    )


@router.get(
    "/{code}/results",
    operation_id="get_survey_results",
    summary="How often each answer was given",
    response_model=SurveyResultsView,
    responses=problem_documentation([404]),
)
async def read_results(code: Code, db: Db, _principal: EntryReader) -> SurveyResultsView:
    """Counted from the cards; choices that nobody took are shown with 0."""
    return survey_results_view(await db.transact(lambda uow: get_results(uow, code), read_only=True))

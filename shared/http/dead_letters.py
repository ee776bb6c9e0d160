"""Dead letters over the API: see what could not be applied, try it again, or skip it with a reason."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, Security

from shared.db.unit_of_work import UnitOfWork
from shared.http.dependencies import Db, Idempotency, Page, PageQuery, require
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Output
from shared.identity.principal import Principal
from shared.messaging import dead_letters
from shared.observability.redaction import mask_text
from shared.vocabulary import Service

_MAY = require("dead_letters:write")
Operator = Annotated[Principal, Security(_MAY)]


class DeadLetterView(Output):
    """An event that blocks its own appeal until somebody decides."""

    id: UUID
    producer: Service
    appeal_id: UUID
    sequence: int
    type: str
    version: int
    occurred_at: datetime
    received_at: datetime
    attempts: int
    last_error: str | None

    @classmethod
    def of(cls, letter: dead_letters.DeadLetter) -> "DeadLetterView":
        return cls(
            id=letter.event_id,
            producer=letter.producer,
            appeal_id=letter.subject,
            sequence=letter.sequence,
            type=letter.type,
            version=letter.version,
            occurred_at=letter.occurred_at,
            received_at=letter.received_at,
            attempts=letter.attempts,
            last_error=None if letter.last_error is None else mask_text(letter.last_error),
        )


class SkipRequest(Input):
    """Why an event may be left out; kept in the record."""

    reason: Annotated[str, Line(500)]


class DeadLetterDecision(Output):
    """What was decided about a dead letter."""

    id: UUID
    state: str


router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])


@router.get(
    "",
    operation_id="list_dead_letters",
    summary="What could not be applied",
    dependencies=[Depends(_MAY)],
    response_model=Page[DeadLetterView],
)
async def list_dead_letters(db: Db, page: PageQuery) -> Page[DeadLetterView]:
    """The oldest first."""
    letters, following = await db.transact(
        lambda uow: dead_letters.list_dead_letters(uow, cursor=page.cursor, limit=page.limit), read_only=True
    )
    return Page(items=[DeadLetterView.of(letter) for letter in letters], next_cursor=following)


@router.post(
    "/{dead_letter_id}/retry",
    operation_id="retry_dead_letter",
    summary="Try it again, with all its attempts",
    dependencies=[Depends(_MAY)],
    response_model=DeadLetterDecision,
    responses=problem_documentation([404, 409]),
)
async def retry_dead_letter(dead_letter_id: UUID, db: Db, idem: Idempotency) -> Response:
    """The appeal's events go on from this one."""

    async def retry(uow: UnitOfWork) -> None:
        await dead_letters.retry_dead_letter(uow, dead_letter_id)

    decision = DeadLetterDecision(id=dead_letter_id, state="pending")
    return await idem.run(db, retry, status=200, render=lambda _: (decision, {}))


@router.post(
    "/{dead_letter_id}/skip",
    operation_id="skip_dead_letter",
    summary="Leave it out, with a reason",
    response_model=DeadLetterDecision,
    responses=problem_documentation([404, 409]),
)
async def skip_dead_letter(
    dead_letter_id: UUID, request: SkipRequest, db: Db, idem: Idempotency, principal: Operator
) -> Response:
    """The appeal's following events go on without it; who decided and why stays on record."""

    async def skip(uow: UnitOfWork) -> None:
        await dead_letters.skip_dead_letter(uow, dead_letter_id, reason=request.reason, actor=principal.actor)

    decision = DeadLetterDecision(id=dead_letter_id, state="skipped")
    return await idem.run(db, skip, status=200, render=lambda _: (decision, {}))


def dead_letter_router() -> APIRouter:
    """The routes under /v1/dead-letters, the same in every service."""
    return router

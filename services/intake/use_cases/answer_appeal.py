"""T2: a matter that can be settled on the spot is answered and closed without a department (即办件, LZ-09)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.db.appeals import Row
from services.intake.db.knowledge import find_articles
from services.intake.domain.knowledge import Article, problems_of_citing
from services.intake.domain.machine import Move
from services.intake.use_cases.carry_out_move import Mover, Outcome
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.end_appeal import Ending, begin_ending, end_appeal
from services.intake.use_cases.mask_words import keep_published, mask_for
from shared.db.unit_of_work import UnitOfWork
from shared.errors import InvalidInput
from shared.vocabulary import HandlingMode


@dataclass(frozen=True, slots=True)
class AnswerAppeal:
    """The answer, and the articles it rests on, each by its id or code."""

    appeal_id: UUID
    text: str
    article_ids: tuple[str, ...] = ()
    resolved: bool = True


async def answer_appeal(uow: UnitOfWork, desk: Desk, command: AnswerAppeal, mover: Mover) -> Row:
    """Close the appeal with an answer; its citizen can still evaluate it. Return the appeal.

    Which version of each article was cited is kept; a number that stands in one is an office's and is told as it is.
    Raises NotFound, StaleVersion, IllegalMove, and InvalidInput
    naming every article that does not hold today.
    """
    moving = await begin_ending(uow, command.appeal_id, Move.ANSWER, mover)
    articles = await _cited(uow, desk, command.article_ids)
    mask = keep_published(
        await mask_for(uow, desk, command.appeal_id), published="\n".join(article.text for article in articles)
    )
    text = mask(command.text)
    details = {
        "text": text,
        "resolved": command.resolved,
        "articles": [article.snapshot() for article in articles],
    }
    outcome = Outcome(details=details, changes={"mode": HandlingMode.IMMEDIATE})
    return await end_appeal(uow, moving, outcome, Ending(reply=text, can_be_evaluated=True))


async def _cited(uow: UnitOfWork, desk: Desk, references: Sequence[str]) -> list[Article]:
    """Return the cited articles, each once. Raises InvalidInput (trap 42)."""
    if not references:
        return []
    found = await find_articles(uow.connection, references)
    problems = list(problems_of_citing(references, found, uow.now.astimezone(desk.zone).date()))
    if problems:
        raise InvalidInput("An answer cites only what holds today.", problems)
    return list({found[reference].id: found[reference] for reference in references}.values())

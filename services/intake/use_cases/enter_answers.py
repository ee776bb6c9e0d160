"""Questionnaires in bulk: answers are counted, an opinion becomes an appeal of type suggestion (AR-05, YQ-05)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.db.entry import SURVEYS, Row
from services.intake.db.registration import NewAppeal
from services.intake.db.surveys import Count, cards_on_record, count_answers, count_cards, insert_cards
from services.intake.domain.appeals import Submission
from services.intake.domain.entry_surveys import (
    SurveyField,
    counted,
    field_of,
    kept_answers,
    opinion_of,
    problems_of_answers,
    title_of,
)
from services.intake.domain.people import Reporter
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.keep_registry import get_registered
from services.intake.use_cases.register_appeals import RegisterAppeal, register_appeals
from shared.db.unit_of_work import UnitOfWork
from shared.errors import Conflict, DomainError, InvalidInput
from shared.ids import uuid7
from shared.vocabulary import AppealType, Channel


class CardOnRecord(Conflict):
    """The card is entered already."""

    code = "card_on_record"
    title = "This card of the survey is on record already"


@dataclass(frozen=True, slots=True)
class Card:
    """One filled-in questionnaire; the reporter is whoever left their name on it."""

    number: str
    answers: Mapping[str, Any]
    received_at: datetime | None = None
    reporter: Reporter | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """A card on record, and the appeal its opinion became."""

    number: str
    appeal: NewAppeal | None


CardOutcome = Entered | DomainError


async def enter_answers(
    uow: UnitOfWork, desk: Desk, code: str, cards: Sequence[Card], *, actor: str
) -> list[CardOutcome]:
    """Enter cards of a survey; return, in order, what became of each. One that is refused stops no other.

    Raises NotFound, and InvalidInput when the survey is retired. A race for a card runs the transaction again.
    """
    survey = await get_registered(uow, SURVEYS, code)
    if survey["retired"]:
        raise InvalidInput("The survey is retired; its cards are no longer entered.")
    fields = [field_of(row) for row in survey["fields"]]
    outcomes = await _checked(uow, survey, fields, cards)
    registered = await _register_opinions(uow, desk, survey, fields, outcomes, actor)
    rows, results = [], list[CardOutcome]()
    for index, card in enumerate(outcomes):
        outcome = registered.get(index, card)
        if isinstance(outcome, DomainError):
            results.append(outcome)
            continue
        appeal = outcome if isinstance(outcome, NewAppeal) else None
        number = cards[index].number
        results.append(Entered(number, appeal))
        rows.append(_row(survey["code"], cards[index], fields, appeal, actor, uow.now))
    await insert_cards(uow.connection, rows)
    return results


async def _checked(
    uow: UnitOfWork, survey: Row, fields: Sequence[SurveyField], cards: Sequence[Card]
) -> list[Card | DomainError]:
    seen = set(await cards_on_record(uow.connection, survey["code"], [card.number for card in cards]))
    outcomes: list[Card | DomainError] = []
    for card in cards:
        problems = list(problems_of_answers(fields, card.answers))
        if card.number in seen:
            outcomes.append(CardOnRecord("A card is entered once."))
        elif problems:
            outcomes.append(InvalidInput("Some answers are not valid.", problems))
        else:
            seen.add(card.number)
            outcomes.append(card)
    return outcomes


async def _register_opinions(
    uow: UnitOfWork,
    desk: Desk,
    survey: Row,
    fields: Sequence[SurveyField],
    outcomes: Sequence[Card | DomainError],
    actor: str,
) -> dict[int, NewAppeal | DomainError]:
    """Register the opinions among the cards; return the appeal, or why there is none, by the card's place."""
    wanted = [
        (index, card, opinion)
        for index, card in enumerate(outcomes)
        if isinstance(card, Card) and (opinion := opinion_of(fields, card.answers)) is not None
    ]
    if not wanted:
        return {}
    commands = [RegisterAppeal(_submission(survey, card, opinion), actor) for _, card, opinion in wanted]
    found = await register_appeals(uow, desk, commands)
    return {index: outcome for (index, _, _), outcome in zip(wanted, found, strict=True)}


def _submission(survey: Row, card: Card, opinion: str) -> Submission:
    return Submission(
        type=AppealType.SUGGESTION,
        channel=Channel.SURVEY,
        title=title_of(opinion),
        description=opinion,
        category_code=survey["category_code"],
        reporter=card.reporter,
        received_at=card.received_at,
        channel_details={"survey_id": survey["code"], "card_number": card.number},
    )


def _row(
    code: str, card: Card, fields: Sequence[SurveyField], appeal: NewAppeal | None, actor: str, now: datetime
) -> Row:
    return {
        "id": uuid7(),
        "survey_code": code,
        "card_number": card.number,
        "answers": kept_answers(fields, card.answers),
        "appeal_id": appeal.id if appeal is not None else None,
        "entered_by": actor,
        "entered_at": now,
    }


@dataclass(frozen=True, slots=True)
class SurveyResults:
    """A survey's figures: cards, those that became appeals, and how often each answer was given."""

    survey: Row
    cards: int
    opinions: int
    counts: list[Count]


async def get_results(uow: UnitOfWork, code: str) -> SurveyResults:
    """Count a survey's answers. Raises NotFound."""
    survey = await get_registered(uow, SURVEYS, code)
    fields = [field_of(row) for row in survey["fields"]]
    cards, opinions = await count_cards(uow.connection, code)
    return SurveyResults(survey, cards, opinions, await count_answers(uow.connection, code, counted(fields)))

"""Suggesting a category: for a text somebody asks about, and for an appeal that comes in without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.intake.db.catalogue import Catalogue
from services.intake.db.suggestions import save_suggestions
from services.intake.domain.appeals import Submission, public_wording
from services.intake.domain.categories import Category
from services.intake.domain.suggestion import Advice, Question, Suggestion, decides
from services.intake.use_cases.desk import Desk
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import AppealType


@dataclass(frozen=True, slots=True)
class Named:
    """A suggestion with the category it names."""

    suggestion: Suggestion
    category: Category


@dataclass(frozen=True, slots=True)
class Answer:
    """What was suggested; `is_below` tells that an appeal with this text would wait for an agent."""

    advice: Advice
    suggestions: tuple[Named, ...]
    is_below: bool


async def suggest_category(uow: UnitOfWork, desk: Desk, question: Question) -> Answer:
    """Return the likeliest categories of a text. Reads only; nothing of the text is kept."""
    catalogue = await desk.catalogue.within(uow.connection)
    [advice] = await desk.advisor.advise(uow.connection, catalogue, [question])
    return Answer(
        advice=advice,
        suggestions=tuple(
            Named(each, catalogue.categories[each.category_code])
            for each in advice.suggestions
            if each.category_code in catalogue.categories
        ),
        is_below=not decides(advice, accept_at=desk.advisor.accept_at, type_=question.type),
    )


async def advise_on(
    uow: UnitOfWork, desk: Desk, catalogue: Catalogue, submissions: Sequence[Submission]
) -> list[Advice | None]:
    """Return advice for each submission without a category, None for the others.

    What is judged, and so whatever word of it is kept, is the public wording. Of a report that says nothing; its own
    words are judged in memory and none of them comes back.
    """
    asked = [index for index, submission in enumerate(submissions) if submission.category_code is None]
    questions = [_question_of(submissions[index]) for index in asked]
    advices: list[Advice | None] = [None] * len(submissions)
    for index, advice in zip(asked, await desk.advisor.advise(uow.connection, catalogue, questions), strict=True):
        advices[index] = _wordless(advice) if submissions[index].type is AppealType.REPORT else advice
    return advices


def chosen_category(desk: Desk, catalogue: Catalogue, advice: Advice | None, type_: AppealType) -> Category | None:
    """Return the category a model is sure enough of to set it, or None for an agent to decide."""
    if advice is None or advice.top is None or not decides(advice, accept_at=desk.advisor.accept_at, type_=type_):
        return None
    category = catalogue.categories.get(advice.top.category_code)
    return category if category is not None and not category.retired else None


async def keep_advice(uow: UnitOfWork, advices: Mapping[UUID, Advice]) -> None:
    """Keep what was suggested, for the review list and for judging the model later."""
    await save_suggestions(uow.connection, advices, at=uow.now)


def _question_of(submission: Submission) -> Question:
    title, description = submission.title, submission.description
    if submission.type is not AppealType.REPORT:
        public = public_wording(submission, None)
        title, description = public.title, public.description
    return Question(
        title=title,
        description=description,
        type=submission.type,
        channel=submission.channel,
        located=submission.location is not None,
    )


def _wordless(advice: Advice) -> Advice:
    return replace(advice, suggestions=tuple(replace(each, words=()) for each in advice.suggestions))

"""What is asked and answered about suggested categories, synonyms and the review list."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from services.intake.api.views import AppealView, appeal_view
from services.intake.domain.suggestion import MOST_SUGGESTIONS, Question, Source
from services.intake.use_cases.edit_synonyms import CategoryWords
from services.intake.use_cases.suggest_category import Answer, Named
from shared.errors import FieldProblem, InvalidInput
from shared.http.text import Input, Line, Output, Paragraph
from shared.vocabulary import AppealType, Channel

_Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees, WGS 84.")]
_Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="Degrees, WGS 84.")]


class SuggestIn(Input):
    """A text, or title and description as an appeal would have them; the rest is known or it is left out."""

    text: Annotated[str, Paragraph(20_000)] | None = Field(default=None, examples=["小区门口垃圾堆积，没有人清运"])
    title: Annotated[str, Line(200)] | None = None
    description: Annotated[str, Paragraph(20_000, min_length=0)] | None = None
    type: AppealType | None = None
    channel: Channel | None = None
    longitude: _Longitude | None = None
    latitude: _Latitude | None = None
    limit: int = Field(default=MOST_SUGGESTIONS, ge=1, le=MOST_SUGGESTIONS)

    def to_question(self) -> Question:
        """Raises InvalidInput unless there is either a text or a title, and both halves of a place or none."""
        if problems := list(self._problems()):
            raise InvalidInput("The question is not complete.", problems)
        title, _, rest = (self.text or "").partition("\n")
        return Question(
            title=self.title or title,
            description=rest if self.title is None else self.description or "",
            type=self.type,
            channel=self.channel,
            located=True if self.longitude is not None else None,
        )

    def _problems(self) -> Iterator[FieldProblem]:
        if self.text is None and self.title is None:
            yield FieldProblem("/text", "is required, unless there is a title")
        if self.text is not None and self.title is not None:
            yield FieldProblem("/title", "is given together with text; one of them is enough")
        if self.description is not None and self.title is None:
            yield FieldProblem("/description", "goes with a title")
        if (self.longitude is None) != (self.latitude is None):
            missing = "longitude" if self.longitude is None else "latitude"
            yield FieldProblem(f"/{missing}", "is required too")


class WordView(Output):
    """A word of the text that decided, and its share of the decision."""

    word: str
    weight: float


class SuggestionView(Output):
    """One category; the confidence is a probability from a model, a rank from the lexicon."""

    category_code: str
    name: str
    name_zh: str
    confidence: float = Field(ge=0, le=1)
    words: list[WordView]


class SuggestionsView(Output):
    """The likeliest categories, best first; empty when no word is known."""

    source: Source
    version: str | None = Field(description="The trained model's; null for the lexicon.")
    below_threshold: bool = Field(
        description="An appeal with this text and no category would wait on the review list. Always so for the lexicon."
    )
    accept_at: float = Field(description="From this confidence on a trained model sets the category by itself.")
    suggestions: list[SuggestionView] = Field(max_length=MOST_SUGGESTIONS)


def suggestions_view(answer: Answer, *, accept_at: float, limit: int) -> SuggestionsView:
    return SuggestionsView(
        source=answer.advice.source,
        version=answer.advice.version,
        below_threshold=answer.is_below,
        accept_at=accept_at,
        suggestions=[_suggestion_view(each) for each in answer.suggestions[:limit]],
    )


def _suggestion_view(named: Named) -> SuggestionView:
    return SuggestionView(
        category_code=named.category.code,
        name=named.category.name,
        name_zh=named.category.name_zh,
        confidence=named.suggestion.confidence,
        words=[WordView(word=each.word, weight=each.weight) for each in named.suggestion.words],
    )


class SynonymsIn(Input):
    """The words citizens use for a category, in the place of those that come along; none brings these back."""

    words: list[Annotated[str, Line(40)]] = Field(max_length=100, examples=[["井盖", "窨井", "manhole"]])


class SynonymsView(Output):
    """A category's words; `version` is null while they are those that come along."""

    category_code: str
    words: list[str]
    is_default: bool
    version: int | None


def synonyms_view(found: CategoryWords) -> SynonymsView:
    return SynonymsView(
        category_code=found.category.code,
        words=list(found.words),
        is_default=found.version is None,
        version=found.version,
    )


class StoredSuggestion(Output):
    """What was suggested when the appeal came in; of a report without words."""

    category_code: str
    confidence: float
    words: list[WordView]


class ReviewItem(Output):
    """An appeal that waits for an agent, with what was suggested for it."""

    appeal: AppealView
    source: Source | None
    version: str | None
    suggestions: list[StoredSuggestion]


def review_item(row: Mapping[str, Any]) -> ReviewItem:
    return ReviewItem.model_construct(
        appeal=appeal_view(row),
        source=Source(row["suggestion_source"]) if row["suggestion_source"] else None,
        version=row["suggestion_version"],
        suggestions=[_stored(each) for each in row["suggestions"] or ()],
    )


def _stored(suggestion: Mapping[str, Any]) -> StoredSuggestion:
    return StoredSuggestion(
        category_code=suggestion["category_code"],
        confidence=suggestion["confidence"],
        words=[WordView(word=word, weight=weight) for word, weight in suggestion["words"]],
    )

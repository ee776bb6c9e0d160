"""Knowledge that answers cite: every article says from when to when it holds; no old figure is told (trap 42)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.intake.domain.categories import Category
from shared.errors import FieldProblem


@dataclass(frozen=True, slots=True)
class Article:
    """One article; both days of its validity belong to it, and without a last day it holds until further notice."""

    id: UUID
    code: str
    title: str
    question: str
    text: str
    category_codes: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    source: str
    retired: bool = False
    version: int = 1

    def is_valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def snapshot(self) -> dict[str, Any]:
        """What an answer keeps of it: which version it was, and when that held."""
        return {
            "id": str(self.id),
            "code": self.code,
            "version": self.version,
            "title": self.title,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
        }


def problems_of(article: Article, categories: Mapping[str, Category]) -> Iterator[FieldProblem]:
    """What keeps an article from being stored."""
    if article.valid_to is not None and article.valid_to < article.valid_from:
        yield FieldProblem("/valid_to", "lies before valid_from", {"ge": article.valid_from.isoformat()})
    for index, code in enumerate(article.category_codes):
        if code not in categories:
            yield FieldProblem(f"/category_codes/{index}", "is no category")


def problems_of_citing(cited: Sequence[str], found: Mapping[str, Article], day: date) -> Iterator[FieldProblem]:
    """Name every cited article that does not exist, is retired, or does not hold on the day of the answer."""
    for index, reference in enumerate(cited):
        article = found.get(reference)
        field = f"/article_ids/{index}"
        if article is None:
            yield FieldProblem(field, "is no article of the knowledge base")
        elif article.retired:
            yield FieldProblem(field, f"article {article.code} is retired")
        elif not article.is_valid_on(day):
            until = article.valid_to.isoformat() if article.valid_to else None
            yield FieldProblem(
                field,
                f"article {article.code} is not valid on {day.isoformat()}",
                {"valid_from": article.valid_from.isoformat(), "valid_to": until},
            )

"""Surveys: what a questionnaire asks, whether a card answers it, and which answer is an opinion (AR-05, YQ-05)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from services.intake.domain import texts
from shared.errors import FieldProblem

LOWEST, HIGHEST = 1, 10
_LONGEST_TITLE: Final = 60


class FieldKind(StrEnum):
    """How a question is answered."""

    CHOICE = "choice"
    MULTIPLE = "multiple"
    SCALE = "scale"
    TEXT = "text"
    OPINION = "opinion"


_CHOOSING: Final = frozenset({FieldKind.CHOICE, FieldKind.MULTIPLE})


@dataclass(frozen=True, slots=True)
class SurveyField:
    """One question; the text of an opinion becomes an appeal of type suggestion."""

    key: str
    label: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    required: bool = False


def field_of(row: Mapping[str, Any]) -> SurveyField:
    """Return a field as it is stored."""
    return SurveyField(row["key"], row["label"], FieldKind(row["kind"]), tuple(row["choices"]), row["required"])


def problems_of_fields(fields: Sequence[SurveyField]) -> Iterator[FieldProblem]:
    """Yield what is wrong with a survey's questions."""
    seen: set[str] = set()
    opinions = 0
    for index, asked in enumerate(fields):
        if asked.key in seen:
            yield FieldProblem(f"/fields/{index}/key", "is the key of another field")
        seen.add(asked.key)
        if (asked.kind in _CHOOSING) != bool(asked.choices):
            yield FieldProblem(f"/fields/{index}/choices", "belong to choice and multiple, and those need them")
        elif len(set(asked.choices)) != len(asked.choices):
            yield FieldProblem(f"/fields/{index}/choices", "name one twice")
        opinions += asked.kind is FieldKind.OPINION
    if opinions > 1:
        yield FieldProblem("/fields", "hold more than one opinion; one card becomes one appeal")


def problems_of_answers(fields: Sequence[SurveyField], answers: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Yield what is wrong with the answers of one card."""
    asked = {field.key: field for field in fields}
    for key in answers:
        if key not in asked:
            yield FieldProblem(f"/answers/{key}", "is no field of this survey", sorted(asked))
    for field in fields:
        value = answers.get(field.key)
        if value is None or value in ("", []):
            if field.required:
                yield FieldProblem(f"/answers/{field.key}", "is required")
        elif (fault := _fault_of(field, value)) is not None:
            yield FieldProblem(f"/answers/{field.key}", fault, list(field.choices) or None)


def _fault_of(field: SurveyField, value: Any) -> str | None:
    if field.kind is FieldKind.CHOICE:
        return None if value in field.choices else "must be one of the choices"
    if field.kind is FieldKind.MULTIPLE:
        is_fine = isinstance(value, list) and set(map(str, value)) <= set(field.choices)
        return None if is_fine and len(set(value)) == len(value) else "must be a list of choices, each once"
    if field.kind is FieldKind.SCALE:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return None if is_whole and LOWEST <= value <= HIGHEST else f"must be a whole number from {LOWEST} to {HIGHEST}"
    return None if isinstance(value, str) else "must be text"


def opinion_of(fields: Sequence[SurveyField], answers: Mapping[str, Any]) -> str | None:
    """Return the opinion a card gives, if it gives one."""
    for field in fields:
        if field.kind is FieldKind.OPINION:
            text = answers.get(field.key)
            return text.strip() or None if isinstance(text, str) else None
    return None


def kept_answers(fields: Sequence[SurveyField], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of the answers: free text without numbers, and no opinion, whose place is the appeal."""
    kinds = {field.key: field.kind for field in fields}
    return {
        key: texts.mask_person(value) if isinstance(value, str) and kinds[key] is FieldKind.TEXT else value
        for key, value in answers.items()
        if kinds[key] is not FieldKind.OPINION and value not in (None, "", [])
    }


def counted(fields: Sequence[SurveyField]) -> list[str]:
    """Return the keys of the fields whose answers can be counted."""
    return [field.key for field in fields if field.kind in {*_CHOOSING, FieldKind.SCALE}]


def title_of(opinion: str) -> str:
    """Return the first line of an opinion as a title."""
    first = opinion.splitlines()[0].strip()
    return first if len(first) <= _LONGEST_TITLE else f"{first[: _LONGEST_TITLE - 1]}…"

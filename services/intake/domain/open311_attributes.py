"""What a service asks besides place and description: questions the city sets, and the checking of answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Final

from services.intake.domain import texts
from shared.errors import FieldProblem, InvalidInput

MOST_ANSWERS: Final = 50
LONGEST_ANSWER: Final = 1_000
_CODE: Final = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.\-]{0,63}")
_RESERVED: Final = frozenset({"address_id", "media_url"})


class DataType(StrEnum):
    """The six kinds of GeoReport v2."""

    STRING = "string"
    NUMBER = "number"
    DATETIME = "datetime"
    TEXT = "text"
    SINGLE = "singlevaluelist"
    MULTIPLE = "multivaluelist"


_LISTS: Final = (DataType.SINGLE, DataType.MULTIPLE)


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a list."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """One question; with `variable` false it only tells something and takes no answer."""

    code: str
    datatype: DataType
    order: int
    description: str = ""
    datatype_description: str = ""
    required: bool = False
    variable: bool = True
    values: tuple[Option, ...] = ()


def check_definition(attributes: Sequence[Attribute]) -> None:
    """Raise InvalidInput naming every fault of a service's questions."""
    problems = list(_problems_of_definition(attributes))
    if problems:
        raise InvalidInput("The attributes do not make a service definition.", problems)


def _problems_of_definition(attributes: Sequence[Attribute]) -> Iterator[FieldProblem]:
    codes: set[str] = set()
    orders: set[int] = set()
    for index, attribute in enumerate(attributes):
        at = f"/attributes/{index}"
        if attribute.code in _RESERVED or not _CODE.fullmatch(attribute.code):
            yield FieldProblem(f"{at}/code", "must be a word of letters, digits, _ . - that has no other meaning")
        if attribute.code in codes:
            yield FieldProblem(f"{at}/code", "stands twice")
        if attribute.order in orders:
            yield FieldProblem(f"{at}/order", "is used twice")
        if attribute.required and not attribute.variable:
            yield FieldProblem(f"{at}/required", "what takes no answer cannot be required")
        codes.add(attribute.code)
        orders.add(attribute.order)
        yield from _problems_of_values(at, attribute)


def _problems_of_values(at: str, attribute: Attribute) -> Iterator[FieldProblem]:
    if (attribute.datatype in _LISTS) != bool(attribute.values):
        yield FieldProblem(f"{at}/values", "a list needs values, and nothing else has any")
    keys = [option.key for option in attribute.values]
    if len(set(keys)) != len(keys):
        yield FieldProblem(f"{at}/values", "a key stands twice")


def read_answers(attributes: Sequence[Attribute], given: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Check the answers to a service's questions and return one text for each; several values stand one a line.

    What nobody asked for is kept as it is. Empty answers are none. Raises InvalidInput naming every attribute at fault.
    """
    answers: dict[str, str] = {}
    problems: list[FieldProblem] = []
    known = {attribute.code: attribute for attribute in attributes if attribute.variable}
    problems += [
        FieldProblem(f"/attribute[{attribute.code}]", "is required")
        for attribute in known.values()
        if attribute.required and not any(value.strip() for value in given.get(attribute.code, ()))
    ]
    for code, values in given.items():
        said = [value.strip() for value in values if value.strip()]
        if not said:
            continue
        try:
            answers[code] = _answer(known.get(code), code, said)
        except ValueError as error:
            problems.append(FieldProblem(f"/attribute[{code[:64]}]", str(error)))
    if len(answers) > MOST_ANSWERS:
        problems.append(FieldProblem("/attribute", f"has more than {MOST_ANSWERS} codes"))
    if problems:
        raise InvalidInput("Some attributes are missing or not valid.", problems)
    return answers


def _answer(attribute: Attribute | None, code: str, values: Sequence[str]) -> str:
    """Return the text that is kept. Raises ValueError saying what is wrong."""
    if attribute is None:
        if code in _RESERVED or not _CODE.fullmatch(code):
            raise ValueError("is not a usable code")
        return _text("\n".join(values))
    if attribute.datatype is DataType.MULTIPLE:
        return "\n".join(dict.fromkeys(_key_of(attribute, value) for value in values))
    if len(values) > 1:
        raise ValueError("takes one value")
    value = values[0]
    if attribute.datatype is DataType.SINGLE:
        return _key_of(attribute, value)
    if attribute.datatype is DataType.NUMBER:
        return _number(value)
    if attribute.datatype is DataType.DATETIME:
        return _datetime(value)
    return _text(value if attribute.datatype is DataType.TEXT else " ".join(value.split()))


def _key_of(attribute: Attribute, value: str) -> str:
    """Return the key of a value; clients that show the names send those."""
    for option in attribute.values:
        if value == option.key:
            return option.key
    for option in attribute.values:
        if value.casefold() in {option.key.casefold(), option.name.casefold()}:
            return option.key
    raise ValueError(f"must be one of {', '.join(option.key for option in attribute.values[:50])}")


def _number(value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        raise ValueError("must be a number") from None
    if not isfinite(number) or len(value) > 40:
        raise ValueError("must be a number")
    return value


def _datetime(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date and time as in ISO 8601") from None
    return value


def _text(value: str) -> str:
    if len(value) > LONGEST_ANSWER:
        raise ValueError(f"is longer than {LONGEST_ANSWER} characters")
    if not texts.is_clean(value):
        raise ValueError("contains control characters or is not valid Unicode")
    return value

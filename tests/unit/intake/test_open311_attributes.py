"""A service's questions: what makes a definition, and what answers them."""

from dataclasses import replace
from typing import Any

import pytest

from services.intake.domain.open311_attributes import Attribute, DataType, Option, check_definition, read_answers
from shared.errors import InvalidInput

VALUES = (Option("B", "Bin"), Option("S", "Skip"))


def question(datatype: DataType = DataType.STRING, **changes: Any) -> Attribute:
    values = VALUES if datatype in {DataType.SINGLE, DataType.MULTIPLE} else ()
    return replace(Attribute("CODE", datatype, 1, values=values), **changes)


def answered(attribute: Attribute, *values: str) -> str | None:
    return read_answers([attribute], {"CODE": values}).get("CODE")


@pytest.mark.parametrize(
    ("datatype", "given", "kept"),
    [
        (DataType.STRING, ["  two \n lines "], "two lines"),
        (DataType.TEXT, ["two\nlines"], "two\nlines"),
        (DataType.NUMBER, ["-3.5"], "-3.5"),
        (DataType.DATETIME, ["2026-03-02T09:30:00+08:00"], "2026-03-02T09:30:00+08:00"),
        (DataType.SINGLE, ["S"], "S"),
        (DataType.SINGLE, ["skip"], "S"),
        (DataType.MULTIPLE, ["S", "B", "S"], "S\nB"),
    ],
)
def test_answers_of_every_kind_are_kept(datatype: DataType, given: list[str], kept: str) -> None:
    assert answered(question(datatype), *given) == kept


@pytest.mark.parametrize(
    ("datatype", "given"),
    [
        (DataType.NUMBER, ["many"]),
        (DataType.NUMBER, ["nan"]),
        (DataType.NUMBER, ["1" * 41]),
        (DataType.DATETIME, ["soon"]),
        (DataType.SINGLE, ["X"]),
        (DataType.SINGLE, ["B", "S"]),
        (DataType.MULTIPLE, ["B", "X"]),
        (DataType.STRING, ["x" * 1_001]),
        (DataType.TEXT, ["a\x00b"]),
    ],
)
def test_answers_that_do_not_fit_are_named(datatype: DataType, given: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        answered(question(datatype), *given)

    assert [problem.field for problem in refused.value.problems] == ["/attribute[CODE]"]


@pytest.mark.parametrize("given", [{}, {"CODE": []}, {"CODE": [" "]}])
def test_a_required_answer_must_be_there(given: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_answers([question(required=True)], given)

    assert [(problem.field, problem.message) for problem in refused.value.problems] == [
        ("/attribute[CODE]", "is required")
    ]


def test_a_hint_takes_no_answer_and_asks_for_none() -> None:
    assert read_answers([question(DataType.NUMBER, variable=False)], {}) == {}


def test_an_answer_nobody_asked_for_is_kept_as_it_is() -> None:
    assert read_answers([], {"fixmystreet_id": ["77"]}) == {"fixmystreet_id": "77"}


@pytest.mark.parametrize("code", ["", "a b", "media_url", "address_id", "x" * 65, "<b>"])
def test_a_code_that_cannot_be_one_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput):
        read_answers([], {code: ["1"]})


def test_answers_are_bounded_in_number() -> None:
    with pytest.raises(InvalidInput):
        read_answers([], {f"C{number}": ["1"] for number in range(51)})


def test_a_sound_definition_is_taken() -> None:
    check_definition([question(), replace(question(DataType.MULTIPLE), code="OTHER", order=2)])


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ([question(), replace(question(), order=2)], "/attributes/1/code"),
        ([question(), replace(question(), code="OTHER")], "/attributes/1/order"),
        ([question(code="media_url")], "/attributes/0/code"),
        ([question(code="a b")], "/attributes/0/code"),
        ([question(values=VALUES)], "/attributes/0/values"),
        ([question(DataType.SINGLE, values=())], "/attributes/0/values"),
        ([question(DataType.SINGLE, values=(*VALUES, VALUES[0]))], "/attributes/0/values"),
        ([question(required=True, variable=False)], "/attributes/0/required"),
    ],
)
def test_what_makes_no_definition_is_named(attributes: list[Attribute], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_definition(attributes)

    assert [problem.field for problem in refused.value.problems] == [field]

"""Drafts of rule sets: read from documents, refused by rule and field."""

import pytest

from services.dispatch.domain.routing import Rule
from services.dispatch.domain.routing_document import KnownCodes, check_rules, rule_from_document, rule_to_document
from shared.errors import InvalidInput

KNOWN = KnownCodes(
    departments={"SANI", "WATER"}, retired_departments={"OLD"}, categories={"01", "0101"}, grids={"411002"}
)
FULL = {
    "id": "r-1",
    "department_code": "SANI",
    "category_code": "0101",
    "grid_code": "411002001",
    "type": "report",
    "channel": "app",
    "urgency": "P1",
    "special_care": "elderly",
    "time_window": {"start": "18:00", "end": "08:30", "weekdays": [0, 4]},
    "order": 3,
}


def test_a_rule_reads_back_as_written() -> None:
    assert rule_to_document(rule_from_document(FULL)) == FULL


def test_what_is_left_out_is_left_open() -> None:
    assert rule_from_document({"id": "r", "department_code": "SANI"}) == Rule("r", "SANI")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "rumour"}, "/rules/4/type"),
        ({"urgency": "P9"}, "/rules/4/urgency"),
        ({"grid_code": "41"}, "/rules/4/grid_code"),
        ({"id": "no spaces please"}, "/rules/4/id"),
        ({"time_window": {"start": "25:00", "end": "08:30"}}, "/rules/4/time_window"),
        ({"time_window": {"start": "18:00", "end": "08:30", "weekdays": [7]}}, "/rules/4/time_window/weekdays"),
        ({"colour": "red"}, "/rules/4/colour"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule_from_document({**FULL, **change}, "/rules/4")
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize(
    ("rule", "field", "words"),
    [
        (Rule("r", "NOBODY"), "/rules/1/department_code", "unknown department NOBODY"),
        (Rule("r", "OLD"), "/rules/1/department_code", "retired"),
        (Rule("r", "SANI", "77"), "/rules/1/category_code", "unknown category 77"),
        (Rule("r", "SANI", grid_code="411003"), "/rules/1/grid_code", "unknown grid 411003"),
        (Rule("first", "WATER", "0101"), "/rules/1/id", "twice"),
        (Rule("r", "WATER", "01"), "/rules/0/order", "rule first and rule r"),
    ],
)
def test_a_draft_is_refused_naming_rule_and_field(rule: Rule, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_rules([Rule("first", "SANI", "01"), rule], KNOWN)
    (problem,) = refused.value.problems
    assert problem.field == field
    assert words in problem.message


def test_a_sound_draft_passes() -> None:
    check_rules([Rule("a", "SANI", "01", "411002"), Rule("b", "WATER", "0101")], KNOWN)


def test_problems_are_bounded() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_rules([Rule(f"r{number}", "NOBODY") for number in range(500)], KNOWN)
    assert len(refused.value.problems) == 100

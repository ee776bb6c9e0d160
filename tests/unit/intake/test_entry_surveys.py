"""Questionnaires: what may be asked, what answers it, and which answer is an opinion."""

from typing import Any

import pytest

from services.intake.domain.entry_surveys import (
    FieldKind,
    SurveyField,
    counted,
    kept_answers,
    opinion_of,
    problems_of_answers,
    problems_of_fields,
    title_of,
)

FIELDS = [
    SurveyField("road", "Roads", FieldKind.CHOICE, ("good", "bad"), required=True),
    SurveyField("uses", "Uses", FieldKind.MULTIPLE, ("bus", "bike")),
    SurveyField("score", "Score", FieldKind.SCALE),
    SurveyField("remark", "Remark", FieldKind.TEXT),
    SurveyField("wish", "Wish", FieldKind.OPINION),
]


def faults(**answers: Any) -> set[str]:
    return {problem.field.removeprefix("/answers/") for problem in problems_of_answers(FIELDS, answers)}


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({"road": "good"}, set()),
        ({"road": "good", "uses": ["bus", "bike"], "score": 10, "remark": "x", "wish": "y"}, set()),
        ({}, {"road"}),
        ({"road": ""}, {"road"}),
        ({"road": "fair"}, {"road"}),
        ({"road": ["good"]}, {"road"}),
        ({"road": "good", "uses": "bus"}, {"uses"}),
        ({"road": "good", "uses": ["bus", "bus"]}, {"uses"}),
        ({"road": "good", "uses": ["car"]}, {"uses"}),
        ({"road": "good", "score": 11}, {"score"}),
        ({"road": "good", "score": "5"}, {"score"}),
        ({"road": "good", "wish": 7}, {"wish"}),
        ({"road": "good", "colour": "red"}, {"colour"}),
    ],
)
def test_an_answer_must_answer_its_question(answers: dict[str, Any], wrong: set[str]) -> None:
    assert faults(**answers) == wrong


def test_of_the_answers_the_opinion_is_kept_elsewhere_and_free_text_without_numbers() -> None:
    answers = {"road": "good", "uses": [], "remark": "call 13812345678", "wish": "more lamps"}

    assert kept_answers(FIELDS, answers) == {"road": "good", "remark": "call [phone]"}
    assert opinion_of(FIELDS, answers) == "more lamps"
    assert opinion_of(FIELDS, {"wish": "  "}) is None
    assert counted(FIELDS) == ["road", "uses", "score"]


def test_what_may_be_asked() -> None:
    wrong = [
        SurveyField("a", "A", FieldKind.CHOICE),
        SurveyField("a", "A", FieldKind.TEXT, ("x",)),
        SurveyField("b", "B", FieldKind.MULTIPLE, ("x", "x")),
        SurveyField("c", "C", FieldKind.OPINION),
        SurveyField("d", "D", FieldKind.OPINION),
    ]

    assert [problem.field for problem in problems_of_fields(wrong)] == [
        "/fields/0/choices",
        "/fields/1/key",
        "/fields/1/choices",
        "/fields/2/choices",
        "/fields",
    ]
    assert list(problems_of_fields(FIELDS)) == []


def test_a_long_opinion_has_a_short_title() -> None:
    assert title_of("more lamps\nplease") == "more lamps"
    assert len(title_of("长" * 100)) == 60

"""Text, times and numbers as they may enter."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from shared.http.text import Input, Line, Moment, Paragraph, holds_nul
from shared.vocabulary import Urgency


class Form(Input):
    """One field of each kind."""

    line: Annotated[str, Line(10)] = "x"
    text: Annotated[str, Paragraph(20, min_length=0)] = ""
    at: Moment | None = None
    count: int = 0
    share: Annotated[float, Field(ge=0)] = 0.0
    flag: bool = False
    urgency: Urgency | None = None
    ids: tuple[UUID, ...] = ()
    numbers: dict[str, list[int]] = Field(default_factory=dict)


def accepted(**values: Any) -> Form:
    return Form.model_validate(values)


def refused(**values: Any) -> None:
    with pytest.raises(ValidationError):
        Form.model_validate(values)


@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_whatever_is_sent_what_is_kept_can_be_stored(text: str) -> None:
    try:
        kept = Form.model_validate({"line": text}).line
    except ValidationError:
        return
    assert kept == kept.strip()
    assert 1 <= len(kept) <= 10
    assert "\x00" not in kept
    assert not any(ord(char) < 32 for char in kept)
    kept.encode()


def test_text_is_normalised_before_it_is_measured() -> None:
    assert accepted(line="e\u0301" * 10).line == "é" * 10
    assert accepted(line="　路灯　").line == "路灯"
    assert accepted(text="a\r\nb\rc\td").text == "a\nb\nc\td"
    assert accepted(line="👨‍👩‍👧 家").line == "👨‍👩‍👧 家"
    assert accepted(line="ئۇيغۇر").line == "ئۇيغۇر"


@pytest.mark.parametrize(
    "text", ["", "  ", "x" * 11, "a\nb", "a\x00", "a\x7fb", "a\u0085b", "a\u2028b", "\ud800", 5, None, b"x"]
)
def test_lines_that_are_refused(text: Any) -> None:
    refused(line=text)


def test_a_moment_is_kept_in_utc() -> None:
    assert accepted(at="2026-03-02T09:30:00+08:00").at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert accepted(at="2026-03-02t01:30:00.5z").at is not None


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-02T09:30:00",
        "2026-03-02",
        "1700000000",
        1_700_000_000,
        1.5,
        True,
        "1899-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-02-30T00:00:00Z",
        "2026-03-02T25:00:00Z",
        "2026-03-02T09:30:00+99:00",
        "２026-03-02T09:30:00Z",
    ],
)
def test_moments_that_are_refused(at: Any) -> None:
    refused(at=at)


def test_numbers_and_booleans_are_never_guessed() -> None:
    wrong: Any
    for wrong in ("5", 5.5, True, None, [], 1e177, float("inf"), float("nan")):
        refused(count=wrong)
    for wrong in ("true", 1, 0, "yes"):
        refused(flag=wrong)
    for wrong in ("0.5", True, -1):
        refused(share=wrong)
    refused(numbers={"a": ["1"]})
    refused(unknown=1)
    form = accepted(count=5, share=1, flag=True, urgency="P1", ids=["0190a1b2-0000-7000-8000-000000000000"])
    assert form.urgency is Urgency.P1
    assert form.share == 1.0


def test_a_whole_number_written_with_a_point_is_an_integer() -> None:
    form = accepted(count=5.0)

    assert form.count == 5
    assert type(form.count) is int


@given(
    st.recursive(st.text(max_size=3) | st.integers(), lambda part: st.lists(part) | st.dictionaries(st.text(), part))
)
def test_a_nul_is_found_wherever_it_hides(value: Any) -> None:
    assert holds_nul(value) == ("\\x00" in repr(value).replace("\\\\", ""))

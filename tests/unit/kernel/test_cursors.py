"""Cursors come back as they went out, and nothing else is taken for one."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.db.cursors import decode_cursor, encode_cursor
from shared.errors import InvalidInput

MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(MOMENTS, st.uuids(), st.integers(-(2**63) + 1, 2**63 - 1), TEXTS)
def test_a_sort_key_survives_the_round_trip(moment: datetime, identifier: UUID, number: int, words: str) -> None:
    cursor = encode_cursor(moment, identifier, number, words)
    assert decode_cursor(cursor, (datetime, UUID, int, str)) == (moment, identifier, number, words)


@given(st.text(max_size=60))
def test_a_text_that_is_no_cursor_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_cursor(text, (datetime, UUID))
    assert refused.value.problems[0].field == "cursor"


def forged(*values: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("values", "types"),
    [
        ((1,), (int, int)),
        ((True,), (int,)),
        ((1 << 62, "x"), (int, UUID)),
        (("2026-01-01T00:00:00",), (datetime,)),
        (("a\x00b",), (str,)),
        ((["list"],), (str,)),
        ((None,), (datetime,)),
    ],
)
def test_a_cursor_of_another_list_is_refused(values: tuple[object, ...], types: tuple[type, ...]) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(forged(*values), types)


def test_an_oversized_cursor_is_refused() -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(encode_cursor("x" * 600), (str,))

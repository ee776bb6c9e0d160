"""Receipt numbers and access codes: every slip of the finger is noticed, and none can be guessed from another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import access_codes as codes
from services.intake.domain import receipts

NUMBERS = st.builds(receipts.make_receipt_number, st.integers(2000, 2099), st.integers(0, 2**64 - 1))


@given(NUMBERS)
def test_a_made_number_is_one(number: str) -> None:
    assert len(number) == 13
    assert receipts.is_receipt_number(number)


@given(NUMBERS, st.integers(0, 12), st.integers(1, 9))
def test_any_single_wrong_digit_is_noticed(number: str, position: int, shift: int) -> None:
    wrong = str((int(number[position]) + shift) % 10)

    assert not receipts.is_receipt_number(number[:position] + wrong + number[position + 1 :])


@given(NUMBERS, st.integers(0, 11))
def test_any_swap_of_neighbours_is_noticed(number: str, position: int) -> None:
    first, second = number[position], number[position + 1]
    swapped = number[:position] + second + first + number[position + 2 :]

    assert receipts.is_receipt_number(swapped) == (first == second)


@pytest.mark.parametrize(("digits", "digit"), [("572", "4"), ("0", "0"), ("43881234567", "9")])
def test_the_check_digit_is_that_of_damm(digits: str, digit: str) -> None:
    assert receipts.check_digit(digits) == digit


def test_numbers_do_not_follow_one_another() -> None:
    numbers = [int(receipts.new_receipt_number(2026)) for _ in range(200)]

    assert len(set(numbers)) == 200
    assert numbers != sorted(numbers)
    assert {number // 10**11 for number in numbers} == {26}


@pytest.mark.parametrize(
    "typed", ["2639 3784 5400 6", "26-3937-845400-6", " 2639378454006\t", "２６３９３７８４５４００６"]
)
def test_spaces_dashes_and_wide_digits_are_taken_out(typed: str) -> None:
    assert receipts.normalise_receipt_number(typed) == "2639378454006"


@pytest.mark.parametrize("text", ["", "abc", "٢٦٣٩٣٧٨٤٥٤٠٠٦", "26393784540060", "0000000000001"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert not receipts.is_receipt_number(text)


def test_codes_use_only_characters_that_are_not_mixed_up() -> None:
    made = {codes.new_access_code() for _ in range(300)}

    assert len(made) == 300
    assert {len(code) for code in made} == {8}
    assert set("".join(made)) <= set("23456789ABCDEFGHJKMNPQRSTUVWXYZ")


def test_a_code_fits_its_own_hash_under_its_own_key_only() -> None:
    stored = codes.hash_access_code("7KQ2MXWD", b"key")

    assert codes.access_code_matches("7KQ2MXWD", stored, b"key")
    assert not codes.access_code_matches("7KQ2MXWE", stored, b"key")
    assert not codes.access_code_matches("7KQ2MXWD", stored, b"another")
    assert not codes.access_code_matches("\ud800", stored, b"key")


def test_a_code_may_be_typed_in_lower_case_with_gaps() -> None:
    assert codes.normalise_access_code(" 7kq2-mxwd ") == "7KQ2MXWD"

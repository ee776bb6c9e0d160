"""Tokens that only we can make (trap 18)."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.domain.tokens import TOKEN_LENGTH, IssuedToken, TokenSigner, TokenUnknown

SIGNER = TokenSigner(b"k" * 32)
CALLBACK = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@given(st.uuids())
def test_a_token_leads_back_to_its_callback(callback_id: UUID) -> None:
    token = SIGNER.token_for(callback_id)

    assert len(token) == TOKEN_LENGTH
    assert SIGNER.callback_of(token) == callback_id


def test_asked_twice_it_is_the_same_token() -> None:
    assert SIGNER.token_for(CALLBACK) == SIGNER.token_for(CALLBACK)


def test_another_key_makes_and_accepts_other_tokens() -> None:
    other = TokenSigner(b"x" * 32)

    assert other.token_for(CALLBACK) != SIGNER.token_for(CALLBACK)
    with pytest.raises(TokenUnknown):
        other.callback_of(SIGNER.token_for(CALLBACK))


@pytest.mark.parametrize("position", range(TOKEN_LENGTH))
def test_a_change_of_any_one_character_is_noticed(position: int) -> None:
    token = SIGNER.token_for(CALLBACK)
    changed = "A" if token[position] != "A" else "B"

    with pytest.raises(TokenUnknown):
        SIGNER.callback_of(token[:position] + changed + token[position + 1 :])


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(TokenUnknown):
        SIGNER.callback_of(text)


def test_a_callback_id_alone_is_no_token() -> None:
    with pytest.raises(TokenUnknown):
        SIGNER.callback_of(base64.urlsafe_b64encode(CALLBACK.bytes + bytes(20)).decode())


def test_a_token_expires_at_its_end_exactly() -> None:
    end = datetime(2026, 3, 2, tzinfo=UTC)
    token = IssuedToken(end - timedelta(days=1), end)

    assert token.is_expired(end)
    assert not token.is_expired(end - timedelta(microseconds=1))

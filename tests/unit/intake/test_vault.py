"""The vault opens what it sealed, for the appeal it was sealed for, under keys it knows; and nothing else."""

from dataclasses import replace

import pytest

from services.intake.db.vault import Vault, VaultError
from shared.ids import uuid7

OLD, NEW = "the-first-master-key-of-this-city!", "the-second-master-key-of-this-city"
CONTENT = {"reporter": {"name": "王小明", "phone": "+8613812345678", "email": None}}


def test_what_is_sealed_opens_again_and_is_not_readable() -> None:
    vault, appeal = Vault(OLD), uuid7()
    record = vault.seal(appeal, CONTENT)

    assert vault.open(appeal, record) == CONTENT
    assert "王小明".encode() not in record.sealed + record.wrapped_key
    assert b"13812345678" not in record.sealed


def test_the_same_content_is_sealed_differently_each_time() -> None:
    vault, appeal = Vault(OLD), uuid7()

    assert vault.seal(appeal, CONTENT).sealed != vault.seal(appeal, CONTENT).sealed


def test_a_record_opens_for_its_own_appeal_only() -> None:
    vault = Vault(OLD)
    record = vault.seal(uuid7(), CONTENT)

    with pytest.raises(VaultError):
        vault.open(uuid7(), record)


@pytest.mark.parametrize("part", ["wrapped_key", "sealed"])
@pytest.mark.parametrize("damage", [lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:5], lambda b: b""])
def test_a_changed_record_does_not_open(part: str, damage: object) -> None:
    vault, appeal = Vault(OLD), uuid7()
    record = vault.seal(appeal, CONTENT)
    damaged = replace(record, **{part: damage(getattr(record, part))})  # type: ignore[operator]

    with pytest.raises(VaultError):
        vault.open(appeal, damaged)


def test_a_changed_master_key_still_opens_and_finds_what_is_old() -> None:
    appeal = uuid7()
    before, after = Vault(OLD), Vault(NEW, earlier_keys=[OLD])
    record = before.seal(appeal, CONTENT)

    assert after.open(appeal, record) == CONTENT
    assert before.phone_hash("+8613812345678") in after.phone_hashes("+8613812345678")
    assert before.access_key in after.access_keys
    assert after.open_reply(before.seal_reply(b"reply", b"key"), b"key") == b"reply"


def test_without_the_old_key_what_is_old_stays_shut() -> None:
    appeal = uuid7()
    record = Vault(OLD).seal(appeal, CONTENT)

    with pytest.raises(VaultError):
        Vault(NEW).open(appeal, record)
    with pytest.raises(VaultError):
        Vault(NEW).open_reply(Vault(OLD).seal_reply(b"reply", b"key"), b"key")


def test_rewrapping_moves_a_record_under_the_new_key_without_touching_the_data() -> None:
    appeal = uuid7()
    record = Vault(OLD).seal(appeal, CONTENT)
    moved = Vault(NEW, earlier_keys=[OLD]).rewrap(appeal, record)

    assert Vault(NEW).open(appeal, moved) == CONTENT
    assert moved.sealed == record.sealed
    with pytest.raises(VaultError):
        Vault(OLD).open(appeal, moved)


def test_a_kept_reply_opens_for_its_own_key_only() -> None:
    vault = Vault(OLD)

    with pytest.raises(VaultError):
        vault.open_reply(vault.seal_reply(b"reply", b"one"), b"another")
    with pytest.raises(VaultError):
        vault.open_reply(b"short", b"one")


def test_hashes_of_numbers_need_the_key() -> None:
    assert Vault(OLD).phone_hash("1") != Vault(NEW).phone_hash("1")
    assert Vault(OLD).phone_hash("1") != Vault(OLD).phone_hash("2")


def test_the_vault_does_not_tell_its_key() -> None:
    assert OLD not in repr(Vault(OLD))

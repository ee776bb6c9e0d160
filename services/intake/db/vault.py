"""The vault: personal data under AES-256-GCM, a data key per appeal wrapped by the master key; keyed hashes to find by.

Destroying a row's wrapped key destroys the person's data wherever a backup still has it.
"""

import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class VaultError(Exception):
    """A record cannot be opened: its key is not among ours, or it was changed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed record as it is stored; each cipher text carries its nonce in front."""

    key_id: str
    wrapped_key: bytes
    sealed: bytes


class _Keys:
    """What is derived from one master key; each purpose has a key of its own."""

    __slots__ = ("id", "search", "wrap")

    def __init__(self, master: str) -> None:
        secret = master.encode()
        self.id = _derive(secret, "key id").hex()[:16]
        self.wrap = AESGCM(_derive(secret, "wrap data keys"))
        self.search = SearchKeys(
            self.id,
            phone=_derive(secret, "phone search"),
            email=_derive(secret, "e-mail search"),
            access=_derive(secret, "access codes"),
            reply=_derive(secret, "stored replies"),
        )


@dataclass(frozen=True, slots=True, repr=False)
class SearchKeys:
    """What is still needed of a master key when every record has another one: its hashes cannot be made anew.

    Nobody can hash an access code again but the citizen who has it.
    """

    id: str
    phone: bytes
    email: bytes
    access: bytes
    reply: bytes


def _derive(secret: bytes, purpose: str) -> bytes:
    """HKDF-SHA256 with one block of output; the master key is long and random by itself."""
    extracted = hmac.digest(b"minqing intake vault", secret, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")


class Vault:
    """Seals with the current master key; opens and finds with the earlier ones too, so that keys can be changed."""

    def __init__(self, master_key: str, *, earlier_keys: Sequence[str] = ()) -> None:
        self._current = _Keys(master_key)
        self._all = [self._current, *(_Keys(key) for key in earlier_keys)]
        self._by_id = {keys.id: keys for keys in self._all}
        self._search = {keys.id: keys.search for keys in self._all}

    @property
    def key_id(self) -> str:
        """Which master key new records are sealed with."""
        return self._current.id

    @property
    def former_search_keys(self) -> list[SearchKeys]:
        """The search keys of every master key before this one: the configured ones, and those learnt."""
        return [keys for key_id, keys in self._search.items() if key_id != self._current.id]

    def seal_search_keys(self, keys: SearchKeys) -> bytes:
        """Encrypt the search keys of a master key that is taken out of use, under the current one."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = b"".join((keys.phone, keys.email, keys.access, keys.reply))
        return nonce + self._current.wrap.encrypt(nonce, plain, f"search keys {keys.id}".encode())

    def learn_search_keys(self, key_id: str, sealed_with: str, sealed: bytes) -> None:
        """Find under a master key that is no longer configured, too. Raises VaultError when it does not open."""
        if key_id in self._search:
            return
        by = self._by_id.get(sealed_with)
        if by is None:
            raise VaultError("the search keys were sealed with a master key that is not configured")
        try:
            plain = by.wrap.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], f"search keys {key_id}".encode())
        except (InvalidTag, ValueError) as error:
            raise VaultError("the search keys do not open") from error
        parts = [plain[start : start + _KEY_BYTES] for start in range(0, 4 * _KEY_BYTES, _KEY_BYTES)]
        self._search[key_id] = SearchKeys(key_id, *parts)

    def __repr__(self) -> str:
        return f"Vault(key_id={self._current.id!r})"

    def seal(self, appeal_id: UUID, content: Mapping[str, Any]) -> Sealed:
        """Encrypt one appeal's personal data; it opens for this appeal only."""
        noise = os.urandom(_KEY_BYTES + 2 * _NONCE_BYTES)
        data_key, nonce, wrap_nonce = noise[:32], noise[32:44], noise[44:]
        bound_to = appeal_id.bytes
        wrapped = wrap_nonce + self._current.wrap.encrypt(wrap_nonce, data_key, bound_to)
        sealed = nonce + AESGCM(data_key).encrypt(nonce, orjson.dumps(content), bound_to)
        return Sealed(self._current.id, wrapped, sealed)

    def open(self, appeal_id: UUID, record: Sealed) -> dict[str, Any]:
        """Decrypt. Raises VaultError when the key is unknown or the record is not this appeal's, or was changed."""
        sealed = record.sealed
        try:
            data_key = self._unwrap(appeal_id, record)
            plain = AESGCM(data_key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], appeal_id.bytes)
        except (InvalidTag, ValueError) as error:
            raise VaultError("the record does not open") from error
        content: dict[str, Any] = orjson.loads(plain)
        return content

    def rewrap(self, appeal_id: UUID, record: Sealed) -> Sealed:
        """Return the record under the current master key; the data itself is not touched. Raises VaultError."""
        try:
            data_key = self._unwrap(appeal_id, record)
        except (InvalidTag, ValueError) as error:
            raise VaultError("the data key does not unwrap") from error
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = nonce + self._current.wrap.encrypt(nonce, data_key, appeal_id.bytes)
        return Sealed(self._current.id, wrapped, record.sealed)

    def _unwrap(self, appeal_id: UUID, record: Sealed) -> bytes:
        keys = self._by_id.get(record.key_id)
        if keys is None:
            raise VaultError("the record was sealed with a master key that is not configured")
        wrapped = record.wrapped_key
        return keys.wrap.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], appeal_id.bytes)

    def phone_hash(self, phone: str) -> bytes:
        """Return what a normalised number is found by; useless without the key."""
        return hmac.digest(self._current.search.phone, phone.encode(), "sha256")

    def phone_hashes(self, phone: str) -> list[bytes]:
        """Every hash a number may be stored under, one per master key."""
        return [hmac.digest(keys.phone, phone.encode(), "sha256") for keys in self._search.values()]

    def email_hash(self, email: str) -> bytes:
        """Return what an e-mail address is found by, however its letters are written."""
        return hmac.digest(self._current.search.email, email.casefold().encode(), "sha256")

    def email_hashes(self, email: str) -> list[bytes]:
        """Every hash an address may be stored under, one per master key."""
        return [hmac.digest(keys.email, email.casefold().encode(), "sha256") for keys in self._search.values()]

    @property
    def access_key(self) -> bytes:
        """The key that new access codes are hashed with."""
        return self._current.search.access

    @property
    def access_keys(self) -> list[bytes]:
        """Every key a stored access code may have been hashed with."""
        return [keys.access for keys in self._search.values()]

    def seal_reply(self, body: bytes, bound_to: bytes) -> bytes:
        """Encrypt a reply that is kept for replays: it holds the access code, which is stored nowhere else."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._current.id.encode() + nonce + AESGCM(self._current.search.reply).encrypt(nonce, body, bound_to)

    def open_reply(self, stored: bytes, bound_to: bytes) -> bytes:
        """Decrypt a kept reply. Raises VaultError."""
        keys = self._search.get(stored[:16].decode("ascii", "replace"))
        if keys is None:
            raise VaultError("the reply was sealed with a master key that is not configured")
        try:
            return AESGCM(keys.reply).decrypt(stored[16:28], stored[28:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise VaultError("the reply does not open") from error

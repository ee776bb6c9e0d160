"""Keys: their form, what is stored of them, and how the ring trusts and forgets them."""

import asyncio
from datetime import timedelta

import pytest

from shared.clock import ManualClock
from shared.errors import InvalidInput
from shared.identity.api_keys import ApiKeyRecord, issue_key, secret_matches, split_key
from shared.identity.key_ring import KNOWN_FOR, TRUSTED_WHILE_AWAY, UNKNOWN_FOR, KeyRing
from shared.identity.principal import Unauthenticated


class Store:
    """Keys by prefix, as a database would hold them; counts how often it is asked."""

    def __init__(self) -> None:
        self.records: dict[str, ApiKeyRecord] = {}
        self.asked = 0
        self.away = False

    async def find(self, prefix: str) -> ApiKeyRecord | None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError
        return self.records.get(prefix)


class Ring:
    """A key ring over a store, with time that moves when told to."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.store = Store()
        self.seconds = 100.0
        self.ring = KeyRing(self.store.find, clock, monotonic=lambda: self.seconds)

    def add(self, **changes: object) -> str:
        issued = issue_key(name="desk", scopes=["tickets:read"], clock=self.clock)
        record = issued.record
        if changes:
            values = {name: getattr(record, name) for name in ApiKeyRecord.__dataclass_fields__}
            record = ApiKeyRecord(**{**values, **changes})
        self.store.records[record.prefix] = record
        return issued.text

    async def refuses(self, text: str) -> None:
        with pytest.raises(Unauthenticated):
            await self.ring.verify(text)


@pytest.fixture
def ring(manual_clock: ManualClock) -> Ring:
    return Ring(manual_clock)


def test_a_key_has_a_prefix_and_a_secret_and_only_a_digest_is_kept(manual_clock: ManualClock) -> None:
    issued = issue_key(name="desk", scopes=["tickets:read"], clock=manual_clock)

    parts = split_key(issued.text)
    assert parts is not None
    prefix, secret = parts
    assert issued.text == f"mq_{prefix}_{secret}"
    assert (len(prefix), len(secret)) == (12, 43)
    assert secret_matches(issued.record, secret)
    assert secret not in repr(issued)
    assert secret.encode() not in issued.record.secret_sha256


@pytest.mark.parametrize("text", ["", "mq_", "mq_abc_def", "xx_" + "a" * 12 + "_" + "b" * 43, "mq_" + "é" * 12 + "_x"])
def test_anything_else_is_not_a_key(text: str) -> None:
    assert split_key(text) is None


def test_a_key_needs_known_scopes_a_name_and_a_future(manual_clock: ManualClock) -> None:
    with pytest.raises(InvalidInput) as refusal:
        issue_key(name=" ", scopes=["tickets:reed"], clock=manual_clock, expires_at=manual_clock.now())

    assert {problem.field for problem in refusal.value.problems} == {"/name", "/scopes", "/expires_at"}


async def test_a_known_key_is_looked_up_once_even_by_many_at_the_same_time(ring: Ring) -> None:
    text = ring.add()

    principals = await asyncio.gather(*(ring.ring.verify(text) for _ in range(50)))

    assert ring.store.asked == 1
    assert {principal.actor for principal in principals} == {f"key:{text.split('_')[1]}"}


async def test_a_revocation_acts_as_soon_as_the_cache_is_over(ring: Ring) -> None:
    text = ring.add()
    await ring.ring.verify(text)
    prefix = text.split("_")[1]
    ring.add(prefix=prefix, revoked_at=ring.clock.now())

    ring.seconds += KNOWN_FOR + 0.1

    await ring.refuses(text)


async def test_an_expiry_acts_at_once_even_from_the_cache(ring: Ring) -> None:
    text = ring.add(expires_at=ring.clock.now() + timedelta(seconds=3))
    await ring.ring.verify(text)

    ring.clock.advance(timedelta(seconds=3))

    await ring.refuses(text)


async def test_an_unknown_key_is_not_looked_up_again_and_again(ring: Ring) -> None:
    text = ring.add()
    record = ring.store.records.pop(text.split("_")[1])
    for _ in range(10):
        await ring.refuses(text)
    assert ring.store.asked == 1
    ring.store.records[record.prefix] = record
    ring.seconds += UNKNOWN_FOR + 0.1
    assert (await ring.ring.verify(text)).id == str(record.id)


async def test_a_wrong_secret_is_refused_without_another_lookup(ring: Ring) -> None:
    text = ring.add()
    await ring.ring.verify(text)

    await ring.refuses(text[:-1] + ("A" if text[-1] != "A" else "B"))

    assert ring.store.asked == 1


async def test_a_database_that_is_away_does_not_lock_out_known_keys_but_never_beyond_thirty_seconds(
    ring: Ring,
) -> None:
    text = ring.add()
    await ring.ring.verify(text)
    ring.store.away = True
    ring.seconds += TRUSTED_WHILE_AWAY - 1
    assert await ring.ring.verify(text)
    ring.seconds += 2
    with pytest.raises(ConnectionError):
        await ring.ring.verify(text)
    assert TRUSTED_WHILE_AWAY < 30


async def test_a_use_is_noted_at_most_once_a_minute(ring: Ring) -> None:
    text = ring.add()
    for _ in range(5):
        await ring.ring.verify(text)
    assert len(ring.ring.take_used()) == 1
    await ring.ring.verify(text)
    assert ring.ring.take_used() == {}
    ring.seconds += 61
    await ring.ring.verify(text)
    assert len(ring.ring.take_used()) == 1


async def test_a_flood_of_unknown_prefixes_is_bounded(ring: Ring) -> None:
    for number in range(10_050):
        prefix = "".join("abcdefghij"[int(digit)] for digit in f"{number:012d}")
        await ring.refuses(f"mq_{prefix}_{'s' * 43}")

    assert ring.ring.size <= 10_000

"""Idempotency keys over a real server and database: one effect, one reply, however often it is asked."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from shared.db.unit_of_work import UnitOfWork
from shared.http.idempotency import key_identity, make_reply, remove_expired_keys, store_reply
from tests.integration.http.conftest import Probe
from tests.support.probe_service import NOTES, REPLIES, add_key


async def count(probe: Probe, table: sa.Table) -> int:
    async def read(uow: UnitOfWork) -> int:
        return int((await uow.connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())

    return await probe.database.transact(read)


async def test_same_key_and_body_gets_the_first_reply_byte_for_byte(probe: Probe) -> None:
    headers = {**probe.headers, "Idempotency-Key": "k-1"}

    first = await probe.client.post("/v1/notes", json={"text": "路灯不亮"}, headers=headers)
    second = await probe.client.post("/v1/notes", json={"text": "路灯不亮"}, headers=headers)

    assert first.status_code == second.status_code == 201
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["etag"] == first.headers["etag"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert await count(probe, NOTES) == 1


async def test_same_key_with_another_body_is_refused_and_changes_nothing(probe: Probe) -> None:
    headers = {**probe.headers, "Idempotency-Key": "k-1"}
    await probe.client.post("/v1/notes", json={"text": "one"}, headers=headers)

    reply = await probe.client.post("/v1/notes", json={"text": "two"}, headers=headers)

    assert reply.status_code == 422
    assert reply.json()["code"] == "idempotency_key_reused"
    assert await count(probe, NOTES) == 1


async def test_a_second_request_while_the_first_runs_is_told_so(probe: Probe) -> None:
    headers = {**probe.headers, "Idempotency-Key": "k-slow"}
    first = asyncio.create_task(probe.client.post("/v1/notes/slow", json={"text": "one"}, headers=headers))
    await asyncio.wait_for(probe.app.state.entered.wait(), 10)

    second = await probe.client.post("/v1/notes/slow", json={"text": "one"}, headers=headers)
    probe.app.state.gate.set()

    assert second.status_code == 409
    assert second.json()["code"] == "idempotency_in_flight"
    assert (await first).status_code == 201
    third = await probe.client.post("/v1/notes/slow", json={"text": "one"}, headers=headers)
    assert third.headers["idempotent-replayed"] == "true"


async def test_many_at_once_have_one_effect_and_only_that_reply(probe: Probe) -> None:
    headers = {**probe.headers, "Idempotency-Key": "storm"}

    replies = await asyncio.gather(
        *(probe.client.post("/v1/notes", json={"text": "storm"}, headers=headers) for _ in range(30))
    )

    assert await count(probe, NOTES) == 1
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert len({reply.content for reply in replies if reply.status_code == 201}) == 1


async def test_a_reply_stored_between_snapshot_and_lock_is_replayed(probe: Probe) -> None:
    """The claim did not see the row, the insert meets it: the transaction must run again and find it."""
    body = b'{"text":"late"}'
    caller = await probe.app.state.identity.authenticate(f"Bearer {probe.key}")
    identity = key_identity(principal_id=caller.id, method="POST", path="/v1/notes/slow", key="race", body=body)
    headers = {**probe.headers, "Idempotency-Key": "race", "Content-Type": "application/json"}
    racing = asyncio.create_task(probe.client.post("/v1/notes/slow", content=body, headers=headers))
    await asyncio.wait_for(probe.app.state.entered.wait(), 10)

    await probe.database.transact(lambda uow: store_reply(uow, identity, make_reply(201, {"won": True})))
    probe.app.state.gate.set()
    reply = await racing

    assert reply.json() == {"won": True}
    assert reply.headers["idempotent-replayed"] == "true"
    assert await count(probe, NOTES) == 0


async def test_a_refusal_is_not_stored(probe: Probe) -> None:
    headers = {**probe.headers, "Idempotency-Key": "retry"}
    refused = await probe.client.post("/v1/notes", json={"text": ""}, headers=headers)

    accepted = await probe.client.post("/v1/notes", json={"text": "now right"}, headers=headers)

    assert refused.status_code == 422
    assert accepted.status_code == 201
    assert "idempotent-replayed" not in accepted.headers


async def test_keys_of_different_callers_are_different_keys(probe: Probe) -> None:
    other = await add_key(probe.database, probe.clock, "appeals:write")
    one = await probe.client.post("/v1/notes", json={"text": "mine"}, headers={**probe.headers, "Idempotency-Key": "k"})
    two = await probe.client.post(
        "/v1/notes", json={"text": "yours"}, headers={"Authorization": f"Bearer {other.text}", "Idempotency-Key": "k"}
    )

    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
async def test_a_key_of_wrong_form_is_refused(probe: Probe, key: str) -> None:
    reply = await probe.client.post(
        "/v1/notes",
        json={"text": "x"},
        headers=[(b"Authorization", f"Bearer {probe.key}".encode()), (b"Idempotency-Key", key.encode("latin-1"))],
    )

    assert reply.status_code in {400, 422}
    assert await count(probe, NOTES) == 0


async def test_old_replies_are_cleaned_away_and_young_ones_kept(probe: Probe) -> None:
    await probe.client.post("/v1/notes", json={"text": "a"}, headers={**probe.headers, "Idempotency-Key": "old"})
    probe.clock.advance(timedelta(days=6))
    await probe.client.post("/v1/notes", json={"text": "b"}, headers={**probe.headers, "Idempotency-Key": "young"})
    probe.clock.advance(timedelta(days=2))

    removed = await probe.database.transact(lambda uow: remove_expired_keys(uow, keep_for=timedelta(days=7)))

    assert removed == 1
    assert await count(probe, REPLIES) == 1

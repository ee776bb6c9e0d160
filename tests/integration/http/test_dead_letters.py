"""Dead letters over the API of a service: listed with masked errors, retried, skipped with a reason."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from shared.db.schema import service_metadata
from shared.db.unit_of_work import UnitOfWork
from shared.http.dead_letters import dead_letter_router
from shared.http.routing import mount_router
from shared.ids import uuid7
from shared.messaging.tables import messaging_tables
from tests.integration.http.conftest import Probe
from tests.support.probe_service import add_key


@pytest.fixture
async def operator(probe: Probe) -> dict[str, str]:
    metadata = service_metadata("intake")
    messaging_tables(metadata)

    async def create(uow: UnitOfWork) -> None:
        await uow.connection.run_sync(metadata.create_all)

    await probe.database.transact(create)
    mount_router(probe.app, dead_letter_router())
    key = await add_key(probe.database, probe.clock, "dead_letters:write")
    return {"Authorization": f"Bearer {key.text}"}


async def bury(probe: Probe, error: str = "boom") -> UUID:
    """Put a dead letter into the inbox."""
    event_id, appeal_id = uuid7(), uuid7()

    async def insert(uow: UnitOfWork) -> None:
        await uow.connection.execute(
            sa.text(
                "INSERT INTO inbox (producer, event_id, type, version, subject, sequence, occurred_at, data, "
                "received_at, next_attempt_at, state, attempts, last_error) VALUES ('dispatch', :event, "
                "'ticket.triaged', 1, :appeal, 1, :now, '{}', :now, :now, 'dead', 8, :error)"
            ),
            {"event": event_id, "appeal": appeal_id, "now": uow.now, "error": error},
        )
        await uow.connection.execute(
            sa.text(
                "INSERT INTO inbox_position (producer, subject, last_sequence, settled_count) "
                "VALUES ('dispatch', :appeal, 0, 0)"
            ),
            {"appeal": appeal_id},
        )

    await probe.database.transact(insert)
    return event_id


async def state_of(probe: Probe, event_id: UUID) -> str:
    async def read(uow: UnitOfWork) -> str:
        found = await uow.connection.execute(
            sa.text("SELECT state FROM inbox WHERE event_id = :event"), {"event": event_id}
        )
        return str(found.scalar_one())

    return await probe.database.transact(read)


async def test_dead_letters_are_listed_with_what_went_wrong_and_nobodys_number(
    probe: Probe, operator: dict[str, str]
) -> None:
    await bury(probe, "cannot call 13800138000")

    items = (await probe.client.get("/v1/dead-letters", headers=operator)).json()["items"]

    assert [item["last_error"] for item in items] == ["cannot call [phone]"]
    assert items[0]["attempts"] == 8


async def test_a_dead_letter_is_retried(probe: Probe, operator: dict[str, str]) -> None:
    event_id = await bury(probe)

    reply = await probe.client.post(f"/v1/dead-letters/{event_id}/retry", headers=operator)

    assert reply.json() == {"id": str(event_id), "state": "pending"}
    assert await state_of(probe, event_id) == "pending"


async def test_a_dead_letter_is_skipped_only_with_a_reason_and_only_once(
    probe: Probe, operator: dict[str, str]
) -> None:
    event_id = await bury(probe)
    path = f"/v1/dead-letters/{event_id}/skip"
    assert (await probe.client.post(path, json={"reason": " "}, headers=operator)).status_code == 422

    reply = await probe.client.post(path, json={"reason": "重复的测试数据"}, headers=operator)

    assert reply.status_code == 200
    assert await state_of(probe, event_id) == "skipped"
    again = await probe.client.post(path, json={"reason": "x"}, headers=operator)
    assert (again.status_code, again.json()["code"]) == (409, "not_dead")
    missing = await probe.client.post(f"/v1/dead-letters/{uuid7()}/skip", json={"reason": "x"}, headers=operator)
    assert missing.status_code == 404


async def test_dead_letters_need_their_own_scope(probe: Probe, operator: dict[str, str]) -> None:
    assert operator
    assert (await probe.client.get("/v1/dead-letters", headers=probe.headers)).status_code == 403

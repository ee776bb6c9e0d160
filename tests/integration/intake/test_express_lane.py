"""The quick way writes exactly what the ordinary way writes, and steps aside when something is not plain."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from services.intake.api.express import created_reply
from services.intake.api.schemas import AppealIn
from services.intake.api.views import created_view
from services.intake.db.express import ExpressLane, NotPlain
from services.intake.main import create_app
from services.intake.settings import Settings
from services.intake.use_cases.register_appeals import RegisterAppeal, accepted_event, accepted_payload, prepare
from shared.clock import ManualClock
from shared.contracts.events import AppealAccepted
from shared.http.idempotency import make_reply
from shared.messaging.outbox import payload_of
from tests.integration.intake.office import Office, submission
from tests.support.running import running

RICH: dict[str, Any] = {
    "reporter": {"name": "欧阳明珠", "phone": "13812345678", "email": "a@b.example", "wants_reply": False},
    "location": {
        "address": "文峰路88号阳光小区3号楼",
        "longitude": 113.82,
        "latitude": 34.02,
        "grid_code": "411002001",
    },
    "on_behalf_of": "李大妈",
    "joint": {"households": 9, "signatories": ["张三丰"]},
    "special_care": ["elderly", "minor"],
    "attributes": {"queue": 3, "note": "call 13812345678"},
    "occurred_at": "2026-03-01T08:00:00+08:00",
    "received_at": "2026-03-01T10:00:00.123456+08:00",
}
DRAWN = {
    "appeals": {"id", "receipt_number", "access_hash", "external_id"},
    "appeal_events": {"appeal_id"},
    "pii_vault": {"appeal_id", "wrapped_key", "sealed"},
    "progress": {"appeal_id"},
    "outbox": {"event_id", "subject", "traceparent"},
    "outbox_position": {"subject"},
    "idempotency_keys": {"id", "request_sha256", "headers", "body"},
}


def shut(office: Office) -> None:
    """Replace the lane by one that never opens: every request takes the ordinary way."""
    office.app.state.express_lane = ExpressLane(office.database, office.app.state.wake)


async def snapshot(office: Office) -> dict[str, list[dict[str, Any]]]:
    """The rows of everything a registration writes, without what is drawn at random."""
    found = {}
    for table, drawn in DRAWN.items():
        rows = await office.rows(table)
        for row in rows:
            if table == "outbox":
                row["data"] = {k: v for k, v in row["data"].items() if k not in {"receipt_number", "external_id"}}
        found[table] = [{k: v for k, v in row.items() if k not in drawn} for row in rows]
    return found


@pytest.mark.parametrize("changes", [{}, RICH, {**RICH, "type": "report"}, {"category_code": None, "reporter": None}])
async def test_both_ways_leave_the_same_rows(office: Office, changes: dict[str, Any]) -> None:
    first = {**submission(**changes), "external_ref": {"system": "crm", "id": "1"}}
    second = {**submission(**changes), "external_ref": {"system": "crm", "id": "2"}}
    quick = await office.post("/v1/appeals", first, Idempotency_Key="one")
    written = await snapshot(office)
    shut(office)
    slow = await office.post("/v1/appeals", second, Idempotency_Key="two")

    assert (quick.status_code, slow.status_code) == (201, 201)
    assert quick.headers.keys() == slow.headers.keys()
    assert quick.json().keys() == slow.json().keys()
    for table, rows in (await snapshot(office)).items():
        assert len(rows) == 2 * len(written[table]), table
        assert all(rows.count(row) == 2 * written[table].count(row) for row in written[table]), table


@pytest.mark.parametrize("changes", [{}, RICH, {**RICH, "type": "report"}])
async def test_event_and_reply_are_those_of_their_models(office: Office, changes: dict[str, Any]) -> None:
    said = AppealIn.model_validate(submission(**changes)).to_domain()
    catalogue = await office.desk.catalogue.current(office.database)
    new = prepare(office.desk, catalogue, RegisterAppeal(said, "key:test"), office.clock.now())

    sent = AppealAccepted.model_validate_json(accepted_payload(new))
    assert payload_of(sent) == payload_of(accepted_event(new))
    body, headers = created_reply(new)
    assert body == make_reply(201, created_view(new)).body
    assert headers["Location"] == f"/v1/appeals/{new.id}"


async def test_a_whole_batch_survives_one_that_is_not_plain(office: Office) -> None:
    taken = {"system": "crm", "id": "taken"}
    await office.register(external_ref=taken)
    bodies = [submission(external_ref=taken if number % 5 == 0 else None) for number in range(25)]

    answers = await asyncio.gather(
        *(office.post("/v1/appeals", body, Idempotency_Key=f"k-{number}") for number, body in enumerate(bodies))
    )

    assert [answer.status_code for answer in answers] == [409 if n % 5 == 0 else 201 for n in range(25)]
    assert len(await office.rows("appeals")) == 21
    assert len(await office.rows("idempotency_keys")) == 20


async def test_a_key_used_in_another_process_gets_its_first_reply(
    office: Office, intake_settings: Settings, manual_clock: ManualClock
) -> None:
    first = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")
    async with running(create_app(intake_settings, clock=manual_clock)) as second:
        headers = {**office.headers, "Idempotency-Key": "call-1"}
        again = await second.post("/v1/appeals", json=submission(), headers=headers)

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await office.rows("appeals")) == 1


async def test_a_repetition_gets_its_first_reply_even_if_the_rules_have_changed(office: Office) -> None:
    first = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")
    retired = {"name": "Garbage", "parent_code": "01", "retired": True}
    changed = await office.client.put("/v1/categories/0101", json=retired, headers=office.headers)
    assert changed.status_code == 200

    again = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")

    assert (again.status_code, again.content) == (201, first.content)


async def test_the_lane_gets_over_a_lost_connection(office: Office) -> None:
    await office.register()
    cut = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'minqing-intake-api' AND pid <> pg_backend_pid()"
    )
    await office.database.transact(lambda uow: uow.connection.execute(cut))

    answers = [await office.post("/v1/appeals", submission()) for _ in range(12)]

    created = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert answers[-1].status_code == 201
    assert len(await office.rows("appeals")) == 1 + len(created)


async def test_a_lane_that_is_closing_writes_what_is_waiting_and_takes_no_more(office: Office) -> None:
    said = AppealIn.model_validate(submission()).to_domain()
    catalogue = await office.desk.catalogue.current(office.database)
    lane = ExpressLane(office.database, office.app.state.wake)
    from services.intake.db.express import Entry

    def entry() -> Entry:
        new = prepare(office.desk, catalogue, RegisterAppeal(said, "key:test"), office.clock.now())
        return Entry(new, accepted_payload(new), None, None)

    async with lane.running():
        waiting = [asyncio.ensure_future(lane.register(entry())) for _ in range(40)]
        await asyncio.sleep(0)

    await asyncio.gather(*waiting)
    with pytest.raises(NotPlain):
        await lane.register(entry())
    assert len(await office.rows("appeals")) == 40
    assert len(await office.rows("outbox")) == 80

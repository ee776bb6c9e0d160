"""T10 and T_ACCEPT: what waits for an agent, accepting it, and that nothing is late in silence."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from services.intake.settings import Settings
from services.intake.worker.term_sweep import TermSweep, term_sweep_of
from shared.messaging.process import ProcessContext
from shared.observability.metrics import exposition
from shared.vocabulary import Service
from tests.integration.intake.office import Office, submission

MINUTE = timedelta(minutes=1)


def sweep_of(office: Office, batch: int = 100) -> TermSweep:
    return TermSweep(office.database, batch=batch, zone=office.desk.zone)


async def accept(office: Office, receipt: dict[str, Any], **headers: str) -> Any:
    return await office.post(f"/v1/appeals/{receipt['id']}/accept", {"note": "ours, I asked"}, **headers)


async def overdue(office: Office, **query: Any) -> dict[str, Any]:
    answer = await office.get("/v1/appeals/overdue", params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def marks(office: Office) -> list[dict[str, Any]]:
    return [row for row in await office.rows("appeal_events") if row["move"] == "overrun_acceptance"]


@pytest.mark.parametrize("mode", ["immediate", "supplement"])
async def test_what_an_agent_holds_is_accepted_by_the_agent(office: Office, mode: str) -> None:
    receipt = await office.register(mode=mode)
    waiting = await office.rows("outbox")

    answer = await accept(office, receipt)

    assert (receipt["status"], receipt["mode"], waiting) == ("registered", mode, [])
    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_dispatch")
    assert answer.json()["accepted_at"] == "2026-03-02T01:00:00Z"
    assert [row["type"] for row in await office.rows("outbox")] == ["appeal.accepted"] * 2
    step = next(row for row in await office.rows("appeal_events") if row["move"] == "accept")
    assert (step["rules"], step["details"]) == (["T10"], {"note": "ours, I asked"})


async def test_what_is_missing_is_named(office: Office) -> None:
    receipt = await office.register(category_code=None)

    answer = await accept(office, receipt)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "not_acceptable")
    assert problem["missing"] == ["category_code", "urgency", "mode"]


async def test_a_matter_that_is_not_ours_is_never_dispatched(office: Office) -> None:
    by_category = await office.register(category_code="1604")
    by_agent = await office.register(mode="advisory")

    answers = [await accept(office, receipt) for receipt in (by_category, by_agent)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert await office.rows("outbox") == []


async def test_accepting_twice_is_an_illegal_move(office: Office) -> None:
    receipt = await office.register(mode="immediate")
    await accept(office, receipt)

    again = await accept(office, receipt)

    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")
    assert len(await office.rows("outbox")) == 2


async def test_an_agents_urgency_is_kept_with_its_reason(office: Office) -> None:
    receipt = await office.register(urgency="P1", urgency_reason="beside a school")

    assert receipt["urgency"] == "P1"
    [step] = await office.rows("appeal_events")
    assert step["details"] == {"urgency": {"from": "P3", "to": "P1", "reason": "beside a school"}}
    assert {row["data"]["urgency"] for row in await office.rows("outbox")} == {"P1"}


async def test_an_urgency_without_a_reason_registers_nothing(office: Office) -> None:
    answer = await office.post("/v1/appeals", submission(urgency="P1"))

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["/urgency_reason"]
    assert await office.rows("appeals") == []


@pytest.mark.parametrize("said", [{"urgency": "P1", "urgency_reason": "I am angry"}, {"mode": "escalated"}])
async def test_who_appeals_does_not_set_urgency_or_mode(office: Office, said: dict[str, str]) -> None:
    office.headers = await office.key("appeals:write")

    answer = await office.post("/v1/appeals", submission(**said))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await office.rows("appeals") == []


async def test_a_term_that_runs_out_is_marked_once_and_shown(office: Office) -> None:
    by_phone = await office.register(category_code=None)
    by_web = await office.register(category_code=None, channel="web")
    await office.register()
    office.clock.advance(15 * MINUTE)
    first = await sweep_of(office).sweep()
    office.clock.advance(105 * MINUTE)
    await sweep_of(office).sweep()
    await sweep_of(office).sweep()

    assert first is False
    assert [(str(row["appeal_id"]), row["rules"], row["actor"], row["details"]) for row in await marks(office)] == [
        (by_phone["id"], ["T_ACCEPT"], "system", {"due_at": "2026-03-02T01:15:00+00:00"}),
        (by_web["id"], ["T_ACCEPT"], "system", {"due_at": "2026-03-02T03:00:00+00:00"}),
    ]
    assert [item["id"] for item in (await overdue(office))["items"]] == [by_phone["id"], by_web["id"]]


async def test_a_term_holds_until_its_very_end(office: Office) -> None:
    await office.register(category_code=None)
    office.clock.advance(15 * MINUTE - timedelta(microseconds=1))

    await sweep_of(office).sweep()

    assert await marks(office) == []
    assert (await overdue(office))["items"] == []


async def test_what_was_decided_late_leaves_the_list_and_keeps_its_mark(office: Office) -> None:
    receipt = await office.register(mode="immediate")
    office.clock.advance(20 * MINUTE)
    await sweep_of(office).sweep()
    await accept(office, receipt)

    assert (await overdue(office))["items"] == []
    assert len(await marks(office)) == 1


async def test_a_letter_found_late_is_late_from_the_start(office: Office) -> None:
    receipt = await office.register(category_code=None, channel="box", received_at="2026-02-27T01:00:00Z")
    await sweep_of(office).sweep()

    [late] = (await overdue(office))["items"]
    assert (late["id"], late["accept_due_at"]) == (receipt["id"], "2026-02-27T03:00:00Z")
    assert len(await marks(office)) == 1


async def test_a_sweep_works_in_batches_until_all_is_done(office: Office) -> None:
    for _ in range(5):
        await office.register(category_code=None)
    office.clock.advance(15 * MINUTE)
    sweep = sweep_of(office, batch=2)

    assert [await sweep.sweep() for _ in range(3)] == [True, True, False]
    assert len(await marks(office)) == 5


async def test_of_several_workers_one_marks(office: Office) -> None:
    for _ in range(10):
        await office.register(category_code=None)
    office.clock.advance(15 * MINUTE)

    await asyncio.gather(*(sweep_of(office).sweep() for _ in range(4)))
    await sweep_of(office).sweep()

    assert len(await marks(office)) == 10


async def test_the_worker_sweeps_until_it_is_told_to_stop(
    office: Office, intake_settings: Settings, redis_url: str
) -> None:
    await office.register(category_code=None)
    office.clock.advance(15 * MINUTE)
    stop = asyncio.Event()
    redis: Any = Redis.from_url(redis_url)
    context = ProcessContext(
        Service.INTAKE, intake_settings, office.database, redis, office.app.state.wake, office.clock
    )

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(term_sweep_of(intake_settings)(context, stop))
        while not await marks(office):
            await office.rows("appeals")
        stop.set()
    await redis.aclose()

    assert b"minqing_overdue_acceptance 1.0" in await exposition()


async def test_the_list_of_the_overdue_has_pages_and_none_for_a_department(office: Office) -> None:
    receipts = [await office.register(category_code=None) for _ in range(3)]
    office.clock.advance(15 * MINUTE)

    first = await overdue(office, limit=2)
    second = await overdue(office, limit=2, cursor=first["next_cursor"])

    assert [item["id"] for item in first["items"] + second["items"]] == sorted(receipt["id"] for receipt in receipts)
    assert second["next_cursor"] is None
    office.headers = await office.key("appeals:read", department_code="411002-cgj")
    assert (await overdue(office))["items"] == []

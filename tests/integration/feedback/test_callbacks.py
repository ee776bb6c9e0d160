"""Calls to citizens: every way a callback can end, who may make it, and what repeats do."""

from datetime import timedelta

import pytest

from services.feedback.db.tables import callback_attempts
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from shared.vocabulary import Service
from tests.integration.feedback.desk import (
    ANOTHER_DEPARTMENT,
    DEPARTMENT,
    START,
    Desk,
    redo_started,
    resolution_accepted,
)


async def test_an_accepted_resolution_opens_a_callback_due_in_two_days(desk: Desk) -> None:
    appeal = await desk.awaiting()

    callback = await desk.callback(appeal)

    assert callback["due_at"] == (START + timedelta(hours=6 + 48)).isoformat().replace("+00:00", "Z")
    assert (callback["round"], callback["status"], callback["title"]) == (1, "open", "Lamp out")
    assert (await desk.case(appeal))["status"] == "awaiting_callback"
    [(kind, opened)] = await desk.published(appeal)
    assert (kind, opened["callback_id"], opened["round"]) == ("case.callback_opened", callback["id"], 1)


@pytest.mark.parametrize(("resolved", "satisfaction"), [(True, 5), (True, 1), (True, None), (False, 3)])
async def test_solved_or_basically_satisfied_closes_the_case(
    desk: Desk, resolved: bool, satisfaction: int | None
) -> None:
    appeal = await desk.awaiting()

    case = await desk.answer(appeal, resolved=resolved, satisfaction=satisfaction)

    assert (case["status"], case["evaluation"]) == ("closed", "evaluated")
    assert (case["resolved"], case["satisfaction"]) == (resolved, satisfaction)
    kind, closed = (await desk.published(appeal))[-1]
    assert kind == "case.closed"
    assert (closed["evaluation"], closed["resolved"], closed["satisfaction"]) == (
        "evaluated",
        resolved,
        satisfaction,
    )
    assert (await desk.published(appeal, Service.DISPATCH))[-1][0] == "case.closed"


@pytest.mark.parametrize("satisfaction", [1, 2, None])
async def test_unsolved_and_dissatisfied_asks_for_a_redo(desk: Desk, satisfaction: int | None) -> None:
    appeal = await desk.awaiting()

    case = await desk.answer(appeal, resolved=False, satisfaction=satisfaction)

    assert (case["status"], case["round"], case["ended_at"]) == ("open", 2, None)
    assert case["rounds"][0]["verdict"] == "redo"
    kind, redo = (await desk.published(appeal, Service.DISPATCH))[-1]
    assert (kind, redo["round"], redo["next_round"], redo["satisfaction"]) == (
        "case.redo_requested",
        1,
        2,
        satisfaction,
    )


async def test_a_second_round_that_fails_goes_on_the_ledger_and_leaves_round_one_as_it_was(desk: Desk) -> None:
    appeal = await desk.awaiting()
    before = (await desk.answer(appeal, resolved=False, satisfaction=1))["rounds"][0]
    await desk.tell(appeal, redo_started(), resolution_accepted(round=2, leg=2, late=True))

    case = await desk.answer(appeal, resolved=False, satisfaction=2)

    assert (case["status"], case["round"], case["reason"]) == ("on_ledger", 2, "unsolved_after_redo")
    assert case["rounds"][0] == before
    assert (case["rounds"][1]["verdict"], case["rounds"][1]["late"]) == ("on_ledger", True)
    kind, ledger = (await desk.published(appeal))[-1]
    assert kind == "case.put_on_ledger"
    assert ledger["review_at"] == (START + timedelta(days=90)).isoformat().replace("+00:00", "Z")


async def test_a_second_round_that_succeeds_closes(desk: Desk) -> None:
    appeal = await desk.awaiting()
    await desk.answer(appeal, resolved=False, satisfaction=1)
    await desk.tell(appeal, redo_started(), resolution_accepted(round=2, leg=2))

    case = await desk.answer(appeal, resolved=True, satisfaction=4)

    assert (case["status"], case["round"], case["satisfaction"]) == ("closed", 2, 4)
    assert [given["satisfaction"] for given in case["evaluations"]] == [1, 4]


async def test_three_calls_at_different_times_close_without_an_evaluation(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)

    for _ in range(3):
        logged = await desk.attempt(callback["id"], outcome="no_answer")
        assert logged.json()["attempt"]["counted"] is True
        desk.clock.advance(timedelta(minutes=30))

    case = await desk.case(appeal)
    assert (case["status"], case["evaluation"], case["reason"]) == ("closed", "none", "unreached")
    assert (case["resolved"], case["satisfaction"]) == (None, None)
    assert (await desk.published(appeal))[-1][1]["evaluation"] == "none"


async def test_a_call_too_soon_is_stored_and_said_not_to_count(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    await desk.attempt(callback["id"], outcome="no_answer")
    desk.clock.advance(timedelta(minutes=5))

    logged = (await desk.attempt(callback["id"], outcome="wrong_number")).json()

    assert logged["attempt"]["counted"] is False
    assert "too soon" in logged["note"]
    assert logged["next_counts_from"] == (START + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    assert (logged["callback"]["attempts"], logged["callback"]["counted_attempts"]) == (2, 1)


async def test_a_refusal_closes_without_an_evaluation(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)

    await desk.attempt(callback["id"], outcome="refused", comment="does not want to talk")

    case = await desk.case(appeal)
    assert (case["status"], case["evaluation"], case["reason"]) == ("closed", "none", "refused")
    assert case["evaluations"] == []


async def test_a_decided_callback_takes_no_further_attempt_and_names_its_state(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    await desk.attempt(callback["id"], outcome="reached", resolved=True)

    again = await desk.attempt(callback["id"], outcome="reached", resolved=False, satisfaction=1)

    assert again.status_code == 409
    assert (again.json()["code"], again.json()["state"]) == ("illegal_move", "decided")
    assert (await desk.case(appeal))["resolved"] is True


async def test_a_repeated_attempt_with_the_same_key_is_replayed(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    key = {"Idempotency-Key": "call-17"}

    first = await desk.attempt(callback["id"], key, outcome="no_answer")
    second = await desk.attempt(callback["id"], key, outcome="no_answer")
    other = await desk.attempt(callback["id"], key, outcome="refused")

    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await desk.callback(appeal))["attempts"] == 1


async def test_the_handling_department_cannot_call_back_about_its_own_work(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    own = await desk.key("callbacks:write", department_code=DEPARTMENT)

    attempt = await desk.attempt(callback["id"], own, outcome="reached", resolved=True, satisfaction=5)
    token = await desk.client.post(f"/v1/callbacks/{callback['id']}/evaluation-token", headers=own)

    assert (attempt.status_code, attempt.json()["code"]) == (403, "own_work_not_evaluated")
    assert token.status_code == 403
    assert (await desk.callback(appeal))["attempts"] == 0


async def test_the_right_is_checked_before_the_state(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    await desk.attempt(callback["id"], outcome="refused")
    own = await desk.key("callbacks:write", department_code=DEPARTMENT)

    assert (await desk.attempt(callback["id"], own, outcome="refused")).status_code == 403


async def test_an_agent_of_another_department_may_call(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    other = await desk.key("callbacks:write", department_code=ANOTHER_DEPARTMENT)

    assert (await desk.attempt(callback["id"], other, outcome="reached", resolved=True)).status_code == 201


async def test_a_key_that_may_only_read_cannot_log_a_call(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    reader = await desk.key("callbacks:read")

    refused = await desk.attempt(callback["id"], reader, outcome="refused")

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await desk.client.get("/v1/callbacks")).status_code == 401


async def test_a_colleagues_attempt_meanwhile_is_a_stale_version(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    seen = (await desk.get(f"/v1/callbacks/{callback['id']}")).headers["ETag"]
    assert (await desk.attempt(callback["id"], {"If-Match": seen}, outcome="no_answer")).status_code == 201

    stale = await desk.attempt(callback["id"], {"If-Match": seen}, outcome="refused")

    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (await desk.callback(appeal))["status"] == "open"


async def test_a_callback_is_shown_with_its_calls(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)
    await desk.attempt(callback["id"], outcome="no_answer", comment="rang out")
    await desk.attempt(callback["id"], outcome="reached", resolved=True, satisfaction=4)

    detail = (await desk.get(f"/v1/callbacks/{callback['id']}")).json()

    assert [attempt["outcome"] for attempt in detail["attempts"]] == ["no_answer", "reached"]
    assert detail["attempts"][0]["comment"] == "rang out"
    assert detail["attempts"][0]["actor"].startswith("key:")
    assert detail["callback"]["verdict"] == "closed"


async def test_a_comment_is_stored_masked(desk: Desk) -> None:
    appeal = await desk.awaiting()
    callback = await desk.callback(appeal)

    await desk.attempt(callback["id"], outcome="no_answer", comment="call 13812345678 instead")

    async def read(uow: UnitOfWork) -> str:
        return str((await uow.connection.execute(callback_attempts.select())).one().comment)

    assert await desk.database.transact(read) == "call [phone] instead"


async def test_the_work_list_filters_and_pages_by_due_time(desk: Desk) -> None:
    appeals = [uuid7() for _ in range(5)]
    for hours, appeal in enumerate(appeals):
        await desk.awaiting(appeal)
        desk.clock.advance(timedelta(minutes=hours))
    done = appeals[2]
    await desk.answer(done, resolved=True)

    assert [item["appeal_id"] for item in await desk.callbacks(status="decided")] == [str(done)]
    assert len(await desk.callbacks(status="open")) == 4
    before_all = (START + timedelta(hours=54)).isoformat()
    assert await desk.callbacks(due_before=before_all) == []
    assert len(await desk.callbacks(due_before=(START + timedelta(hours=54, seconds=1)).isoformat())) == 5
    assert len(await desk.callbacks(department_code=DEPARTMENT)) == 5
    assert await desk.callbacks(department_code=ANOTHER_DEPARTMENT) == []


async def test_pages_of_the_work_list_hold_every_callback_once(desk: Desk) -> None:
    appeals = {str(await desk.awaiting()) for _ in range(7)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await desk.get("/v1/callbacks", params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["appeal_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == 7
    assert set(seen) == appeals


async def test_queries_do_not_grow_with_the_list(desk: Desk) -> None:
    await desk.callbacks()
    counts = []
    for _ in range(2):
        for _ in range(3):
            await desk.awaiting()
        with desk.counted_queries() as statements:
            await desk.callbacks()
        counts.append(len(statements))

    assert counts == [1, 1]


async def test_an_attempt_takes_a_bounded_number_of_queries(desk: Desk) -> None:
    vain, decisive = await desk.awaiting(), await desk.awaiting()
    first, second = await desk.callback(vain), await desk.callback(decisive)

    with desk.counted_queries() as statements:
        await desk.attempt(first["id"], outcome="no_answer")
    assert len(statements) == 3
    with desk.counted_queries() as statements:
        await desk.attempt(second["id"], outcome="reached", resolved=True)
    assert len(statements) <= 8

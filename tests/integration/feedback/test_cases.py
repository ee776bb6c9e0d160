"""Case files and the ledger: what they show, to whom, and that they stay bounded."""

from datetime import timedelta

from shared.ids import uuid7
from tests.integration.feedback.desk import (
    ANOTHER_DEPARTMENT,
    DEPARTMENT,
    START,
    Desk,
    redo_started,
    resolution_accepted,
    ticket_acknowledged,
    ticket_dispatched,
)


async def on_ledger(desk: Desk) -> str:
    appeal = await desk.awaiting()
    await desk.answer(appeal, resolved=False, satisfaction=1)
    await desk.tell(appeal, redo_started(), resolution_accepted(round=2, leg=2))
    await desk.answer(appeal, resolved=False, satisfaction=1)
    return str(appeal)


async def test_a_case_shows_its_rounds_legs_callbacks_and_evaluations(desk: Desk) -> None:
    appeal = await desk.awaiting()
    await desk.tell(appeal, ticket_acknowledged(at=START + timedelta(hours=1)))
    callback = await desk.callback(appeal)
    await desk.attempt(callback["id"], outcome="no_answer")
    case = await desk.answer(appeal, resolved=True, satisfaction=4)

    [first] = case["rounds"]
    assert (first["verdict"], first["public_reply"]) == ("closed", "The lamp was replaced.")
    assert first["callback"]["id"] == callback["id"]
    assert [attempt["outcome"] for attempt in first["attempts"]] == ["no_answer", "reached"]
    [leg] = case["legs"]
    assert (leg["acknowledged_late"], leg["policy_code"]) == (False, "G5D")
    assert [given["source"] for given in case["evaluations"]] == ["callback"]


async def test_an_unknown_case_is_not_found(desk: Desk) -> None:
    answer = await desk.get(f"/v1/cases/{uuid7()}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_department_sees_the_cases_it_had_a_turn_in(desk: Desk) -> None:
    appeal = await desk.awaiting()
    own = await desk.key("cases:read", department_code=DEPARTMENT)
    other = await desk.key("cases:read", department_code=ANOTHER_DEPARTMENT)

    assert (await desk.get(f"/v1/cases/{appeal}", headers=own)).status_code == 200
    assert (await desk.get(f"/v1/cases/{appeal}", headers=other)).status_code == 404

    passed_on = ticket_dispatched(leg=2, department_code=ANOTHER_DEPARTMENT)
    moved = uuid7()
    await desk.tell(moved, ticket_dispatched(), passed_on)
    assert (await desk.get(f"/v1/cases/{moved}", headers=own)).status_code == 200
    assert (await desk.get(f"/v1/cases/{moved}", headers=other)).status_code == 200


async def test_a_case_takes_the_same_number_of_queries_however_long_its_history(desk: Desk) -> None:
    short = await desk.awaiting()
    long = await on_ledger(desk)
    counts = []
    for appeal in (str(short), long):
        with desk.counted_queries() as statements:
            assert (await desk.get(f"/v1/cases/{appeal}")).status_code == 200
        counts.append(len(statements))

    assert counts == [8, 8]


async def test_the_ledger_lists_unsolved_cases_by_review_date(desk: Desk) -> None:
    appeals = []
    for _ in range(3):
        appeals.append(await on_ledger(desk))
        desk.clock.advance(timedelta(days=1))
    await desk.awaiting()

    first = (await desk.get("/v1/ledger", params={"limit": 2})).json()
    rest = (await desk.get("/v1/ledger", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [item["appeal_id"] for item in first["items"] + rest["items"]] == appeals
    assert rest["next_cursor"] is None
    assert {item["status"] for item in first["items"]} == {"on_ledger"}
    soon = {"review_before": (START + timedelta(days=90, hours=1)).isoformat()}
    assert len((await desk.get("/v1/ledger", params=soon)).json()["items"]) == 1


async def test_a_department_sees_only_its_own_part_of_the_ledger(desk: Desk) -> None:
    await on_ledger(desk)
    own = await desk.key("cases:read", department_code=DEPARTMENT)
    other = await desk.key("cases:read", department_code=ANOTHER_DEPARTMENT)

    assert len((await desk.get("/v1/ledger", headers=own)).json()["items"]) == 1
    assert (await desk.get("/v1/ledger", headers=other)).json()["items"] == []
    peek = {"department_code": DEPARTMENT}
    assert (await desk.get("/v1/ledger", headers=other, params=peek)).json()["items"] == []

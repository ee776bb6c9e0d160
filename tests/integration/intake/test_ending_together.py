"""When an appeal ends at the hotline, those attached to it end with it; and none is lost with a withdrawal (LZ-16)."""

import asyncio
from typing import Any

import pytest

from tests.integration.intake.office import Office
from tests.integration.intake.test_moves import ENDS, move


async def crowd(office: Office, *members: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Register a master and appeals that are attached to it."""
    master = await office.register()
    attached = [await office.register(**changes) for changes in members]
    for receipt in attached:
        body = {"master_id": master["id"], "reason": "同一堆垃圾"}
        answer = await office.post(f"/v1/appeals/{receipt['id']}/attach", body)
        assert answer.status_code == 200, answer.text
    return master, attached


async def ended(office: Office) -> dict[str, dict[str, Any]]:
    rows = await office.rows("outbox")
    found = [row for row in rows if row["type"] == "appeal.ended" and row["consumer"] == "feedback"]
    assert len(found) == len({row["subject"] for row in found})
    return {str(row["subject"]): row["data"] for row in found}


@pytest.mark.parametrize(
    ("name", "status"),
    [("answer", "closed"), ("refer", "referred"), ("decline", "not_accepted"), ("hand-over", "referred")],
)
async def test_one_answer_goes_to_all_who_asked(office: Office, name: str, status: str) -> None:
    master, attached = await crowd(office, {}, {"reporter": {"anonymous": True}})

    answer = await move(office, master, name)

    assert answer.status_code == 200, answer.text
    told = [(await office.progress(receipt))["timeline"][-1]["text_zh"] for receipt in (master, *attached)]
    assert len(set(told)) == 1
    assert [(await office.progress(receipt))["status"] for receipt in attached] == [status] * 2
    events = await ended(office)
    assert set(events) == {receipt["id"] for receipt in (master, *attached)}
    assert {data["receipt_number"] for data in events.values()} == {
        receipt["receipt_number"] for receipt in (master, *attached)
    }
    may_be_asked = [events[receipt["id"]]["evaluable"] for receipt in (master, *attached)]
    assert may_be_asked == ([True, True, False] if name in {"answer", "refer"} else [False] * 3)


async def test_what_was_detached_before_goes_its_own_way(office: Office) -> None:
    master, [alone, together] = await crowd(office, {}, {})
    await office.post(f"/v1/appeals/{alone['id']}/detach", {"reason": "别处"})

    await move(office, master, "answer")

    assert (await office.progress(alone))["status"] == "awaiting_dispatch"
    assert set(await ended(office)) == {master["id"], together["id"]}


async def test_a_proposed_refusal_ends_nobody(office: Office) -> None:
    master, [member] = await crowd(office, {})
    agent = await office.key("appeals:write")

    await office.client.post(f"/v1/appeals/{master['id']}/decline", json=ENDS["decline"], headers=agent)

    assert await ended(office) == {}
    [row] = [row for row in await office.rows("appeals") if str(row["id"]) == member["id"]]
    assert row["status"] == "attached"


async def test_who_speaks_for_others_too_does_not_withdraw_them(office: Office) -> None:
    master, [member] = await crowd(office, {})

    refused = await move(office, master, "withdraw")
    own = await move(office, member, "withdraw")

    assert (refused.status_code, refused.json()["code"], refused.json()["members"]) == (409, "has_members", 1)
    assert (own.status_code, own.json()["status"]) == (200, "withdrawn")
    assert set(await ended(office)) == {member["id"]}
    assert (await move(office, master, "withdraw")).status_code == 200


async def test_what_withdrew_from_the_group_is_not_answered_with_it(office: Office) -> None:
    master, [gone, stays] = await crowd(office, {}, {})
    await move(office, gone, "withdraw")

    await move(office, master, "answer")

    assert (await office.progress(gone))["status"] == "withdrawn"
    assert (await office.progress(stays))["status"] == "closed"


async def test_detaching_while_all_are_answered_leaves_nobody_between(office: Office) -> None:
    master, [member] = await crowd(office, {})

    answers = await asyncio.gather(
        move(office, master, "answer"), office.post(f"/v1/appeals/{member['id']}/detach", {"reason": "别处"})
    )

    status = (await office.progress(member))["status"]
    assert answers[0].status_code == 200
    assert (answers[1].status_code, status) in {(200, "awaiting_dispatch"), (409, "closed")}

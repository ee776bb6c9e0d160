"""Appeals on one matter: attached, parted, counted, and the group that gathers behind them."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from services.intake.db.tables_groups import signatory_lists
from shared.contracts import events as e
from shared.db.unit_of_work import UnitOfWork
from shared.ids import uuid7
from tests.integration.feedback.desk import ticket_acknowledged, ticket_dispatched
from tests.integration.intake.office import Office
from tests.integration.intake.test_consumers import case_closed

REASON = {"reason": "the same burst pipe"}


async def attach(office: Office, member: dict[str, Any], master: dict[str, Any], **headers: str) -> Any:
    return await office.post(f"/v1/appeals/{member['id']}/attach", {"master_id": master["id"], **REASON}, **headers)


async def published(office: Office, type_: str) -> list[dict[str, Any]]:
    """The events of one type for one consumer, oldest first."""
    rows = [row for row in await office.rows("outbox") if row["type"] == type_ and row["consumer"] == "dispatch"]
    return [row["data"] | {"subject": str(row["subject"])} for row in sorted(rows, key=lambda row: row["created_at"])]


async def test_an_attached_appeal_keeps_its_number_and_follows_its_master(office: Office) -> None:
    master, member = await office.register(), await office.register(reporter={"phone": "13900001111"})

    answer = await attach(office, member, master)

    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["status"], shown["receipt_number"]) == ("attached", member["receipt_number"])
    [event] = await published(office, "appeal.attached")
    assert (event["subject"], event["master_appeal_id"]) == (member["id"], master["id"])
    group = (await office.get(f"/v1/appeals/{member['id']}/group")).json()
    assert group["master"]["id"] == master["id"]
    assert [item["id"] for item in group["members"]] == [member["id"]]
    assert (group["appeals"], group["persons"]) == (2, 2)


async def test_the_citizen_of_an_attached_appeal_sees_how_far_the_master_is(office: Office) -> None:
    master, member = await office.register(), await office.register()
    await attach(office, member, master)

    await office.tell(master["id"], ticket_dispatched(), ticket_acknowledged())

    seen = await office.progress(member)
    of_master = await office.progress(master)
    assert seen["status"] == of_master["status"] == "in_progress"
    assert seen["responsible_department"] == of_master["responsible_department"]
    assert seen["promised_by"] == of_master["promised_by"]
    assert seen["receipt_number"] == member["receipt_number"]
    assert master["receipt_number"] not in str(seen)


async def test_a_ticket_that_was_already_out_does_not_move_an_attached_appeal(office: Office) -> None:
    master, member = await office.register(), await office.register()
    await attach(office, member, master)

    await office.tell(member["id"], ticket_dispatched(), ticket_acknowledged())

    assert (await office.get(f"/v1/appeals/{member['id']}")).json()["status"] == "attached"


async def test_an_attached_appeal_is_closed_with_a_verdict_of_its_own(office: Office) -> None:
    master, member = await office.register(), await office.register()
    await attach(office, member, master)

    await office.tell(member["id"], case_closed())

    assert (await office.progress(member))["status"] == "closed"
    assert (await office.progress(master))["status"] == "awaiting_dispatch"


async def test_a_detached_appeal_has_its_own_clock_back(office: Office) -> None:
    master, member = await office.register(), await office.register()
    accepted_at = (await office.get(f"/v1/appeals/{member['id']}")).json()["accepted_at"]
    await attach(office, member, master)
    office.clock.advance(timedelta(hours=5))

    answer = await office.post(f"/v1/appeals/{member['id']}/detach", {"reason": "another pipe"})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["accepted_at"]) == ("awaiting_dispatch", accepted_at)
    [event] = await published(office, "appeal.detached")
    assert (event["subject"], event["master_appeal_id"]) == (member["id"], master["id"])
    assert event["accepted_at"] == accepted_at
    await office.tell(member["id"], ticket_dispatched(dispatched_at=office.clock.now()))
    assert (await office.progress(member))["status"] == "awaiting_acknowledgement"


async def test_it_can_be_attached_again_and_the_first_merge_stays_on_record(office: Office) -> None:
    master, member = await office.register(), await office.register()
    await attach(office, member, master)
    await office.post(f"/v1/appeals/{member['id']}/detach", {"reason": "mistaken"})
    office.clock.advance(timedelta(minutes=1))

    assert (await attach(office, member, master)).status_code == 200

    assert [row["detach_reason"] for row in await office.rows("memberships")].count("mistaken") == 1
    assert len(await office.rows("memberships")) == 2


async def test_no_chain_is_built(office: Office) -> None:
    one, two, three = await office.register(), await office.register(), await office.register()
    await attach(office, two, one)

    to_a_member, with_members = await attach(office, three, two), await attach(office, one, three)

    assert (to_a_member.status_code, to_a_member.json()["reason"]) == (409, "master_is_attached")
    assert to_a_member.json()["master_id"] == one["id"]
    assert (with_members.status_code, with_members.json()["reason"]) == (409, "has_members")
    assert len(await office.rows("memberships")) == 1


async def test_a_master_that_is_not_on_record_is_told_apart_from_a_member_that_is_not(office: Office) -> None:
    appeal = await office.register()
    nobody = {"id": str(uuid7())}

    no_master, no_member = await attach(office, appeal, nobody), await attach(office, nobody, appeal)

    assert (no_master.status_code, no_master.json()["errors"][0]["field"]) == (422, "/master_id")
    assert no_member.status_code == 404


async def test_attaching_twice_with_one_key_attaches_once(office: Office) -> None:
    master, member = await office.register(), await office.register()

    first = await attach(office, member, master, Idempotency_Key="k1")
    again = await attach(office, member, master, Idempotency_Key="k1")

    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert (await attach(office, member, master)).status_code == 409


async def test_only_a_reviewer_attaches(office: Office) -> None:
    master, member = await office.register(), await office.register()
    agent = await office.key("appeals:write", "appeals:read")

    answer = await office.client.post(
        f"/v1/appeals/{member['id']}/attach", json={"master_id": master["id"], **REASON}, headers=agent
    )

    assert answer.status_code == 403


async def test_the_third_appeal_on_one_cause_in_a_day_raises_an_alarm_once(office: Office) -> None:
    master, *members = [await office.register() for _ in range(4)]
    for member in members:
        await attach(office, member, master)

    alarms = (await office.get("/v1/alarms?acknowledged=false")).json()["items"]

    assert [(alarm["appeal_id"], alarm["reason"], alarm["appeals"]) for alarm in alarms] == [
        (master["id"], "appeals", 3)
    ]
    [event] = await published(office, "appeal.group_risk_raised")
    assert (event["subject"], event["reason"]) == (master["id"], "appeals")
    taken = await office.post(f"/v1/alarms/{alarms[0]['id']}/acknowledge", {"note": "street office informed"})
    assert taken.json()["acknowledged_by"] is not None
    assert (await office.get("/v1/alarms?acknowledged=false")).json()["items"] == []


async def test_appeals_of_yesterday_do_not_make_a_group_of_today(office: Office) -> None:
    master, second = await office.register(), await office.register()
    await attach(office, second, master)
    office.clock.advance(timedelta(hours=25))

    await attach(office, await office.register(), master)

    assert (await office.get("/v1/alarms")).json()["items"] == []


def petition(households: int) -> dict[str, Any]:
    return {
        "households": households,
        "signatories": [{"name": f"住户{number:03}", "phone": f"1390000{number:04}"} for number in range(households)],
        "representatives": [{"name": f"代表{number}"} for number in range(5)],
    }


async def test_two_hundred_and_nine_households_are_one_appeal_and_a_warning(office: Office) -> None:
    receipt = await office.register(channel="joint_letter", title="棚户区改造诉求", joint=petition(209))

    shown = (await office.get(f"/v1/appeals/{receipt['id']}")).json()
    assert shown["joint"] == {"households": 209, "signatories": 209}
    assert len(await office.rows("appeals")) == 1
    [alarm] = (await office.get("/v1/alarms")).json()["items"]
    assert (alarm["reason"], alarm["appeals"], alarm["persons"], alarm["households"]) == ("persons", 1, 209, 209)
    [version] = (await office.get(f"/v1/appeals/{receipt['id']}/signatories")).json()["items"]
    assert (version["persons"], version["representatives"], version["intact"]) == (209, 5, True)
    types = [row["type"] for row in await office.rows("outbox") if row["consumer"] == "dispatch"]
    assert sorted(types) == ["appeal.accepted", "appeal.group_risk_raised"]
    volume = (
        await office.get("/v1/volume", params={"from": "2020-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z"})
    ).json()["items"]
    assert [(row["collected"], row["joint"], row["persons"], row["households"]) for row in volume] == [(1, 1, 209, 209)]


async def test_a_sixth_representative_is_refused_and_nothing_is_kept(office: Office) -> None:
    joint = petition(6) | {"representatives": [{"name": f"代表{number}"} for number in range(6)]}

    answer = await office.post("/v1/appeals", {**BODY, "joint": joint})

    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == ["/joint/representatives"]
    assert await office.rows("appeals") == []


BODY = {"type": "complaint", "channel": "joint_letter", "category_code": "0101", "title": "联名"}


async def test_a_list_of_signatories_grows_by_versions(office: Office) -> None:
    receipt = await office.register(joint=petition(3))

    answer = await office.post(
        f"/v1/appeals/{receipt['id']}/signatories", {**petition(4), "reason": "a household joined"}
    )

    assert answer.status_code == 200, answer.text
    first, second = answer.json()["items"]
    assert (first["persons"], second["persons"], second["reason"]) == (3, 4, "a household joined")
    assert first["sha256"] != second["sha256"]
    assert (await office.get(f"/v1/appeals/{receipt['id']}")).json()["joint"]["signatories"] == 4
    assert "住户000" not in str(await office.rows("signatory_lists"))


async def test_a_list_that_was_changed_in_the_database_shows_and_takes_no_new_version(office: Office) -> None:
    receipt = await office.register(joint=petition(3))

    async def tamper(uow: UnitOfWork) -> None:
        await uow.connection.execute(sa.update(signatory_lists).values(households=300))

    await office.database.transact(tamper)

    [version] = (await office.get(f"/v1/appeals/{receipt['id']}/signatories")).json()["items"]
    refused = await office.post(f"/v1/appeals/{receipt['id']}/signatories", {**petition(4), "reason": "more"})
    assert version["intact"] is False
    assert (refused.status_code, refused.json()["code"]) == (409, "seal_broken")


async def test_the_events_of_an_attached_appeal_carry_no_name(office: Office) -> None:
    master = await office.register()
    member = await office.register(title="欧阳明珠反映停水", reporter={"name": "欧阳明珠", "phone": "13812345678"})
    await attach(office, member, master)

    rows = [row for row in await office.rows("outbox") if row["type"] == e.AppealAttached.TYPE]

    assert rows
    assert "欧阳明珠" not in str(rows)


async def test_papers_of_one_citizen_stop_no_clock_of_those_attached(office: Office) -> None:
    master, member = await office.register(), await office.register()
    await attach(office, member, master)

    answer = await office.post(f"/v1/appeals/{master['id']}/supplement-requests", {"items": [{"name": "photo"}]})

    assert (answer.status_code, answer.json()["code"]) == (409, "has_members")

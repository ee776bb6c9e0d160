"""Refusing an appeal (T7): a closed list of grounds, two persons, and the reason told."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from services.intake.db.metadata import metadata
from services.intake.domain.refusals import Ground
from tests.integration.intake.office import Office
from tests.integration.intake.test_moves import events, move

BEYOND = {"ground": "beyond_duty", "explanation": "请通过市场途径解决。"}


@pytest.fixture
async def agent(office: Office) -> dict[str, str]:
    return await office.key("appeals:write", "appeals:read")


@pytest.fixture
async def reviewer(office: Office) -> dict[str, str]:
    return await office.key("appeals:review", "appeals:read")


async def decline(office: Office, receipt: dict[str, Any], who: dict[str, str], **changes: Any) -> Any:
    body = {**BEYOND, **changes}
    return await office.client.post(f"/v1/appeals/{receipt['id']}/decline", json=body, headers=who)


async def decide(office: Office, receipt: dict[str, Any], who: dict[str, str], decision: str) -> Any:
    path = f"/v1/appeals/{receipt['id']}/decline-decision"
    return await office.client.post(path, json={"decision": decision, "note": "已核实"}, headers=who)


async def proposed_by(office: Office, actor: str) -> None:
    """Make the proposal that of somebody who has been given the right to review since."""
    statement = sa.update(metadata.tables["intake.decline_proposals"]).values(proposed_by=actor)
    await office.database.transact(lambda uow: uow.connection.execute(statement))


async def pending(office: Office) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await office.get("/v1/appeals/declines", params={"pending": True})).json()["items"]
    return items


async def test_an_agent_proposes_and_the_appeal_stays_open(office: Office, agent: dict[str, str]) -> None:
    receipt = await office.register()

    answer = await decline(office, receipt, agent)

    assert (answer.status_code, answer.json()["status"]) == (202, "awaiting_dispatch")
    assert await events(office, "appeal.ended") == []
    assert "not_accepted" not in [line["code"] for line in (await office.progress(receipt))["timeline"]]
    [waiting] = await pending(office)
    assert (waiting["receipt_number"], waiting["ground"]) == (receipt["receipt_number"], "beyond_duty")


@pytest.mark.parametrize("by", ["decision", "same_call"])
async def test_another_person_confirms_and_both_are_on_record(
    office: Office, agent: dict[str, str], reviewer: dict[str, str], by: str
) -> None:
    receipt = await office.register()
    await decline(office, receipt, agent)

    confirm = decide(office, receipt, reviewer, "confirm") if by == "decision" else decline(office, receipt, reviewer)
    answer = await confirm

    assert (answer.status_code, answer.json()["status"]) == (200, "not_accepted")
    [row] = await office.rows("decline_proposals")
    assert (row["decision"], row["proposed_by"] != row["decided_by"]) == ("confirmed", True)
    [ended] = await events(office, "appeal.ended", "feedback")
    assert (ended["rule"], ended["reason_code"], ended["evaluable"]) == ("T7", "beyond_duty", False)
    line = (await office.progress(receipt))["timeline"][-1]
    assert line["text_zh"] == "不予受理：超出各单位职责范围，可通过市场、社会渠道解决。请通过市场途径解决。"
    assert await pending(office) == []


async def test_a_rejected_proposal_leaves_the_appeal_as_it_was(
    office: Office, agent: dict[str, str], reviewer: dict[str, str]
) -> None:
    receipt = await office.register()
    await decline(office, receipt, agent)

    answer = await decide(office, receipt, reviewer, "reject")

    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_dispatch")
    assert await events(office, "appeal.ended") == []
    assert await pending(office) == []
    assert (await decline(office, receipt, agent)).status_code == 202


async def test_who_proposed_may_not_decide(office: Office, agent: dict[str, str]) -> None:
    receipt = await office.register()
    promoted = await office.key("appeals:write", "appeals:review")
    await office.client.post(f"/v1/appeals/{receipt['id']}/urge", json={}, headers=promoted)
    await decline(office, receipt, agent)
    [actor] = [row["actor"] for row in await office.rows("urges")]
    await proposed_by(office, actor)

    answers = [await decide(office, receipt, promoted, "confirm"), await decline(office, receipt, promoted)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "second_person_needed")] * 2
    assert len(await pending(office)) == 1


async def test_one_proposal_waits_at_a_time(office: Office, agent: dict[str, str]) -> None:
    receipt = await office.register()

    answers = await asyncio.gather(*(decline(office, receipt, agent) for _ in range(3)))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "already_proposed"}


async def test_a_reviewer_decides_directly_when_nothing_is_proposed(office: Office, reviewer: dict[str, str]) -> None:
    receipt = await office.register()

    answer = await decline(office, receipt, reviewer)

    assert (answer.status_code, answer.json()["status"]) == (200, "not_accepted")
    [row] = await office.rows("decline_proposals")
    assert (row["decision"], row["proposed_by"]) == ("confirmed", row["decided_by"])


async def test_there_is_nothing_to_decide_without_a_proposal(office: Office, reviewer: dict[str, str]) -> None:
    receipt = await office.register()

    answer = await decide(office, receipt, reviewer, "confirm")

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_proposed")


async def test_an_agent_decides_nothing(office: Office, agent: dict[str, str]) -> None:
    receipt = await office.register()
    await decline(office, receipt, agent)

    assert (await decide(office, receipt, agent, "confirm")).status_code == 403


async def test_a_proposal_lapses_when_the_appeal_is_answered(office: Office, agent: dict[str, str]) -> None:
    receipt = await office.register()
    await decline(office, receipt, agent)

    await move(office, receipt, "answer")

    assert await pending(office) == []
    [lapsed] = (await office.get("/v1/appeals/declines")).json()["items"]
    assert (lapsed["pending"], lapsed["decision"]) == (False, None)


@pytest.mark.parametrize("ground", list(Ground))
async def test_every_ground_is_told_in_both_languages(office: Office, reviewer: dict[str, str], ground: Ground) -> None:
    other = await office.register()
    receipt = await office.register()
    extra = {
        Ground.IN_LEGAL_CHANNEL: {"legal_channel": "petition"},
        Ground.ALREADY_HANDLED: {"other_receipt_number": other["receipt_number"]},
    }.get(ground, {})

    answer = await decline(office, receipt, reviewer, ground=ground.value, **extra)

    assert answer.status_code == 200, answer.text
    line = (await office.progress(receipt))["timeline"][-1]
    assert line["text_en"].startswith("Not accepted: ")
    assert line["text_zh"].startswith("不予受理：")
    assert "{" not in line["text_en"] + line["text_zh"]
    for value in extra.values():
        assert value in line["text_en"] or value == "petition"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ground": "too_much_work"}, "/ground"),
        ({"explanation": " "}, "/explanation"),
        ({"ground": "in_legal_channel"}, "/legal_channel"),
        ({"ground": "already_handled"}, "/other_receipt_number"),
        ({"ground": "already_handled", "other_receipt_number": "2600000000000"}, "/other_receipt_number"),
        ({"legal_channel": "petition"}, "/legal_channel"),
    ],
)
async def test_a_refusal_without_its_reason_is_refused(
    office: Office, reviewer: dict[str, str], changes: dict[str, str], field: str
) -> None:
    receipt = await office.register()

    answer = await decline(office, receipt, reviewer, **changes)

    assert answer.status_code == 422, answer.text
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"
    assert await office.rows("decline_proposals") == []


async def test_an_appeal_is_not_refused_for_itself(office: Office, reviewer: dict[str, str]) -> None:
    receipt = await office.register()

    answer = await decline(
        office, receipt, reviewer, ground="already_handled", other_receipt_number=receipt["receipt_number"]
    )

    assert answer.status_code == 422


async def test_the_list_of_refusals_comes_in_pages(office: Office, agent: dict[str, str]) -> None:
    receipts = [await office.register() for _ in range(3)]
    for receipt in receipts:
        await decline(office, receipt, agent)

    first = (await office.get("/v1/appeals/declines", params={"limit": 2})).json()
    rest = (await office.get("/v1/appeals/declines", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    found = [item["receipt_number"] for item in [*first["items"], *rest["items"]]]
    assert found == [receipt["receipt_number"] for receipt in receipts]
    assert rest["next_cursor"] is None

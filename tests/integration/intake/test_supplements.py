"""Papers that are missing (LZ-11, T4 to T6): asked for once, ticked off, reminded of, and clocks that resume."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.use_cases.sweep_terms import expire_papers
from services.intake.worker.term_sweep import TermSweep
from tests.integration.feedback.desk import (
    ticket_acknowledged,
    ticket_dispatched,
)
from tests.integration.intake.office import NAME, PHONE, Office
from tests.integration.intake.test_recategorize import history, opened, published, recategorize

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PAPERS = ({"name": "身份证复印件"}, {"name": "Deed of the house", "note": "both pages"})


async def ask(office: Office, receipt: dict[str, Any], *papers: dict[str, str], **more: Any) -> Any:
    headers = {name: more.pop(name) for name in ("If_Match", "Idempotency_Key") if name in more}
    body = {"items": list(papers or PAPERS), "note": "copies will do", **more}
    return await office.post(f"/v1/appeals/{receipt['id']}/supplement-requests", body, **headers)


async def deliver(office: Office, receipt: dict[str, Any], *names: str, **more: Any) -> Any:
    body = {"items": [{"name": name} for name in names], **more}
    return await office.post(f"/v1/appeals/{receipt['id']}/supplements", body)


async def deliver_own(
    office: Office, receipt: dict[str, Any], *names: str, code: str | None = None, **more: Any
) -> Any:
    body = {"items": [{"name": name} for name in names], **more}
    path = f"/v1/track/{receipt['receipt_number']}/supplements"
    return await office.post(path, body, X_Access_Code=code or receipt["access_code"])


async def lists_of(office: Office, receipt: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await office.get(f"/v1/appeals/{receipt['id']}/supplements")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def sweep(office: Office) -> None:
    """Let the worker do what is due."""
    terms = TermSweep(office.database, batch=100, zone=office.desk.zone)
    while await terms.sweep():
        pass


async def test_the_citizen_gets_one_list_of_everything(office: Office) -> None:
    receipt = await office.register(mode="supplement")

    answer = await ask(office, receipt)

    assert (answer.status_code, answer.json()["status"]) == (200, "supplementing")
    progress = await office.progress(receipt)
    assert (progress["status"], progress["stage"]) == ("supplementing", "acceptance")
    assert progress["supplement"] == {
        "due_at": "2026-03-16T01:00:00Z",
        "note": "copies will do",
        "items": [
            {"name": "身份证复印件", "note": "", "delivered": False},
            {"name": "Deed of the house", "note": "both pages", "delivered": False},
        ],
    }
    line = progress["timeline"][-1]
    assert (line["code"], line["text_zh"]) == (
        "papers_requested",
        "请于2026-03-16 09:00前补充以下材料：1. 身份证复印件；2. Deed of the house。copies will do",
    )
    assert await office.rows("outbox") == []


async def test_with_the_last_paper_an_appeal_that_lacks_nothing_else_is_accepted(office: Office) -> None:
    receipt = await office.register(mode="supplement")
    await ask(office, receipt)
    office.clock.advance(3 * DAY)

    partly = await deliver(office, receipt, "deed of the house")
    awaited = (await office.progress(receipt))["supplement"]
    done = await deliver(office, receipt, "身份证复印件")

    assert partly.json()["status"] == "supplementing"
    assert [item["delivered"] for item in awaited["items"]] == [False, True]
    assert (done.json()["status"], done.json()["accepted_at"]) == ("awaiting_dispatch", "2026-03-05T01:00:00Z")
    assert [(row["move"], row["rules"]) for row in await history(office)] == [
        ("register", ["T1"]),
        ("request_supplement", ["T4"]),
        ("supplement", ["T5"]),
        ("supplement", ["T5", "T10"]),
    ]
    assert [kind for kind, _ in await published(office)] == ["appeal.accepted"]
    progress = await office.progress(receipt)
    assert [line["code"] for line in progress["timeline"]] == [
        "registered",
        "papers_requested",
        "papers_received",
        "papers_complete",
        "accepted",
    ]
    assert "尚缺：1. 身份证复印件" in progress["timeline"][2]["text_zh"]
    assert progress["supplement"] is None
    [listed] = await lists_of(office, receipt)
    assert (listed["status"], [item["delivered_at"] for item in listed["items"]]) == (
        "complete",
        ["2026-03-05T01:00:00Z", "2026-03-05T01:00:00Z"],
    )


async def test_the_term_to_accept_stands_still_while_papers_are_awaited(office: Office) -> None:
    receipt = await office.register(category_code=None, channel="web")
    office.clock.advance(HOUR)
    await ask(office, receipt)
    office.clock.advance(5 * DAY)
    await sweep(office)

    done = await deliver(office, receipt, "身份证复印件", "Deed of the house")

    assert (done.json()["status"], done.json()["accept_due_at"]) == ("registered", "2026-03-07T03:00:00Z")
    assert [row["move"] for row in await history(office)] == ["register", "request_supplement", "supplement"]
    accepted = await recategorize(office, receipt["id"], "0101")
    assert accepted.json()["status"] == "awaiting_dispatch"


async def test_an_accepted_appeal_resumes_where_it_stood(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched())
    office.clock.advance(6 * HOUR)

    asked = await ask(office, receipt)
    office.clock.advance(2 * DAY)
    done = await deliver(office, receipt, "身份证复印件", "Deed of the house")

    assert (asked.json()["status"], asked.json()["accepted_at"]) == ("supplementing", "2026-03-02T01:00:00Z")
    assert (done.json()["status"], done.json()["accepted_at"]) == ("awaiting_dispatch", "2026-03-02T01:00:00Z")
    told = await published(office)
    assert [kind for kind, _ in told] == ["appeal.accepted", "appeal.supplement_requested", "appeal.resumed"]
    assert told[1][1] == {"at": "2026-03-02T07:00:00Z", "due_at": "2026-03-16T07:00:00Z"}
    resumed = told[2][1]
    assert resumed["resumed_at"] == "2026-03-04T07:00:00Z"
    assert {name: resumed[name] for name in told[0][1] if name not in {"mode", "accepted_at"}} == {
        name: value for name, value in told[0][1].items() if name not in {"mode", "accepted_at"}
    }
    assert (resumed["mode"], resumed["accepted_at"]) == ("supplement", "2026-03-02T01:00:00Z")


async def test_asking_twice_is_refused_unless_a_reviewer_says_why(office: Office) -> None:
    receipt = await office.register(category_code=None)
    await ask(office, receipt)
    while_open = await ask(office, receipt)
    await deliver(office, receipt, "身份证复印件", "Deed of the house")

    reviewer = office.headers
    office.headers = await office.key("appeals:write", "appeals:read", "appeals:track")
    again = await ask(office, receipt, {"name": "Photo"}, reason="the deed names somebody else")
    office.headers = reviewer
    no_reason = await ask(office, receipt, {"name": "Photo"})
    allowed = await ask(office, receipt, {"name": "Photo"}, reason="the deed names somebody else")

    assert (while_open.status_code, while_open.json()["code"]) == (409, "illegal_move")
    assert (again.status_code, again.json()["code"]) == (409, "papers_asked_twice")
    assert again.json()["delivered"] == ["身份证复印件", "Deed of the house"]
    assert no_reason.status_code == 409
    assert (allowed.status_code, allowed.json()["status"]) == (200, "supplementing")
    lists = await lists_of(office, receipt)
    assert [found["status"] for found in lists] == ["open", "complete"]
    assert lists[0]["asked_again_because"] == "the deed names somebody else"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"items": []}, "/items"),
        ({"items": [{"name": f"{n}"} for n in range(31)]}, "/items"),
        ({"items": [{"name": "Deed"}, {"name": "deed"}]}, "/items/1/name"),
        ({"items": [{"name": " "}]}, "/items/0/name"),
        ({"due_at": "2026-03-02T09:00:00Z"}, "/due_at"),
        ({"due_at": "2027-03-02T09:00:00Z"}, "/due_at"),
    ],
)
async def test_a_list_that_makes_no_sense_changes_nothing(office: Office, body: dict[str, Any], pointer: str) -> None:
    receipt = await office.register()

    answer = await ask(office, receipt, **body)

    assert answer.status_code == 422
    assert pointer in {error["field"] for error in answer.json()["errors"]}
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"
    assert await office.rows("supplement_requests") == []


async def test_what_presses_waits_for_no_papers(office: Office) -> None:
    receipt = await office.register(category_code="0203")

    answer = await ask(office, receipt)

    assert (answer.status_code, answer.json()["code"]) == (409, "waits_for_no_papers")


async def test_what_a_department_has_in_hand_is_its_own_to_ask_for(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched(), ticket_acknowledged())

    answer = await ask(office, receipt)

    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")


async def test_something_that_was_not_asked_for_is_refused(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)

    answer = await deliver(office, receipt, "Passport")

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, "/items/0/name")
    assert error["allowed"] == ["身份证复印件", "Deed of the house"]


async def test_delivering_the_same_paper_again_keeps_the_first_date(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    await deliver(office, receipt, "身份证复印件")
    office.clock.advance(DAY)

    again = await deliver(office, receipt, "身份证复印件")

    assert (again.status_code, again.json()["status"]) == (200, "supplementing")
    [listed] = await lists_of(office, receipt)
    assert listed["items"][0]["delivered_at"] == "2026-03-02T01:00:00Z"


async def test_the_citizen_delivers_with_the_access_code(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    office.headers = await office.key("appeals:track")

    partly = await deliver_own(office, receipt, "身份证复印件")
    done = await deliver_own(office, receipt, "Deed of the house")

    assert partly.status_code == 200, partly.text
    assert (partly.json()["status"], [item["delivered"] for item in partly.json()["supplement"]["items"]]) == (
        "supplementing",
        [True, False],
    )
    assert (done.json()["status"], done.json()["supplement"]) == ("awaiting_dispatch", None)
    assert {row["actor"] for row in await office.rows("appeal_events") if row["move"] == "supplement"} == {"citizen"}


async def test_a_wrong_code_delivers_nothing_and_is_counted(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)

    answers = [await deliver_own(office, receipt, "身份证复印件", code="WRONGWRO") for _ in range(21)]

    assert {answer.status_code for answer in answers[:20]} == {404}
    assert answers[20].status_code == 429
    assert not any(row["delivered_at"] for row in await office.rows("supplement_items"))


async def test_the_citizens_words_are_masked_and_their_originals_in_the_vault(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)

    await deliver_own(office, receipt, "身份证复印件", note=f"我是{NAME}，电话 {PHONE}")

    step = (await history(office))[-1]
    assert step["details"]["note"] == "我是[name]，电话 [phone]"
    kept = (await opened(office, receipt["id"]))["original"]["supplements"]
    assert [words["note"] for words in kept] == [f"我是{NAME}，电话 {PHONE}"]


async def test_of_a_report_nothing_that_came_with_the_papers_is_shown(office: Office) -> None:
    receipt = await office.register(type="report")
    await ask(office, receipt)

    await deliver_own(office, receipt, "身份证复印件", note="my desk is next to his")

    assert "note" not in (await history(office))[-1]["details"]
    kept = (await opened(office, receipt["id"]))["original"]["supplements"]
    assert [words["note"] for words in kept] == ["my desk is next to his"]


async def test_a_department_does_not_read_what_the_reporter_of_a_report_is_asked_for(office: Office) -> None:
    receipt = await office.register(type="report")
    await ask(office, receipt)
    await office.tell(receipt["id"], ticket_dispatched())
    office.headers = await office.key("appeals:read", department_code="411002-cgj")

    assert await lists_of(office, receipt) == []
    timeline = (await office.get(f"/v1/appeals/{receipt['id']}/timeline")).json()["items"]
    assert "Papers are awaited." in {line["text_en"] for line in timeline}


async def test_a_list_names_nobody_outside_the_vault(office: Office) -> None:
    receipt = await office.register()

    await ask(office, receipt, {"name": f"Deed of {NAME}", "note": PHONE}, note=f"for {NAME}")

    [listed] = await lists_of(office, receipt)
    assert (listed["note"], listed["items"][0]["name"], listed["items"][0]["note"]) == (
        "for [name]",
        "Deed of [name]",
        "[phone]",
    )
    assert NAME not in (await office.track(receipt)).text


async def test_a_delivery_and_the_end_of_the_term_at_once_agree_on_one(office: Office) -> None:
    for _ in range(5):
        receipt = await office.register()
        await ask(office, receipt)
    office.clock.advance(11 * DAY)
    await sweep(office)
    office.clock.advance(3 * DAY)
    receipts = [(row["receipt_number"], row["id"]) for row in await office.rows("appeals")]

    delivered, *_ = await asyncio.gather(
        asyncio.gather(
            *(deliver(office, {"id": str(id_)}, "身份证复印件", "Deed of the house") for _, id_ in receipts)
        ),
        sweep(office),
        sweep(office),
    )

    ends = [row["to_status"] for row in await office.rows("appeal_events") if row["to_status"] != row["from_status"]]
    won = sum(answer.status_code == 200 for answer in delivered)
    assert {answer.status_code for answer in delivered} <= {200, 409}
    assert (ends.count("awaiting_dispatch"), ends.count("withdrawn")) == (5 + won, 5 - won)
    assert {row["outcome"] for row in await office.rows("supplement_requests")} <= {"complete", "expired"}


async def test_one_reminder_is_sent_three_days_before_the_end(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    await deliver(office, receipt, "身份证复印件")
    office.clock.advance(11 * DAY - HOUR)
    await sweep(office)
    early = [row["move"] for row in await history(office)]
    office.clock.advance(HOUR)
    await sweep(office)
    await sweep(office)

    moves = [row["move"] for row in await history(office)]
    assert early == ["register", "request_supplement", "supplement"]
    assert moves == [*early, "remind_supplement"]
    line = (await office.progress(receipt))["timeline"][-1]
    assert (line["code"], line["text_en"]) == (
        "papers_reminded",
        "A reminder: still missing by 2026-03-16 09:00: 1. Deed of the house.",
    )


async def test_papers_that_never_come_end_the_appeal_after_the_reminder(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    office.clock.advance(11 * DAY)
    await sweep(office)
    office.clock.advance(3 * DAY)
    await sweep(office)
    await sweep(office)

    progress = await office.progress(receipt)
    assert (progress["status"], progress["timeline"][-1]["code"]) == ("withdrawn", "papers_never_came")
    step = (await history(office))[-1]
    assert (step["rules"], step["actor"], step["details"]["reason"]) == (["T6"], "system", "papers_never_came")
    kind, data = (await published(office))[-1]
    assert (kind, data["status"], data["rule"], data["evaluable"]) == ("appeal.ended", "withdrawn", "T6", False)
    late = await deliver(office, receipt, "身份证复印件")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_move")
    [listed] = await lists_of(office, receipt)
    assert listed["status"] == "expired"


async def test_without_a_reminder_nothing_expires(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    office.clock.advance(30 * DAY)

    await sweep(office)

    assert (await office.progress(receipt))["status"] == "supplementing"
    [listed] = await lists_of(office, receipt)
    assert (listed["reminded_at"], listed["due_at"]) == ("2026-04-01T01:00:00Z", "2026-04-02T01:00:00Z")
    office.clock.advance(DAY)
    await sweep(office)
    assert (await office.progress(receipt))["status"] == "withdrawn"


async def test_the_end_itself_asks_for_the_reminder_too(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    office.clock.advance(30 * DAY)

    assert not await office.database.transact(lambda uow: expire_papers(uow, UUID(receipt["id"])))
    assert (await office.progress(receipt))["status"] == "supplementing"


async def test_what_was_withdrawn_meanwhile_is_left_alone(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    body = {"reason": "solved", "access_code": receipt["access_code"]}
    withdrawn = await office.post(f"/v1/appeals/{receipt['id']}/withdraw", body)
    assert withdrawn.status_code == 200, withdrawn.text
    office.clock.advance(11 * DAY)

    await sweep(office)

    assert [row["move"] for row in await history(office)] == ["register", "request_supplement", "withdraw"]
    [listed] = await lists_of(office, receipt)
    assert listed["status"] == "dropped"


async def test_a_matter_that_goes_up_keeps_its_mode(office: Office) -> None:
    receipt = await office.register(mode="escalated")

    answer = await ask(office, receipt)

    assert answer.json()["mode"] == "escalated"


async def test_repetition_under_one_key_asks_once(office: Office) -> None:
    receipt = await office.register()

    first = await ask(office, receipt, Idempotency_Key="s-1")
    again = await ask(office, receipt, Idempotency_Key="s-1")

    assert (first.status_code, again.content) == (200, first.content)
    assert len(await office.rows("supplement_requests")) == 1


async def test_an_app_that_only_hands_in_appeals_asks_nobody(office: Office) -> None:
    receipt = await office.register()
    office.headers = await office.key("appeals:write")

    assert (await ask(office, receipt)).status_code == 403


async def test_a_new_appeal_keeps_the_link_to_the_one_that_ended(office: Office) -> None:
    receipt = await office.register()
    await ask(office, receipt)
    office.clock.advance(11 * DAY)
    await sweep(office)
    office.clock.advance(3 * DAY)
    await sweep(office)

    again = await office.register(attributes={"refiled_from": receipt["receipt_number"]})

    shown = (await office.get(f"/v1/appeals/{again['id']}")).json()
    assert shown["attributes"] == {"refiled_from": receipt["receipt_number"]}

"""Answering, referring, withdrawing and urging: what ends or touches an appeal, and who is told what."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.intake.domain.machine import Move
from shared.contracts.events import CaseClosed, TicketAcknowledged, TicketDispatched
from shared.ids import uuid7
from shared.vocabulary import EvaluationOutcome, HandlingMode, Urgency
from tests.integration.intake.office import NAME, Office

ENDS: dict[str, dict[str, Any]] = {
    "answer": {"text": "已为您核实。"},
    "refer": {"explanation": "属于法院职责。", "target_body": "区人民法院"},
    "decline": {"ground": "beyond_duty", "explanation": "请通过市场途径解决。"},
    "hand-over": {"service": "fire"},
    "withdraw": {"reason": "已解决", "identity_check": "回拨登记号码核实"},
}


async def move(office: Office, receipt: dict[str, Any], name: str, body: Any = None, **headers: str) -> Any:
    return await office.post(f"/v1/appeals/{receipt['id']}/{name}", ENDS[name] if body is None else body, **headers)


async def events(office: Office, type_: str, consumer: str = "dispatch") -> list[dict[str, Any]]:
    rows = await office.rows("outbox")
    return [row["data"] for row in rows if row["type"] == type_ and row["consumer"] == consumer]


def dispatched(office: Office) -> TicketDispatched:
    now = office.clock.now()
    return TicketDispatched(
        ticket_id=uuid7(),
        round=1,
        leg=1,
        department_code="D1",
        department_name="城管局",
        category_code="0101",
        grid_code="411002",
        urgency=Urgency.P3,
        mode=HandlingMode.COMMITTED,
        policy_code="C1",
        dispatched_at=now,
        resolve_due_at=now + timedelta(days=5),
        promised_by=now + timedelta(days=5),
    )


def acknowledged(office: Office) -> TicketAcknowledged:
    return TicketAcknowledged(ticket_id=uuid7(), round=1, leg=1, department_code="D1", at=office.clock.now())


@pytest.mark.parametrize(
    ("name", "status", "rule"),
    [
        ("answer", "closed", "T2"),
        ("refer", "referred", "T8"),
        ("decline", "not_accepted", "T7"),
        ("hand-over", "referred", "T3"),
        ("withdraw", "withdrawn", "T41"),
    ],
)
@pytest.mark.parametrize("category", ["0101", None])
async def test_an_appeal_ends_at_the_hotline_accepted_or_not(
    office: Office, name: str, status: str, rule: str, category: str | None
) -> None:
    receipt = await office.register(category_code=category)

    answer = await move(office, receipt, name)

    assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
    assert answer.headers["ETag"] == '"v2"'
    for consumer in ("dispatch", "feedback"):
        [ended] = await events(office, "appeal.ended", consumer)
        assert (ended["status"], ended["rule"]) == (status, rule)
    assert (await office.progress(receipt))["status"] == status
    [row] = await office.rows("appeals")
    assert row["status"] == status


@pytest.mark.parametrize("name", list(ENDS))
async def test_what_has_ended_ends_no_second_time(office: Office, name: str) -> None:
    receipt = await office.register()
    await move(office, receipt, "answer")

    again = await move(office, receipt, name)

    problem = again.json()
    assert (again.status_code, problem["code"], problem["state"]) == (409, "illegal_move", "closed")
    assert len(await events(office, "appeal.ended")) == 1


async def test_of_two_agents_at_once_one_wins(office: Office) -> None:
    receipt = await office.register()

    answers = await asyncio.gather(*(move(office, receipt, name) for name in ("answer", "refer", "decline", "answer")))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await events(office, "appeal.ended")) == 1


async def test_of_two_who_saw_the_same_version_one_is_stale(office: Office) -> None:
    receipt = await office.register()

    answers = await asyncio.gather(*(move(office, receipt, "answer", If_Match='"v1"') for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_what_a_department_has_in_hand_is_no_longer_the_agents_to_end(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], dispatched(office), acknowledged(office))

    refused = [await move(office, receipt, name) for name in ("answer", "refer", "decline", "hand-over")]

    assert [(answer.status_code, answer.json()["state"]) for answer in refused] == [(409, "in_progress")] * 4
    assert await events(office, "appeal.ended") == []


async def test_agent_and_department_at_once_leave_one_outcome(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], dispatched(office))

    answer, _ = await asyncio.gather(move(office, receipt, "answer"), office.tell(receipt["id"], acknowledged(office)))

    progress = await office.progress(receipt)
    assert (answer.status_code, progress["status"]) in {(200, "closed"), (409, "in_progress")}


async def test_what_the_others_say_after_the_end_is_told_and_moves_nothing(office: Office) -> None:
    receipt = await office.register()
    await move(office, receipt, "refer")
    office.clock.advance(timedelta(minutes=1))
    closed = CaseClosed(round=2, at=office.clock.now(), evaluation=EvaluationOutcome.NONE, reason="late")

    await office.tell(receipt["id"], dispatched(office), acknowledged(office), closed)

    progress = await office.progress(receipt)
    assert (progress["status"], progress["round"], progress["responsible_department"]) == ("referred", 1, None)
    assert {line["code"] for line in progress["timeline"]} == {
        "registered", "accepted", "referred", "dispatched", "acknowledged", "closed",
    }  # fmt: skip


async def test_an_answer_is_read_by_its_citizen_masked(office: Office) -> None:
    receipt = await office.register()

    await move(office, receipt, "answer", {"text": f"{NAME}您好，请拨打13912345678。"})

    line = (await office.progress(receipt))["timeline"][-1]
    assert (line["code"], line["status"]) == ("answered", "closed")
    assert line["text_zh"] == "答复：[name]您好，请拨打[phone]。"
    for row in [*await office.rows("outbox"), *await office.rows("appeal_events")]:
        assert NAME not in str(row)


@pytest.mark.parametrize(
    ("reporter", "evaluable"),
    [
        ({"phone": "13812345678"}, True),
        ({"anonymous": True}, False),
        ({"phone": "13812345678", "wants_reply": False}, False),
    ],
)
async def test_an_answered_matter_can_be_evaluated_by_who_can_be_asked(
    office: Office, reporter: dict[str, Any], *, evaluable: bool
) -> None:
    receipt = await office.register(reporter=reporter)

    answer = await move(office, receipt, "answer")

    assert answer.json()["mode"] == "immediate"
    [ended] = await events(office, "appeal.ended", "feedback")
    assert (ended["evaluable"], ended["mode"]) == (evaluable, "immediate")


async def test_the_answer_to_a_report_reaches_its_citizen_and_nobody_else(office: Office) -> None:
    receipt = await office.register(type="report", category_code="1604", reporter=None)
    await office.tell(receipt["id"], dispatched(office))
    office.clock.advance(timedelta(minutes=1))
    await move(office, receipt, "answer", {"text": "已转纪检监察机关。"})

    department = await office.key("appeals:read", department_code="D1")
    seen = await office.client.get(f"/v1/appeals/{receipt['id']}/timeline", headers=department)
    history = await office.client.get(f"/v1/appeals/{receipt['id']}/history", headers=department)

    assert "纪检" in (await office.progress(receipt))["timeline"][-1]["text_zh"]
    assert seen.json()["items"][-1]["text_zh"] == "热线工作机构已答复。"
    assert "纪检" not in history.text
    [ended] = await events(office, "appeal.ended", "feedback")
    assert (ended["reply"], ended["title"]) == ("", "Report: Integrity")


@pytest.mark.parametrize("missing", ["explanation", "target_body"])
async def test_a_referral_needs_explanation_and_target(office: Office, missing: str) -> None:
    receipt = await office.register()
    body = {name: value for name, value in ENDS["refer"].items() if name != missing}

    answers = [
        await move(office, receipt, "refer", body),
        await move(office, receipt, "refer", {**ENDS["refer"], missing: "  "}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert [problem["field"] for problem in answers[0].json()["errors"]] == [f"/{missing}"]
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"


async def test_a_referral_tells_where_to_go_and_counts_as_advice(office: Office) -> None:
    receipt = await office.register()

    answer = await move(office, receipt, "refer", {**ENDS["refer"], "target_contact": "0374-12368"})

    assert answer.json()["mode"] == "advisory"
    line = (await office.progress(receipt))["timeline"][-1]
    assert line["text_zh"] == "该事项不属于我方受理范围。属于法院职责。 请向区人民法院 (0374-12368)反映。"
    [ended] = await events(office, "appeal.ended", "feedback")
    assert (ended["mode"], ended["rule"], ended["reason_code"]) == ("advisory", "T8", "advisory")


async def test_a_citizen_withdraws_with_the_access_code(office: Office) -> None:
    receipt = await office.register()
    app = await office.key("appeals:write", "appeals:track")
    body = {"reason": "已解决", "access_code": receipt["access_code"].lower()}

    answer = await office.client.post(f"/v1/appeals/{receipt['id']}/withdraw", json=body, headers=app)

    assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
    assert (await office.progress(receipt))["timeline"][-1]["code"] == "withdrawn"
    assert receipt["access_code"] not in str(await office.rows("appeal_events"))


async def test_a_wrong_access_code_withdraws_nothing_and_soon_rests(office: Office) -> None:
    receipt = await office.register()
    body = {"reason": "x", "access_code": "WRONG234"}

    answers = [await move(office, receipt, "withdraw", body) for _ in range(21)]

    assert (answers[0].status_code, answers[0].json()["code"]) == (403, "wrong_access_code")
    assert answers[-1].status_code == 429
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"


async def test_an_application_cannot_vouch_for_anybody(office: Office) -> None:
    receipt = await office.register()
    app = await office.key("appeals:write", "appeals:track")

    answer = await office.client.post(f"/v1/appeals/{receipt['id']}/withdraw", json=ENDS["withdraw"], headers=app)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("proof", [{}, {"access_code": "A2345678", "identity_check": "asked"}])
async def test_one_proof_of_identity_is_needed(office: Office, proof: dict[str, str]) -> None:
    receipt = await office.register()

    answer = await move(office, receipt, "withdraw", {"reason": "x", **proof})

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["/access_code"])
    assert (await office.progress(receipt))["status"] == "awaiting_dispatch"


@pytest.mark.parametrize("changes", [{"category_code": "0203"}, {"type": "report", "category_code": "0101"}])
async def test_danger_to_others_is_not_withdrawn(office: Office, changes: dict[str, str]) -> None:
    receipt = await office.register(**changes)

    answer = await move(office, receipt, "withdraw")

    assert (answer.status_code, answer.json()["code"]) == (409, "danger_to_others")
    assert await events(office, "appeal.ended") == []


async def test_a_matter_in_hand_can_still_be_withdrawn(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], dispatched(office), acknowledged(office))

    answer = await move(office, receipt, "withdraw")

    assert answer.json()["status"] == "withdrawn"


async def test_urges_are_counted_and_passed_on_without_a_second_ticket(office: Office) -> None:
    receipt = await office.register()

    answers = [await move(office, receipt, "urge", body) for body in ({}, {"note": "很急", "channel": "app"})]

    assert [answer.status_code for answer in answers] == [200, 200]
    urged = sorted(await events(office, "appeal.urged"), key=lambda data: int(data["count"]))
    assert [(data["count"], data["channel"]) for data in urged] == [(1, "phone"), (2, "app")]
    assert answers[1].json()["status"] == "awaiting_dispatch"
    assert len(await office.rows("appeals")) == 1
    assert [line["code"] for line in (await office.progress(receipt))["timeline"]][-2:] == ["urged", "urged"]


async def test_urges_at_once_are_each_counted_once(office: Office) -> None:
    receipt = await office.register()

    await asyncio.gather(*(move(office, receipt, "urge", {}) for _ in range(5)))

    assert sorted(row["number"] for row in await office.rows("urges")) == [1, 2, 3, 4, 5]


async def test_a_closed_matter_is_not_urged(office: Office) -> None:
    receipt = await office.register()
    await move(office, receipt, "answer")

    assert (await move(office, receipt, "urge", {})).status_code == 409
    assert await office.rows("urges") == []


@pytest.mark.parametrize("name", [*ENDS, "urge"])
async def test_repetition_under_one_key_moves_once(office: Office, name: str) -> None:
    receipt = await office.register()
    body = ENDS.get(name, {})

    first = await move(office, receipt, name, body, Idempotency_Key="m-1")
    again = await move(office, receipt, name, body, Idempotency_Key="m-1")

    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert len(await office.rows("appeal_events")) == 2


@pytest.mark.parametrize("name", [*ENDS, "urge"])
async def test_another_departments_appeal_looks_as_if_it_did_not_exist(office: Office, name: str) -> None:
    receipt = await office.register()
    other = await office.key("appeals:write", "appeals:read", "appeals:review", department_code="D9")
    body = ENDS.get(name, {})
    path = f"/v1/appeals/{receipt['id']}/{name}"

    answers = [
        await office.client.post(path, json=body, headers={**other, **extra}) for extra in ({}, {"If-Match": '"v77"'})
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert (await office.post(f"/v1/appeals/{uuid7()}/{name}", body)).status_code == 404


@pytest.mark.parametrize("name", [*ENDS, "urge"])
async def test_reading_is_no_right_to_move(office: Office, name: str) -> None:
    receipt = await office.register()
    reader = await office.key("appeals:read")

    answer = await office.client.post(f"/v1/appeals/{receipt['id']}/{name}", json=ENDS.get(name, {}), headers=reader)

    assert answer.status_code == 403


async def test_the_history_tells_who_did_what_and_why(office: Office) -> None:
    receipt = await office.register()
    await move(office, receipt, "refer")

    steps = (await office.get(f"/v1/appeals/{receipt['id']}/history")).json()["items"]

    assert [(step["sequence"], step["move"], step["rules"]) for step in steps] == [
        (1, "register", ["T1", "T10"]),
        (2, "refer", ["T8"]),
    ]
    assert steps[1]["details"]["target_body"] == "区人民法院"
    assert steps[1]["actor"].startswith("key:")


@pytest.mark.parametrize(
    ("wanted", "language", "text"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "您的诉求已登记。"),
        ("en-GB,en;q=0.9", "en", "Your appeal has been registered."),
        ("fr;q=1, zh;q=0.2", "zh", "您的诉求已登记。"),
        ("*", "en", "Your appeal has been registered."),
        ("x" * 3_000, "en", "Your appeal has been registered."),
        (None, "en", "Your appeal has been registered."),
    ],
)
async def test_the_timeline_speaks_the_readers_language(
    office: Office, wanted: str | None, language: str, text: str
) -> None:
    receipt = await office.register()
    headers = {"X-Access-Code": receipt["access_code"], **({"Accept-Language": wanted} if wanted else {})}

    answer = await office.get(f"/v1/track/{receipt['receipt_number']}", headers=headers)

    assert (answer.headers["Content-Language"], answer.json()["timeline"][0]["text"]) == (language, text)
    assert "accept-language" in answer.headers["Vary"].lower()
    assert {"text_en", "text_zh"} <= answer.json()["timeline"][0].keys()


def test_every_move_here_is_one_of_the_machine() -> None:
    assert {name.replace("-", "_") for name in ENDS} <= {move.value for move in Move}

"""POST /v1/appeals: what is answered, what is written, what is published, and what happens on repetition."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.intake.domain.receipts import is_receipt_number
from tests.integration.intake.office import Office, submission


async def test_an_appeal_with_a_category_is_accepted_and_published_to_both_services(office: Office) -> None:
    answer = await office.post("/v1/appeals", submission())

    receipt = answer.json()
    assert answer.status_code == 201, receipt
    assert answer.headers["Location"] == f"/v1/appeals/{receipt['id']}"
    assert answer.headers["ETag"] == '"v1"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert is_receipt_number(receipt["receipt_number"])
    assert receipt["receipt_number"].startswith("26")
    assert len(receipt["access_code"]) == 8
    assert (receipt["status"], receipt["stage"]) == ("awaiting_dispatch", "handling")
    assert (receipt["urgency"], receipt["mode"], receipt["category_code"]) == ("P3", "committed", "0101")
    outbox = await office.rows("outbox")
    assert sorted((row["consumer"], row["type"], row["sequence"]) for row in outbox) == [
        ("dispatch", "appeal.accepted", 1),
        ("feedback", "appeal.accepted", 1),
    ]
    data = outbox[0]["data"]
    assert data["receipt_number"] == receipt["receipt_number"]
    assert (data["title"], data["place"], data["longitude"]) == ("小区门口垃圾堆积", "建设路12号", 113.82)
    assert str(outbox[0]["subject"]) == receipt["id"]


async def test_an_appeal_without_a_category_is_registered_and_waits_for_review(office: Office) -> None:
    receipt = await office.register(category_code=None)

    assert (receipt["status"], receipt["stage"], receipt["urgency"]) == ("registered", "acceptance", None)
    assert await office.rows("outbox") == []
    listed = (await office.get("/v1/appeals", params={"status": "registered"})).json()["items"]
    assert [item["id"] for item in listed] == [receipt["id"]]


async def test_the_record_holds_the_moves_and_who_made_them(office: Office) -> None:
    await office.register()

    [event] = await office.rows("appeal_events")
    assert (event["move"], event["rules"]) == ("register", ["T1", "T10"])
    assert (event["from_status"], event["to_status"]) == ("draft", "awaiting_dispatch")
    assert event["actor"].startswith("key:")


async def test_the_same_key_and_body_gets_the_same_reply_and_one_appeal(office: Office) -> None:
    first = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")
    before = await office.counts()
    again = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")

    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert await office.counts() == before


async def test_the_same_key_with_another_body_is_refused(office: Office) -> None:
    await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")
    before = await office.counts()

    answer = await office.post("/v1/appeals", submission(title="Something else"), Idempotency_Key="call-1")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await office.counts() == before


async def test_many_at_once_with_one_key_make_one_appeal(office: Office) -> None:
    answers = await asyncio.gather(
        *(office.post("/v1/appeals", submission(), Idempotency_Key="call-1") for _ in range(12))
    )

    assert {answer.status_code for answer in answers} <= {201, 409}
    created = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(created) == 1
    assert len(await office.rows("appeals")) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_flight"}


async def test_a_refused_request_leaves_its_key_free(office: Office) -> None:
    refused = await office.post("/v1/appeals", submission(category_code="9999"), Idempotency_Key="call-1")
    accepted = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")

    assert (refused.status_code, accepted.status_code) == (422, 201)


async def test_two_callers_may_use_the_same_key(office: Office) -> None:
    other = await office.key("appeals:write")
    first = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1")
    second = await office.post("/v1/appeals", submission(), Idempotency_Key="call-1", **other)

    assert first.json()["id"] != second.json()["id"]


async def test_many_at_once_are_all_stored(office: Office) -> None:
    answers = await asyncio.gather(
        *(office.post("/v1/appeals", submission(), Idempotency_Key=f"call-{number}") for number in range(60))
    )

    assert [answer.status_code for answer in answers] == [201] * 60
    receipts = {answer.json()["receipt_number"] for answer in answers}
    stored = await office.rows("appeals")
    assert {row["receipt_number"] for row in stored} == receipts
    assert len(receipts) == 60
    assert len(await office.rows("outbox")) == 120


async def test_an_external_reference_is_taken_once(office: Office) -> None:
    reference = {"system": "crm", "id": "A-17"}
    first = await office.register(external_ref=reference)
    before = await office.counts()

    answer = await office.post("/v1/appeals", submission(external_ref=reference), Idempotency_Key="again")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "duplicate_external_ref")
    assert (problem["appeal_id"], problem["receipt_number"]) == (first["id"], first["receipt_number"])
    assert await office.counts() == before


async def test_who_may_not_read_appeals_is_not_told_which_one_it_is(office: Office) -> None:
    reference = {"system": "crm", "id": "A-17"}
    await office.register(external_ref=reference)
    writer = await office.key("appeals:write")

    answer = await office.post("/v1/appeals", submission(external_ref=reference), **writer)

    assert answer.status_code == 409
    assert "appeal_id" not in answer.json()


async def test_a_race_for_one_external_reference_has_one_winner(office: Office) -> None:
    body = submission(external_ref={"system": "crm", "id": "A-17"})
    answers = await asyncio.gather(*(office.post("/v1/appeals", body) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


async def test_a_letter_found_in_a_box_keeps_the_day_it_was_received(office: Office) -> None:
    received = office.clock.now() - timedelta(days=3)

    receipt = await office.register(channel="box", received_at=received.isoformat())

    [row] = await office.rows("appeals")
    assert row["received_at"] == received
    assert row["created_at"] == office.clock.now()
    assert (await office.get(f"/v1/appeals/{receipt['id']}")).json()["received_at"] == "2026-02-27T01:00:00Z"


async def test_a_report_is_confidential_and_travels_without_a_word_of_the_citizen(office: Office) -> None:
    receipt = await office.register(
        type="report", category_code="1604", attributes={"seen_by": "邻居"}, special_care=["elderly"]
    )

    for row in await office.rows("outbox"):
        data = row["data"]
        assert data["confidential"] is True
        assert (data["title"], data["description"], data["place"]) == ("Report: Integrity", "", "")
        assert data["special_care"] == []
    shown = (await office.get(f"/v1/appeals/{receipt['id']}")).json()
    assert shown["title"] == "Report: Integrity"
    assert shown["attributes"] == {}
    assert shown["reporter"]["name"] is None


async def test_the_citizens_words_do_not_set_the_urgency_but_a_minor_does(office: Office) -> None:
    calm = await office.register(title="URGENT!!! 十万火急！！！")
    minor = await office.register(special_care=["minor"])

    assert (calm["urgency"], minor["urgency"]) == ("P3", "P2")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"on_behalf_of": "李大妈"}, {"on_behalf": True}),
        ({"on_behalf_of": {"name": "李大妈", "relation": "邻居", "reference": "INF-7"}}, {"on_behalf": True}),
        (
            {"joint": {"households": 209, "signatories": ["张三丰", {"name": "李四光", "phone": "13900001111"}]}},
            {"joint": {"households": 209, "signatories": 2}},
        ),
        ({"attributes": {"queue_no": 12, "paid": False}}, {"attributes": {"queue_no": 12, "paid": False}}),
        ({"special_care": ["elderly", "elderly", "disabled"]}, {"special_care": ["elderly", "disabled"]}),
        ({"location": None}, {"location": None}),
        (
            {"location": {"grid_code": "411002001"}},
            {"location": {"place": "", "longitude": None, "latitude": None, "grid_code": "411002001"}},
        ),
        ({"description": None}, {"description": ""}),
    ],
)
async def test_optional_parts_are_kept(office: Office, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    receipt = await office.register(**changes)

    shown = (await office.get(f"/v1/appeals/{receipt['id']}")).json()
    assert {name: shown[name] for name in expected} == expected
    assert shown["status"] == "awaiting_dispatch"

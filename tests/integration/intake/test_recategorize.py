"""POST /v1/appeals/{id}/recategorize: what an appeal is about is changed with a reason, and never out of protection."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.ids import uuid7
from tests.integration.feedback.desk import ticket_acknowledged, ticket_dispatched
from tests.integration.intake.office import NAME, Office

REASON = "the caller meant the cover"


async def recategorize(office: Office, appeal_id: Any, code: str | None = "0203", **changes: Any) -> Any:
    headers = {name: changes.pop(name) for name in ("If_Match", "Idempotency_Key") if name in changes}
    body = {"category_code": code, "reason": REASON, **changes}
    given = {name: value for name, value in body.items() if value is not None}
    return await office.post(f"/v1/appeals/{appeal_id}/recategorize", given, **headers)


async def published(office: Office, consumer: str = "dispatch") -> list[tuple[str, dict[str, Any]]]:
    """What was told to a consumer, in order."""
    rows = [row for row in await office.rows("outbox") if row["consumer"] == consumer]
    return [(row["type"], row["data"]) for row in sorted(rows, key=lambda row: int(row["sequence"]))]


async def history(office: Office) -> list[dict[str, Any]]:
    return sorted(await office.rows("appeal_events"), key=lambda row: int(row["sequence"]))


async def test_setting_the_category_accepts_the_appeal(office: Office) -> None:
    receipt = await office.register(category_code=None)

    answer = await recategorize(office, receipt["id"])

    shown = answer.json()
    assert answer.status_code == 200, shown
    assert (shown["status"], shown["urgency"], shown["category_code"]) == ("awaiting_dispatch", "P1", "0203")
    assert answer.headers["ETag"] == '"v2"'
    steps = await history(office)
    assert [(row["sequence"], row["move"], row["rules"]) for row in steps] == [
        (1, "register", ["T1"]),
        (2, "recategorize", ["T43", "T10"]),
    ]
    assert steps[1]["details"] == {
        "reason": REASON,
        "changes": {
            "category_code": {"from": None, "to": "0203"},
            "urgency": {"from": None, "to": "P1"},
            "mode": {"from": None, "to": "committed"},
        },
    }
    assert [(kind, data["category_code"]) for kind, data in await published(office)] == [("appeal.accepted", "0203")]
    progress = await office.progress(receipt)
    assert [line["code"] for line in progress["timeline"]] == ["registered", "accepted"]


async def test_both_ways_into_acceptance_publish_the_same_facts(office: Office) -> None:
    direct = await office.register(category_code="0203", external_ref={"system": "a", "id": "1"})
    later = await office.register(category_code=None, external_ref={"system": "a", "id": "2"})
    await recategorize(office, later["id"])

    rows = {str(row["subject"]): row["data"] for row in await office.rows("outbox") if row["consumer"] == "dispatch"}
    own = ("receipt_number", "external_id")
    first, second = ({k: v for k, v in rows[r["id"]].items() if k not in own} for r in (direct, later))
    assert first == second


async def test_a_matter_that_is_not_ours_stays_on_the_review_list(office: Office) -> None:
    receipt = await office.register(category_code=None)

    shown = (await recategorize(office, receipt["id"], "1604")).json()

    assert (shown["status"], shown["mode"]) == ("registered", "advisory")
    assert await published(office) == []


async def test_a_report_gets_a_neutral_title_of_its_new_category(office: Office) -> None:
    receipt = await office.register(category_code=None, type="report")

    shown = (await recategorize(office, receipt["id"], "0203")).json()
    again = (await recategorize(office, receipt["id"], "0101")).json()

    assert (shown["title"], shown["description"]) == ("Report: Missing manhole cover", "")
    assert again["title"] == "Report: Exposed garbage"
    told = await published(office)
    assert [(kind, data["title"]) for kind, data in told] == [
        ("appeal.accepted", "Report: Missing manhole cover"),
        ("appeal.recategorized", "Report: Exposed garbage"),
    ]


async def test_an_accepted_appeal_changes_and_both_services_are_told(office: Office) -> None:
    receipt = await office.register()

    answer = await recategorize(office, receipt["id"])

    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_dispatch")
    for consumer in ("dispatch", "feedback"):
        [_, (kind, data)] = await published(office, consumer)
        assert kind == "appeal.recategorized"
        assert (data["category_code"], data["urgency"], data["mode"]) == ("0203", "P1", "committed")
        assert (data["category_name"], data["type"], data["confidential"]) == (
            "Missing manhole cover",
            "complaint",
            False,
        )
    assert (await history(office))[-1]["rules"] == ["T43"]


async def test_what_a_department_has_in_hand_changes_where_it_is(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched(), ticket_acknowledged())

    answer = await recategorize(office, receipt["id"])

    assert answer.json()["status"] == "in_progress"
    assert (await office.progress(receipt))["status"] == "in_progress"


async def test_a_changed_urgency_is_audited_from_what_to_what_why_and_by_whom(office: Office) -> None:
    receipt = await office.register()

    answer = await recategorize(office, receipt["id"], None, urgency="P1", reason="it blocks the ambulance 13812345678")

    assert answer.json()["urgency"] == "P1"
    step = (await history(office))[-1]
    assert (step["move"], step["rules"], step["actor"][:4]) == ("change_urgency", ["T43"], "key:")
    assert step["details"] == {
        "reason": "it blocks the ambulance [phone]",
        "changes": {"urgency": {"from": "P3", "to": "P1"}},
    }


@pytest.mark.parametrize("changes", [{"urgency": "P1"}, {"mode": "escalated"}, {"type": "help"}, {"code": "0203"}])
async def test_a_change_without_a_reason_is_refused(office: Office, changes: dict[str, Any]) -> None:
    receipt = await office.register()

    answer = await recategorize(office, receipt["id"], changes.pop("code", None), **{"reason": None, **changes})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["/reason"]
    assert len(await history(office)) == 1


async def test_a_body_that_changes_nothing_is_refused(office: Office) -> None:
    receipt = await office.register()

    nothing = await recategorize(office, receipt["id"], None)
    the_same = await recategorize(office, receipt["id"], "0101")

    assert nothing.status_code == 422
    assert (the_same.status_code, the_same.json()["code"]) == (409, "nothing_changes")


async def test_what_turns_out_to_be_a_report_loses_its_words_but_in_the_vault(office: Office) -> None:
    receipt = await office.register(description=f"{NAME} saw it", attributes={"seen_by": "neighbour"})

    answer = await recategorize(office, receipt["id"], None, type="report", reason="an official is accused")

    shown = answer.json()
    assert (shown["type"], shown["title"], shown["description"]) == ("report", "Report: Exposed garbage", "")
    assert (shown["reporter"]["confidential"], shown["reporter"]["name"]) == (True, None)
    assert shown["attributes"] == {}
    assert shown["location"]["place"] == ""
    [row] = await office.rows("appeals")
    assert (row["title"], row["description"], row["place"], row["reporter_hint"]) == (
        "Report: Exposed garbage",
        "",
        "",
        None,
    )
    kind, data = (await published(office))[-1]
    assert (kind, data["type"], data["confidential"]) == ("appeal.recategorized", "report", True)
    [sealed] = await office.rows("pii_vault")
    assert sealed["phone_hash"] is not None
    original = await opened(office, receipt["id"])
    assert original["original"] == {
        "title": "小区门口垃圾堆积",
        "description": f"{NAME} saw it",
        "address": "建设路12号",
        "attributes": {"seen_by": "neighbour"},
    }
    assert original["reporter"]["name"] == NAME


async def opened(office: Office, appeal_id: str) -> dict[str, Any]:
    """What the vault holds of an appeal."""
    from uuid import UUID

    from services.intake.db.appeals import read_vault

    record = await office.database.transact(lambda uow: read_vault(uow.connection, UUID(appeal_id)))
    assert record is not None
    return office.desk.vault.open(UUID(appeal_id), record)


async def test_protection_is_never_lost(office: Office) -> None:
    receipt = await office.register(type="report", category_code="1604")

    shown = (await recategorize(office, receipt["id"], "0101", type="complaint")).json()

    assert (shown["type"], shown["reporter"]["confidential"], shown["description"]) == ("complaint", True, "")
    assert shown["reporter"]["name"] is None
    [(kind, data)] = await published(office)
    assert (kind, data["confidential"], data["description"]) == ("appeal.accepted", True, "")


async def test_another_urgency_moves_the_term_to_accept_from_the_original_start(office: Office) -> None:
    receipt = await office.register(category_code=None, channel="web")
    office.clock.advance(timedelta(minutes=3))

    shown = (await recategorize(office, receipt["id"], None, urgency="P1", reason="gas")).json()
    office.clock.advance(timedelta(minutes=10))
    eased = (await recategorize(office, receipt["id"], None, urgency="P3", reason="no gas")).json()
    again = (await recategorize(office, receipt["id"], None, urgency="P2", reason="heat")).json()

    assert shown["accept_due_at"] == "2026-03-02T01:05:00Z"
    assert eased["accept_due_at"] == "2026-03-02T03:00:00Z"
    assert again["accept_due_at"] == "2026-03-02T01:15:00Z"
    office.clock.advance(timedelta(minutes=10))
    pressed = (await recategorize(office, receipt["id"], None, urgency="P1", reason="gas again")).json()
    assert pressed["accept_due_at"] == "2026-03-02T01:15:00Z"


async def test_an_app_that_only_hands_in_appeals_decides_nothing(office: Office) -> None:
    receipt = await office.register()
    office.headers = await office.key("appeals:write", "appeals:track")

    answer = await recategorize(office, receipt["id"])

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_stale_version_changes_nothing(office: Office) -> None:
    receipt = await office.register(category_code=None)

    stale = await recategorize(office, receipt["id"], If_Match='"v7"')
    fresh = await recategorize(office, receipt["id"], If_Match='"v1"')

    assert (stale.status_code, fresh.status_code) == (412, 200)


async def test_repetition_under_one_key_moves_once(office: Office) -> None:
    receipt = await office.register(category_code=None)

    first = await recategorize(office, receipt["id"], Idempotency_Key="r-1")
    again = await recategorize(office, receipt["id"], Idempotency_Key="r-1")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert len(await office.rows("outbox")) == 2


async def test_of_the_same_change_at_once_one_is_made(office: Office) -> None:
    receipt = await office.register(category_code=None)

    answers = await asyncio.gather(*(recategorize(office, receipt["id"]) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await office.rows("outbox")) == 2


@pytest.mark.parametrize("code", ["7777", "0110"])
async def test_a_category_that_cannot_be_used_changes_nothing(office: Office, code: str) -> None:
    receipt = await office.register(category_code=None)

    assert (await recategorize(office, receipt["id"], code)).status_code == 422
    assert (await office.progress(receipt))["status"] == "registered"


async def test_an_unknown_appeal_is_not_found(office: Office) -> None:
    assert (await recategorize(office, uuid7())).status_code == 404

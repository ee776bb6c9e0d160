"""Matters of the past: on record with their own times, never twice, bad ones reported, nobody notified."""

import asyncio
from datetime import timedelta
from typing import Any

from services.intake.domain.appeals import ExternalRef, Submission
from services.intake.domain.people import Reporter
from services.intake.use_cases.import_history import ImportResult, ImportStatus, PastAppeal, import_appeals
from shared.vocabulary import AppealType, Channel, Urgency
from tests.integration.intake.office import Office

DAY = timedelta(days=1)


def past(office: Office, id_: str = "1", *, said: dict[str, Any] | None = None, **facts: Any) -> PastAppeal:
    received = office.clock.now() - 40 * DAY
    submission: dict[str, Any] = {
        "type": AppealType.COMPLAINT,
        "channel": Channel.PHONE,
        "title": "Garbage 13812345678",
        "category_code": "0101",
        "received_at": received,
        "external_ref": ExternalRef("crm", id_),
        **(said or {}),
    }
    values: dict[str, Any] = {
        "submission": Submission(**submission),
        "department_code": "sani",
        "dispatched_at": received + DAY,
        "resolve_due_at": received + 5 * DAY,
        "resolved_at": received + 3 * DAY,
        "closed_at": received + 4 * DAY,
        **facts,
    }
    return PastAppeal(**values)


async def run(office: Office, *items: PastAppeal) -> list[ImportResult]:
    return await office.database.transact(lambda uow: import_appeals(uow, office.desk, items))


async def test_a_closed_matter_is_on_record_as_closed_and_only_an_import_is_published(office: Office) -> None:
    [result] = await run(office, past(office, urgency=Urgency.P2))

    assert result.status is ImportStatus.CREATED
    published = await office.rows("outbox")
    assert {row["type"] for row in published} == {"appeal.imported"}
    data = published[0]["data"]
    assert (data["department_code"], data["urgency"], data["title"]) == ("sani", "P2", "Garbage [phone]")
    assert data["closed_at"].startswith("2026-01-25")
    shown = (await office.get(f"/v1/appeals/{result.appeal_id}")).json()
    assert (shown["status"], shown["responsible_department_code"]) == ("closed", "sani")
    assert shown["received_at"].startswith("2026-01-21")
    assert shown["created_at"] == "2026-03-02T01:00:00Z"


async def test_what_is_on_record_is_skipped_and_told(office: Office) -> None:
    [first] = await run(office, past(office, "1"))
    again, new, twice = await run(office, past(office, "1"), past(office, "2"), past(office, "2"))

    assert (again.status, again.appeal_id) == (ImportStatus.DUPLICATE, first.appeal_id)
    assert new.status is ImportStatus.CREATED
    assert (twice.status, twice.appeal_id) == (ImportStatus.DUPLICATE, new.appeal_id)
    assert len(await office.rows("appeals")) == 2


async def test_bad_items_are_reported_and_stop_no_other(office: Office) -> None:
    now = office.clock.now()
    results = await run(
        office,
        past(office, "1", said={"category_code": "7777"}),
        past(office, "2", closed_at=now + DAY),
        past(office, "3", dispatched_at=now - 90 * DAY),
        past(office, "4", said={"title": "nul \x00"}),
        past(office, "5", said={"external_ref": None}),
        past(office, "6", said={"reporter": Reporter(phone="x")}),
        past(office, "7", said={"received_at": None}),
        past(office, "8"),
    )

    assert [[problem.field for problem in result.problems] for result in results] == [
        ["/category_code"],
        ["/closed_at"],
        ["/dispatched_at"],
        ["/title"],
        ["/external_ref"],
        ["/reporter/phone"],
        ["/received_at"],
        [],
    ]
    assert [row["external_id"] for row in await office.rows("appeals")] == ["8"]


async def test_a_category_that_is_retired_today_is_fine_for_the_past(office: Office) -> None:
    [result] = await run(office, past(office, said={"category_code": "0110"}))

    assert result.status is ImportStatus.CREATED


async def test_two_imports_at_once_make_one_of_each(office: Office) -> None:
    items = [past(office, str(number)) for number in range(30)]

    await asyncio.gather(run(office, *items), run(office, *reversed(items)))

    assert len(await office.rows("appeals")) == 30
    assert len(await office.rows("outbox")) == 60

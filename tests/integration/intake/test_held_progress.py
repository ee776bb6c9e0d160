"""What departments tell late or early, while intake holds an appeal and after it let go: nothing runs backwards."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts import events as e
from shared.vocabulary import AppealStatus
from tests.integration.feedback.desk import (
    resolution_accepted,
    ticket_acknowledged,
    ticket_dispatched,
    ticket_resolved,
)
from tests.integration.intake.office import Office

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def asked(office: Office) -> dict[str, Any]:
    """Return the receipt of an accepted appeal whose papers are awaited."""
    receipt = await office.register()
    office.clock.advance(HOUR)
    answer = await office.post(f"/v1/appeals/{receipt['id']}/supplement-requests", {"items": [{"name": "Deed"}]})
    assert answer.status_code == 200, answer.text
    return receipt


async def complete(office: Office, receipt: dict[str, Any]) -> None:
    answer = await office.post(f"/v1/appeals/{receipt['id']}/supplements", {"items": [{"name": "Deed"}]})
    assert answer.status_code == 200, answer.text


def rescheduled(office: Office, **facts: Any) -> e.TicketRescheduled:
    sent = ticket_dispatched()
    values = {
        "ticket_id": sent.ticket_id,
        "round": 1,
        "leg": 1,
        "department_code": sent.department_code,
        "department_name": sent.department_name,
        "reason": "resumed",
        "at": office.clock.now(),
        "policy_code": "G5D",
        "resolve_due_at": office.clock.now() + 5 * DAY,
        "promised_by": office.clock.now() + 5 * DAY,
    }
    return e.TicketRescheduled(**{**values, **facts})


async def test_a_dispatch_that_arrives_during_the_wait_adds_a_line_and_moves_nothing(office: Office) -> None:
    receipt = await asked(office)
    as_of = (await office.progress(receipt))["as_of"]

    await office.tell(receipt["id"], ticket_dispatched(), ticket_acknowledged())

    progress = await office.progress(receipt)
    assert (progress["status"], progress["as_of"]) == ("supplementing", as_of)
    assert {"dispatched", "acknowledged"} <= {line["code"] for line in progress["timeline"]}


async def test_a_line_that_changes_nothing_leaves_the_version_alone(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched())
    await office.post(f"/v1/appeals/{receipt['id']}/supplement-requests", {"items": [{"name": "Deed"}]})
    before = (await office.get(f"/v1/appeals/{receipt['id']}")).headers["ETag"]

    await office.tell(receipt["id"], ticket_acknowledged())

    assert (await office.get(f"/v1/appeals/{receipt['id']}")).headers["ETag"] == before


async def test_what_happened_before_the_wait_does_not_undo_what_came_after_it(office: Office) -> None:
    receipt = await asked(office)
    office.clock.advance(2 * DAY)
    await complete(office, receipt)

    await office.tell(receipt["id"], ticket_dispatched())

    progress = await office.progress(receipt)
    assert (progress["status"], progress["responsible_department"]) == ("awaiting_dispatch", "City management")


async def test_after_the_wait_it_goes_on_where_it_stood(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched())
    office.clock.advance(HOUR)
    await office.post(f"/v1/appeals/{receipt['id']}/supplement-requests", {"items": [{"name": "Deed"}]})
    office.clock.advance(2 * DAY)
    await complete(office, receipt)
    seen = [(await office.progress(receipt))["status"]]
    for event in (
        rescheduled(office),
        ticket_acknowledged(at=office.clock.now() + HOUR),
        ticket_resolved(at=office.clock.now() + 5 * HOUR),
        resolution_accepted(accepted_at=office.clock.now() + 6 * HOUR),
    ):
        await office.tell(receipt["id"], event)
        seen.append((await office.progress(receipt))["status"])

    assert seen == [
        "awaiting_dispatch",
        "awaiting_acknowledgement",
        "in_progress",
        "under_review",
        "awaiting_callback",
    ]
    assert (await office.progress(receipt))["promised_by"] == "2026-03-09T02:00:00Z"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (AppealStatus.IN_PROGRESS, "in_progress"),
        (AppealStatus.UNDER_REVIEW, "under_review"),
        (AppealStatus.RETURN_REVIEW, "awaiting_acknowledgement"),
        (None, "awaiting_acknowledgement"),
    ],
)
async def test_what_the_department_had_begun_before_it_heard_of_the_papers_is_shown_again(
    office: Office, status: AppealStatus | None, shown: str
) -> None:
    receipt = await asked(office)
    await office.tell(receipt["id"], ticket_dispatched(), ticket_acknowledged())
    office.clock.advance(DAY)
    await complete(office, receipt)

    await office.tell(receipt["id"], rescheduled(office, status=status))

    assert (await office.progress(receipt))["status"] == shown


async def test_another_matter_moves_the_promise_and_not_the_state(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched())

    await office.tell(receipt["id"], rescheduled(office, reason="recategorized", status=AppealStatus.UNDER_REVIEW))

    progress = await office.progress(receipt)
    assert (progress["status"], progress["promised_by"]) == ("awaiting_acknowledgement", "2026-03-07T01:00:00Z")


async def test_clocks_that_differ_by_a_second_lose_nothing(office: Office) -> None:
    receipt = await asked(office)
    office.clock.advance(DAY)
    await complete(office, receipt)

    await office.tell(receipt["id"], rescheduled(office, at=office.clock.now() - timedelta(seconds=1)))

    assert (await office.progress(receipt))["status"] == "awaiting_acknowledgement"


async def test_what_expired_stays_ended_whatever_is_told_afterwards(office: Office) -> None:
    receipt = await asked(office)
    body = {"reason": "moved away", "access_code": receipt["access_code"]}
    assert (await office.post(f"/v1/appeals/{receipt['id']}/withdraw", body)).status_code == 200

    await office.tell(receipt["id"], ticket_dispatched(dispatched_at=office.clock.now() + HOUR), resolution_accepted())

    progress = await office.progress(receipt)
    assert (progress["status"], progress["responsible_department"]) == ("withdrawn", None)

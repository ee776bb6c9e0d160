"""Tickets as the rules see them, with clocks that are easy to reckon with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.dispatch.domain.ticket import LegClocks, Matter, Resolution, Ticket, TimerPlan
from services.dispatch.domain.ticket_machine import decide, evolve_all
from services.dispatch.domain.ticket_moves import Dispatch
from shared.ids import uuid7
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, TimerLevel, TimerName, Urgency

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

MATTER = Matter(
    receipt_number="2026030200000001",
    type=AppealType.COMPLAINT,
    channel=Channel.PHONE,
    category_code="0101",
    category_name="暴露垃圾",
    urgency=Urgency.P3,
    mode=HandlingMode.COMMITTED,
    title="垃圾未清",
    description="",
    place="",
    grid_code="411002001001001",
    longitude=None,
    latitude=None,
    anonymous=False,
    confidential=False,
    wants_reply=True,
    special_care=(),
    households=0,
    signatories=0,
    received_at=START,
    accepted_at=START,
)


def clocks(at: datetime, *, can_return: bool = True) -> LegClocks:
    """T_SIGN 8 h, T_CONTACT 16 h, T_RETURN 4 h, T_RESOLVE 40 h after `at`."""
    dues = {
        TimerName.ACKNOWLEDGE: at + 8 * HOUR,
        TimerName.CONTACT: at + 16 * HOUR,
        TimerName.RESOLVE: at + 40 * HOUR,
    }
    return LegClocks(
        policy_code="G5D",
        policy_version=1,
        calendar_code="city",
        calendar_version=1,
        acknowledge_due_at=dues[TimerName.ACKNOWLEDGE],
        contact_due_at=dues[TimerName.CONTACT],
        return_until=at + 4 * HOUR if can_return else None,
        resolve_due_at=dues[TimerName.RESOLVE],
        timers=tuple(TimerPlan(timer, TimerLevel.RED_CARD, due, due) for timer, due in dues.items()),
    )


def waiting_ticket(**changes: Any) -> Ticket:
    """A ticket nobody has been given yet."""
    ticket = Ticket(
        id=uuid7(),
        appeal_id=uuid7(),
        matter=MATTER,
        status=AppealStatus.AWAITING_DISPATCH,
        round=1,
        created_at=START,
        updated_at=START,
    )
    return replace(ticket, **changes)


def after(ticket: Ticket, command: Any, at: datetime) -> Ticket:
    """The ticket after a move that must be legal."""
    return evolve_all(ticket, decide(ticket, command, at))


def dispatched(at: datetime = START, department: str = "sanitation") -> Ticket:
    return after(waiting_ticket(), Dispatch(department, department.title(), clocks(at)), at)


RESOLUTION = Resolution("已清运", resolved=True)

"""Between rows and the domain's tickets: the one place that knows both shapes."""

from typing import Any

import orjson
from sqlalchemy import RowMapping

from services.dispatch.db.bulk import column_names
from services.dispatch.db.tables_tickets import ticket_legs, tickets
from services.dispatch.domain.ticket import (
    Leg,
    LegClocks,
    LegOutcome,
    Matter,
    Members,
    Pause,
    Resolution,
    ReturnReason,
    Ticket,
)
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

LEG_PREFIX = "leg_"
NEW_TICKET_COLUMNS = column_names(
    tickets,
    without=frozenset(
        {
            "returnable",
            "returned_by",
            "needs_consultation",
            "lease_token_hash",
            "lease_expires_at",
            "review_due_at",
            "paused_at",
            "paused_from",
            "paused_offer",
            "resumed_at",
            "master_appeal_id",
            "attached_appeals",
            "attached_households",
            "attached_persons",
            "urges",
            "group_risk",
        }
    ),
)
NEW_LEG_COLUMNS = column_names(
    ticket_legs,
    without=frozenset({"return_requested_at", "return_reason", "return_refused_at", "late_sign", "late_contact"}),
)
# The current leg beside its ticket, under names of its own.
LEG_COLUMNS = [column.label(LEG_PREFIX + column.name) for column in ticket_legs.columns]
MOVING_COLUMNS = (
    "status",
    "round",
    "leg",
    "department_code",
    "department_name",
    "promised_by",
    "resolve_due_at",
    "dispatch_due_at",
    "review_due_at",
    "returnable",
    "returned_by",
    "needs_consultation",
    "pull_pending",
    "lease_token_hash",
    "lease_expires_at",
    "closed_at",
    "version",
    "updated_at",
)


# What only intake's word changes: most tickets are never written here again.
RARE_COLUMNS = (
    "appeal_type",
    "category_code",
    "category_name",
    "urgency",
    "mode",
    "title",
    "description",
    "place",
    "grid_code",
    "longitude",
    "latitude",
    "confidential",
    "paused_at",
    "paused_from",
    "paused_offer",
    "resumed_at",
    "master_appeal_id",
    "attached_appeals",
    "attached_households",
    "attached_persons",
    "urges",
    "group_risk",
)


def ticket_values(ticket: Ticket) -> dict[str, Any]:
    """Return every column of a ticket's row; JSON as text."""
    matter = ticket.matter
    return {
        "id": ticket.id,
        "appeal_id": ticket.appeal_id,
        "receipt_number": matter.receipt_number,
        "appeal_type": matter.type,
        "channel": matter.channel,
        "category_code": matter.category_code,
        "category_name": matter.category_name,
        "urgency": matter.urgency,
        "mode": matter.mode,
        "title": matter.title,
        "description": matter.description,
        "place": matter.place,
        "grid_code": matter.grid_code,
        "longitude": matter.longitude,
        "latitude": matter.latitude,
        "anonymous": matter.anonymous,
        "confidential": matter.confidential,
        "wants_reply": matter.wants_reply,
        "special_care": orjson.dumps(matter.special_care).decode(),
        "households": matter.households,
        "signatories": matter.signatories,
        "received_at": matter.received_at,
        "accepted_at": matter.accepted_at,
        "imported": ticket.imported,
        "created_at": ticket.created_at,
        **moving_values(ticket),
    }


def moving_values(ticket: Ticket) -> dict[str, Any]:
    """Return the columns that a move may change."""
    leg = ticket.leg if ticket.department_code is not None else None
    return {
        "status": ticket.status,
        "round": ticket.round,
        "leg": ticket.leg_number,
        "department_code": ticket.department_code,
        "department_name": ticket.department_name,
        "promised_by": ticket.promised_by,
        "resolve_due_at": leg.clocks.resolve_due_at if leg is not None else ticket.promised_by,
        "dispatch_due_at": ticket.dispatch_due_at,
        "review_due_at": ticket.review_due_at,
        "returnable": ticket.returnable,
        "returned_by": list(ticket.returned_by),
        "needs_consultation": ticket.needs_consultation,
        "pull_pending": ticket.pull_pending,
        "lease_token_hash": ticket.lease_token_hash,
        "lease_expires_at": ticket.lease_expires_at,
        "closed_at": ticket.closed_at,
        "version": ticket.version,
        "updated_at": ticket.updated_at,
    }


def rare_values(ticket: Ticket) -> dict[str, Any]:
    """Return the columns that only intake's word changes."""
    matter, pause, members = ticket.matter, ticket.pause, ticket.members
    return {
        "appeal_type": matter.type,
        "category_code": matter.category_code,
        "category_name": matter.category_name,
        "urgency": matter.urgency,
        "mode": matter.mode,
        "title": matter.title,
        "description": matter.description,
        "place": matter.place,
        "grid_code": matter.grid_code,
        "longitude": matter.longitude,
        "latitude": matter.latitude,
        "confidential": matter.confidential,
        "paused_at": None if pause is None else pause.at,
        "paused_from": None if pause is None else pause.from_status,
        "paused_offer": None if pause is None else pause.offered,
        "resumed_at": None if pause is None else pause.until,
        "master_appeal_id": ticket.master_appeal_id,
        "attached_appeals": members.appeals,
        "attached_households": members.households,
        "attached_persons": members.persons,
        "urges": ticket.urges,
        "group_risk": ticket.group_risk,
    }


def leg_values(ticket: Ticket, leg: Leg) -> dict[str, Any]:
    """Return every column of a leg's row."""
    clocks, resolution = leg.clocks, leg.resolution
    return {
        "ticket_id": ticket.id,
        "number": leg.number,
        "round": leg.round,
        "department_code": leg.department_code,
        "department_name": leg.department_name,
        "dispatched_at": leg.dispatched_at,
        "policy_code": clocks.policy_code,
        "policy_version": clocks.policy_version,
        "calendar_code": clocks.calendar_code,
        "calendar_version": clocks.calendar_version,
        "acknowledge_due_at": clocks.acknowledge_due_at,
        "contact_due_at": clocks.contact_due_at,
        "return_until": clocks.return_until,
        "resolve_due_at": clocks.resolve_due_at,
        "provisional": clocks.provisional,
        "acknowledged_at": leg.acknowledged_at,
        "auto_acknowledged_at": leg.auto_acknowledged_at,
        "late_sign": leg.late_sign,
        "contacted_at": leg.contacted_at,
        "late_contact": leg.late_contact,
        "return_requested_at": leg.return_requested_at,
        "return_reason": leg.return_reason,
        "return_refused_at": leg.return_refused_at,
        "resolved_at": leg.resolved_at,
        "late_resolve": leg.late_resolve,
        "reply": resolution.reply if resolution is not None else None,
        "resolved": resolution.resolved if resolution is not None else None,
        "public_reply": resolution.public_reply if resolution is not None else None,
        "measure": resolution.measure if resolution is not None else None,
        "cost": resolution.cost if resolution is not None else None,
        "ended_at": leg.ended_at,
        "outcome": leg.outcome,
    }


def ticket_of(row: RowMapping) -> Ticket:
    """Build a ticket from a row of tickets joined with its current leg."""
    return Ticket(
        id=row["id"],
        appeal_id=row["appeal_id"],
        matter=_matter_of(row),
        status=AppealStatus(row["status"]),
        round=row["round"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
        department_code=row["department_code"],
        department_name=row["department_name"],
        promised_by=row["promised_by"],
        returnable=row["returnable"],
        returned_by=tuple(row["returned_by"]),
        needs_consultation=row["needs_consultation"],
        pull_pending=row["pull_pending"],
        imported=row["imported"],
        closed_at=row["closed_at"],
        leg=leg_of(row, LEG_PREFIX) if row["leg_number"] is not None else None,
        dispatch_due_at=row["dispatch_due_at"],
        review_due_at=row["review_due_at"],
        lease_token_hash=row["lease_token_hash"],
        lease_expires_at=row["lease_expires_at"],
        pause=_pause_of(row),
        master_appeal_id=row["master_appeal_id"],
        members=Members(row["attached_appeals"], row["attached_households"], row["attached_persons"]),
        urges=row["urges"],
        group_risk=row["group_risk"],
    )


def _pause_of(row: RowMapping) -> Pause | None:
    if row["paused_at"] is None:
        return None
    return Pause(row["paused_at"], AppealStatus(row["paused_from"]), row["paused_offer"], row["resumed_at"])


def _matter_of(row: RowMapping) -> Matter:
    return Matter(
        receipt_number=row["receipt_number"],
        type=AppealType(row["appeal_type"]),
        channel=Channel(row["channel"]),
        category_code=row["category_code"],
        category_name=row["category_name"],
        urgency=Urgency(row["urgency"]),
        mode=HandlingMode(row["mode"]),
        title=row["title"],
        description=row["description"],
        place=row["place"],
        grid_code=row["grid_code"],
        longitude=row["longitude"],
        latitude=row["latitude"],
        anonymous=row["anonymous"],
        confidential=row["confidential"],
        wants_reply=row["wants_reply"],
        special_care=tuple(SpecialCare(value) for value in row["special_care"]),
        households=row["households"],
        signatories=row["signatories"],
        received_at=row["received_at"],
        accepted_at=row["accepted_at"],
    )


def leg_of(row: RowMapping, prefix: str = "") -> Leg:
    """Build a leg from its row; timers are not part of what is read back."""

    def value(name: str) -> Any:
        return row[prefix + name]

    reason, outcome = value("return_reason"), value("outcome")
    return Leg(
        number=value("number"),
        round=value("round"),
        department_code=value("department_code"),
        department_name=value("department_name"),
        dispatched_at=value("dispatched_at"),
        clocks=LegClocks(
            policy_code=value("policy_code"),
            policy_version=value("policy_version"),
            calendar_code=value("calendar_code"),
            calendar_version=value("calendar_version"),
            acknowledge_due_at=value("acknowledge_due_at"),
            contact_due_at=value("contact_due_at"),
            return_until=value("return_until"),
            resolve_due_at=value("resolve_due_at"),
            provisional=value("provisional"),
        ),
        acknowledged_at=value("acknowledged_at"),
        auto_acknowledged_at=value("auto_acknowledged_at"),
        late_sign=value("late_sign"),
        contacted_at=value("contacted_at"),
        late_contact=value("late_contact"),
        return_requested_at=value("return_requested_at"),
        return_reason=ReturnReason(reason) if reason is not None else None,
        return_refused_at=value("return_refused_at"),
        resolved_at=value("resolved_at"),
        late_resolve=value("late_resolve"),
        resolution=Resolution(
            reply=value("reply"),
            resolved=value("resolved"),
            public_reply=value("public_reply"),
            measure=value("measure"),
            cost=value("cost"),
        )
        if value("reply") is not None
        else None,
        ended_at=value("ended_at"),
        outcome=LegOutcome(outcome) if outcome is not None else None,
    )

"""What each channel brings along besides the matter itself: the facts of the letter box, the window, the meeting.

Pure rules over `channel_details`: which facts belong to which channel, their order in time, and what follows from them.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from services.intake.domain import texts
from shared.errors import FieldProblem
from shared.vocabulary import Channel, Urgency

Details = Mapping[str, Any]


class ReportKind(StrEnum):
    """The three reports 三报告 of a building chief (HZ-08)."""

    MONTHLY = "monthly"
    HAZARD = "hazard"
    EVENT = "event"


class EnteredVia(StrEnum):
    """How what is on paper got into the system."""

    SCREEN = "screen"
    CSV = "csv"
    SCAN = "scan"


_PAPER: Final = ("location_id", "found_at", "sheet_number", "entered_via")
_COUNTER: Final = ("window_id", "queue_number", "clerk", "item_code")
_MEETING: Final = ("session_id", "visitor_number", "leader", "deputy")
_FIELD_WORK: Final = ("informant_id", "reference", "group", "session_id")
_OTHER_SYSTEM: Final = ("system", "foreign_number", "handed_over_at", "officer")
_ONLINE: Final = ("message_id", "conversation_id", "client")

FIELDS: Final[Mapping[Channel, tuple[str, ...]]] = MappingProxyType(
    {
        Channel.PHONE: ("call_id", "recording_id", "line"),
        Channel.WEB: _ONLINE,
        Channel.WECHAT: _ONLINE,
        Channel.APP: _ONLINE,
        Channel.SMS: _ONLINE,
        Channel.EMAIL: _ONLINE,
        Channel.WEB_MAILBOX: _ONLINE,
        Channel.OPEN311: _ONLINE,
        Channel.MESSAGE_BOARD: (*_ONLINE, "outlet", "url"),
        Channel.BOX: _PAPER,
        Channel.CARD: (*_PAPER, "card_number"),
        Channel.BOOK: _PAPER,
        Channel.JOINT_LETTER: _PAPER,
        Channel.WINDOW: _COUNTER,
        Channel.EVAL_WINDOW: _COUNTER,
        Channel.CANNOT_DO_WINDOW: _COUNTER,
        Channel.VISIT: _FIELD_WORK,
        Channel.INFORMANT: _FIELD_WORK,
        Channel.GRID: _FIELD_WORK,
        Channel.BUILDING_CHIEF: (*_FIELD_WORK, "report_kind"),
        Channel.VOLUNTEER: _FIELD_WORK,
        Channel.RECEPTION_DAY: _MEETING,
        Channel.DEPUTY_STATION: _MEETING,
        Channel.TALK_MEETING: _MEETING,
        Channel.SUPERIOR: _OTHER_SYSTEM,
        Channel.FROM_110: _OTHER_SYSTEM,
        Channel.OTHER_HOTLINE: _OTHER_SYSTEM,
        Channel.MEDIA: ("outlet", "published_at", "url"),
        Channel.SURVEY: ("survey_id", "card_number", "entered_via"),
        Channel.REVIEW: ("evaluation_ref", "score"),
        Channel.VIDEO_IOT: ("device_id", "event_id"),
    }
)
"""The facts each channel may bring; none of them is ever required."""

HANDED_OVER: Final = frozenset({Channel.SUPERIOR, Channel.FROM_110, Channel.OTHER_HOTLINE})
_FLOORS: Final = {ReportKind.HAZARD: Urgency.P2, ReportKind.EVENT: Urgency.P1}
_SKEW_FIELDS: Final = ("found_at", "handed_over_at", "published_at")
_NAMES: Final = frozenset({"clerk", "leader", "deputy", "officer", "outlet", "group"})
# Numbers that other systems give out may have any form, also that of a mobile number.
_FOREIGN: Final = frozenset({"foreign_number", "device_id", "event_id"})
# What leads to the person who files, and so is kept in the vault when that person is protected.
_TELLING: Final = frozenset(
    {
        "call_id",
        "recording_id",
        "message_id",
        "conversation_id",
        "queue_number",
        "visitor_number",
        "informant_id",
        "reference",
        "foreign_number",
        "card_number",
        "evaluation_ref",
        "url",
    }
)
_MOBILE: Final = re.compile(r"(?<![0-9])(?:\+?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9])")
_IDENTITY: Final = re.compile(r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx](?![0-9])")
_ADDRESS: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,120}>")


def problems_of(
    channel: Channel, details: Details, *, received_at: datetime | None = None, latest: datetime | None = None
) -> Iterator[FieldProblem]:
    """Yield what is wrong with the facts of a channel; `latest` is the last moment that is not in the future.

    Trap 43: found, received and entered are three times, in this order.
    """
    if not details:
        return
    yield from _misplaced(channel, details)
    yield from _problems_of_times(details, received_at, latest)
    for name, value in details.items():
        if isinstance(value, str) and name not in _NAMES | _FOREIGN and is_personal(value):
            yield FieldProblem(
                f"/channel_details/{name}", "looks like a phone number, an address or an identity number"
            )
    url = details.get("url")
    if isinstance(url, str) and not url.startswith(("https://", "http://")):
        yield FieldProblem("/channel_details/url", "must start with https:// or http://")
    if details.get("leader") and details.get("deputy"):
        yield FieldProblem("/channel_details/deputy", "name either the leader or the deputy who received")
    if details.get("report_kind") == ReportKind.MONTHLY:
        yield FieldProblem(
            "/channel_details/report_kind",
            "a monthly report is no appeal; send it to /v1/building-reports",
            [ReportKind.HAZARD.value, ReportKind.EVENT.value],
        )


def _misplaced(channel: Channel, details: Details) -> Iterator[FieldProblem]:
    taken = FIELDS[channel]
    for name in details:
        if name not in taken:
            yield FieldProblem(f"/channel_details/{name}", f"does not belong to channel {channel.value}", list(taken))


def _problems_of_times(
    details: Details, received_at: datetime | None, latest: datetime | None
) -> Iterator[FieldProblem]:
    for name in _SKEW_FIELDS:
        moment = details.get(name)
        if isinstance(moment, datetime) and latest is not None and moment > latest:
            yield FieldProblem(f"/channel_details/{name}", "lies in the future")
    found_at = details.get("found_at")
    if isinstance(found_at, datetime) and received_at is not None and found_at > received_at:
        yield FieldProblem("/channel_details/found_at", "lies after received_at")


def is_personal(value: str) -> bool:
    """True for what looks like a mobile or identity number or an e-mail address; `<id@host>` names a message."""
    if _MOBILE.search(value) or _IDENTITY.search(value):
        return True
    return _ADDRESS.search(value) is not None and _MESSAGE_ID.fullmatch(value) is None and "://" not in value


def urgency_floor(channel: Channel, details: Details | None) -> Urgency | None:
    """HZ-08: a hazard a building chief reports is same-day livelihood at least, an event is danger to life."""
    kind = (details or {}).get("report_kind")
    if channel is not Channel.BUILDING_CHIEF or kind is None or kind not in set(ReportKind):
        return None
    return _FLOORS.get(ReportKind(kind))


def external_reference(channel: Channel, details: Details) -> tuple[str, str] | None:
    """What keeps a matter from another system from being entered twice: that system's name and its number there."""
    number = details.get("foreign_number")
    if channel not in HANDED_OVER or not number:
        return None
    return str(details.get("system") or channel.value), str(number)


def first_asked(named: str | None, details: Details) -> str | None:
    """HZ-03: the clerk at the window is the first person asked, unless somebody else is named."""
    name = named or details.get("clerk")
    return texts.mask_person(str(name)) if name else None


def shown(details: Details, *, protected: bool) -> dict[str, Any]:
    """Return what may leave the vault: names without numbers, and of a protected person nothing that leads there."""
    return {
        name: texts.mask_person(value) if name in _NAMES and isinstance(value, str) else value
        for name, value in details.items()
        if not (protected and name in _TELLING)
    }

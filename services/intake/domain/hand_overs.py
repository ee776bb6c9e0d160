"""T3: what cannot wait goes to the emergency services at once, and what became of it is on record (trap 31)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.errors import FieldProblem

CLOCK_SKEW: Final = timedelta(minutes=2)


class EmergencyService(StrEnum):
    """Whom a call centre is joined to (LZ-07)."""

    POLICE = "police"
    FIRE = "fire"
    AMBULANCE = "ambulance"
    TRAFFIC = "traffic"
    UTILITY = "utility"
    OTHER = "other"


SERVICE_NAMES: Final[Mapping[EmergencyService, tuple[str, str]]] = {
    EmergencyService.POLICE: ("the police (110)", "公安（110）"),
    EmergencyService.FIRE: ("the fire brigade (119)", "消防（119）"),
    EmergencyService.AMBULANCE: ("the ambulance service (120)", "急救（120）"),
    EmergencyService.TRAFFIC: ("the traffic police (122)", "交警（122）"),
    EmergencyService.UTILITY: ("the utility's emergency repair service", "公用事业抢修"),
    EmergencyService.OTHER: ("the service in charge", "相关应急单位"),
}


@dataclass(frozen=True, slots=True)
class HandOver:
    """One call to a service. `result` may follow later; until then it is on the list of those without one."""

    service: EmergencyService
    handed_over_at: datetime
    partner_code: str | None = None
    reference: str = ""
    result: str | None = None
    keep_handling: bool = False


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation the call centre is joined to; its number is the organisation's, nobody's own."""

    code: str
    service: EmergencyService
    name: str
    phone: str
    hours: str = ""
    retired: bool = False
    version: int = 1


def problems_of_time(field: str, at: datetime, *, not_before: datetime, now: datetime) -> Iterator[FieldProblem]:
    """A moment between what it follows and now; clocks may differ a little."""
    if at > now + CLOCK_SKEW:
        yield FieldProblem(field, "lies in the future")
    if at < not_before - CLOCK_SKEW:
        yield FieldProblem(field, "lies before what it follows", {"ge": not_before.isoformat()})


def latency(received_at: datetime, handed_over_at: datetime) -> timedelta:
    """How long it lay with the office; the target is nothing (T3)."""
    return max(handed_over_at - received_at, timedelta())

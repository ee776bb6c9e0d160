"""One matter, many voices: who may be attached to whom (T9), signatures as sealed evidence, when a group is a risk.

Section 8 of the specification. Appeals and persons are counted apart; 209 households that sign one petition are one
appeal, 209 households and at most five representatives (trap 25, HZ-12).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from services.intake.domain.machine import OPEN
from services.intake.domain.people import Joint, Person, normalise_phone
from shared.errors import Conflict, FieldProblem, InvalidInput
from shared.vocabulary import AppealStatus, AppealType

MOST_REPRESENTATIVES: Final = 5
RISK_PERSONS: Final = 5
RISK_APPEALS: Final = 3
RISK_WINDOW: Final = timedelta(hours=24)


class RiskReason(StrEnum):
    """What made a group a risk: how many people, or how many appeals, inside the window."""

    PERSONS = "persons"
    APPEALS = "appeals"


@dataclass(frozen=True, slots=True)
class Voice:
    """What matters of an appeal when it is to be attached, or when another is to be attached to it."""

    id: UUID
    receipt_number: str
    type: AppealType
    status: AppealStatus
    master_id: UUID | None = None
    members: int = 0
    is_classified: bool = True


class CannotAttach(Conflict):
    """The two appeals cannot be handled as one."""

    code = "cannot_attach"
    title = "These appeals cannot be attached to each other"


def check_attachable(member: Voice, master: Voice) -> None:
    """Raise InvalidInput or CannotAttach unless `member` may be handled with `master`.

    A chain is never built, so that one look finds the master. A report goes with reports only: what it is attached to
    would show what it is about (trap 28).
    """
    if member.id == master.id:
        problem = FieldProblem("/master_id", "an appeal cannot be attached to itself")
        raise InvalidInput("An appeal cannot be attached to itself.", [problem])
    if master.master_id is not None:
        raise CannotAttach(
            "The appeal named as master is attached to another one itself: attach to that one.",
            reason="master_is_attached",
            master_id=str(master.master_id),
        )
    if master.status not in OPEN:
        raise CannotAttach(
            f"The appeal named as master has ended ({master.status.value}).",
            reason="master_has_ended",
            state=master.status.value,
        )
    if not master.is_classified:
        raise CannotAttach(
            "The appeal named as master has no category yet: set it first.", reason="master_without_category"
        )
    if member.members:
        raise CannotAttach(
            f"{member.members} appeals are attached to this one: detach them, or attach them to the master as well.",
            reason="has_members",
            members=member.members,
        )
    if (member.type is AppealType.REPORT) != (master.type is AppealType.REPORT):
        raise CannotAttach("A report is attached to reports only.", reason="report")


def problems_of_joint(joint: Joint) -> Iterator[FieldProblem]:
    """Yield what is wrong with a joint appeal: more representatives than may come, fewer persons than names."""
    if len(joint.representatives) > MOST_REPRESENTATIVES:
        yield FieldProblem(
            "/joint/representatives",
            f"at most {MOST_REPRESENTATIVES} people represent a joint appeal",
            {"max_items": MOST_REPRESENTATIVES},
        )
    if joint.persons and joint.persons < len(joint.signatories):
        yield FieldProblem("/joint/persons", "is less than the signatories listed", {"ge": len(joint.signatories)})
    for index, person in enumerate(joint.representatives):
        if person.phone and normalise_phone(person.phone) is None:
            yield FieldProblem(f"/joint/representatives/{index}/phone", "is not a phone number")


def list_content(joint: Joint) -> dict[str, Any]:
    """Return what a list of signatories holds: evidence and personal data, for sealed storage only."""
    return {
        "signatories": [_person(person) for person in joint.signatories],
        "representatives": [_person(person) for person in joint.representatives],
    }


def _person(person: Person) -> dict[str, str | None]:
    return {
        "name": person.name,
        "phone": person.phone,
        "relation": person.relation,
        "reference": person.reference,
    }


def persons_of(joint: Joint | None) -> int:
    """How many people stand behind a joint appeal; 0 when it is not a joint one."""
    return max(joint.persons, len(joint.signatories)) if joint is not None else 0


def seal_of(content: Mapping[str, Any], *, appeal_id: UUID, version: int, previous: bytes) -> bytes:
    """Return the SHA-256 that seals one version of a list of signatories, chained to the version before.

    Over canonical JSON, so that whoever holds the opened list can compute it again.
    """
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256()
    digest.update(appeal_id.bytes)
    digest.update(version.to_bytes(4, "big"))
    digest.update(previous)
    digest.update(canonical.encode())
    return digest.digest()


@dataclass(frozen=True, slots=True)
class Contribution:
    """One appeal on a cause: when the office had it, and how many people and households stand behind it."""

    at: datetime
    persons: int
    households: int


@dataclass(frozen=True, slots=True)
class Risk:
    """A cause that gathers too fast (section 8): the first reason that applies, with the counts in the window."""

    reason: RiskReason
    appeals: int
    persons: int
    households: int


def risk_of(contributions: Sequence[Contribution], now: datetime) -> tuple[Risk, ...]:
    """Return every reason to warn: at least 5 persons, at least 3 appeals, on one cause within 24 hours.

    An appeal of one person counts as one person, a joint one as all who signed.
    """
    recent = [item for item in contributions if now - RISK_WINDOW < item.at <= now]
    appeals = len(recent)
    persons = sum(max(item.persons, 1) for item in recent)
    households = sum(item.households for item in recent)
    found = []
    if persons >= RISK_PERSONS:
        found.append(Risk(RiskReason.PERSONS, appeals, persons, households))
    if appeals >= RISK_APPEALS:
        found.append(Risk(RiskReason.APPEALS, appeals, persons, households))
    return tuple(found)

"""What clients send and get about appeals that are handled together, joint appeals and group alarms."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from services.intake.api.schemas import JointIn
from services.intake.use_cases.keep_signatories import ListVersion
from services.intake.use_cases.read_group import Group
from shared.http.text import Input, Line, Output
from shared.vocabulary import AppealStatus, Channel


class AttachIn(Input):
    """Handle this appeal with another on the same matter, the master; the same place is not the same matter."""

    master_id: UUID
    reason: Annotated[str, Line(500)]


class DetachIn(Input):
    """Why it goes its own way again."""

    reason: Annotated[str, Line(500)]


class SignatoriesIn(JointIn):
    """A new version of who signed: the whole list, and why there is a new one."""

    reason: Annotated[str, Line(500)]


class AcknowledgeAlarmIn(Input):
    """What is being done about it."""

    note: Annotated[str, Line(500)]


class MemberView(Output):
    """One appeal of a group; it keeps its number and its own verdict."""

    id: UUID
    receipt_number: str
    status: AppealStatus
    channel: Channel
    households: int
    signatories: int
    received_at: datetime
    created_at: datetime
    attached_at: datetime | None = None
    reason: str | None = None


class GroupView(Output):
    """Appeals that are handled as one; persons and households of all of them."""

    master: MemberView
    members: list[MemberView]
    appeals: int
    persons: int
    households: int


def group_view(group: Group) -> GroupView:
    master = {**group.master, "status": group.master["seen_status"]}
    return GroupView(
        master=_member(master),
        members=[_member({**row, "id": row["appeal_id"]}) for row in group.members],
        appeals=1 + len(group.members),
        persons=group.persons,
        households=group.households,
    )


def _member(row: Mapping[str, Any]) -> MemberView:
    return MemberView(**{name: row[name] for name in MemberView.model_fields if name in row})


class SignatoryVersionView(Output):
    """One version of a list: counted and sealed, nobody's name. `intact` is null once its key was destroyed."""

    version: int
    households: int
    persons: int
    representatives: int
    sha256: str
    intact: bool | None
    actor: str
    reason: str
    at: datetime


class SignatoryVersions(Output):
    items: list[SignatoryVersionView]


def versions_view(versions: list[ListVersion]) -> SignatoryVersions:
    return SignatoryVersions(
        items=[
            SignatoryVersionView(
                version=item.version,
                households=item.households,
                persons=item.persons,
                representatives=item.representatives,
                sha256=item.seal.hex(),
                intact=item.intact,
                actor=item.actor,
                reason=item.reason,
                at=item.at,
            )
            for item in versions
        ]
    )


class AlarmView(Output):
    """A cause that gathered too fast; counts are those of the moment it was raised."""

    id: UUID
    appeal_id: UUID
    receipt_number: str
    category_code: str | None
    grid_code: str | None
    reason: Literal["persons", "appeals"]
    appeals: int
    persons: int
    households: int
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None


def alarm_view(row: Mapping[str, Any]) -> AlarmView:
    return AlarmView(**{name: row[name] for name in AlarmView.model_fields})

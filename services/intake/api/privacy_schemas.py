"""What clients send and get about personal data: reveals, the access log, legal holds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from services.intake.use_cases.watch_access import AccessKind
from shared.http.text import Input, Line, Output


class RevealIn(Input):
    """Why the personal data is needed; kept in the access log."""

    reason: Annotated[str, Line(500)]


class RevealDecisionIn(Input):
    """What the second person decides."""

    approved: bool
    note: Annotated[str, Line(500)]


class HoldIn(Input):
    """Why nothing of the appeal may be destroyed, or why that is over."""

    reason: Annotated[str, Line(500)]


class RevealedView(Output):
    """The vault's content for one appeal. `watermark` tells whose copy it is; show it wherever this is shown."""

    appeal_id: UUID
    reporter: dict[str, Any] | None
    on_behalf_of: dict[str, Any] | None
    signatories: list[dict[str, Any]]
    representatives: list[dict[str, Any]]
    original: dict[str, Any]
    watermark: str


def revealed_view(appeal_id: UUID, content: Mapping[str, Any], *, watermark: str) -> RevealedView:
    return RevealedView(
        appeal_id=appeal_id,
        reporter=content.get("reporter"),
        on_behalf_of=content.get("on_behalf_of"),
        signatories=content.get("signatories", []),
        representatives=content.get("representatives", []),
        original=content.get("original", {}),
        watermark=watermark,
    )


class RevealRequestView(Output):
    """One person asked to see who reported; `approved` is null until another one decides."""

    id: UUID
    appeal_id: UUID
    reason: str
    requested_by: str
    requested_at: datetime
    approved: bool | None
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    expires_at: datetime


def reveal_request_view(row: Mapping[str, Any]) -> RevealRequestView:
    return RevealRequestView(**{name: row[name] for name in RevealRequestView.model_fields})


class AccessView(Output):
    """One look at an appeal."""

    at: datetime
    kind: AccessKind
    actor: str
    reason: str
    granted: bool


def access_view(row: Mapping[str, Any]) -> AccessView:
    return AccessView(**{name: row[name] for name in AccessView.model_fields})


class HoldView(Output):
    """A legal hold; it stands while `released_at` is null."""

    id: UUID
    reason: str
    placed_by: str
    placed_at: datetime
    released_by: str | None
    released_at: datetime | None
    release_reason: str | None


class Holds(Output):
    items: list[HoldView]


def holds_view(rows: list[dict[str, Any]]) -> Holds:
    return Holds(items=[HoldView(**{name: row[name] for name in HoldView.model_fields}) for row in rows])

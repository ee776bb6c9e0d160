"""Lists of papers as they are asked for, delivered and shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.intake.db.supplements import StoredRequest
from services.intake.domain.supplements import MOST_ITEMS, Paper
from services.intake.use_cases.request_supplement import RequestSupplement
from shared.http.text import Input, Line, Moment, Output, Paragraph
from shared.vocabulary import AppealStatus, Stage, stage_of

_Name = Annotated[str, Line(200)]
_Note = Annotated[str, Paragraph(1_000, min_length=0)]


class PaperIn(Input):
    """One thing by its name, and what there is to say about it."""

    name: _Name
    note: _Note = ""

    def to_domain(self) -> Paper:
        return Paper(self.name, self.note)


class SupplementRequestIn(Input):
    """The complete list: a second one is refused, unless a reviewer gives a reason (trap 7)."""

    items: list[PaperIn] = Field(min_length=1, max_length=MOST_ITEMS)
    note: _Note = ""
    due_at: Moment | None = Field(
        default=None, description="1 to 60 days from now; the general term when it is left out."
    )
    reason: Annotated[str, Line(500)] | None = Field(
        default=None, description="Why papers are asked for again; needs `appeals:review`."
    )

    def to_command(self, appeal_id: UUID, *, may_review: bool) -> RequestSupplement:
        papers = tuple(item.to_domain() for item in self.items)
        return RequestSupplement(appeal_id, papers, self.note, self.due_at, self.reason or "", may_review)


class SupplementIn(Input):
    """What has come, by the names on the list; what is missing stays open."""

    items: list[PaperIn] = Field(min_length=1, max_length=MOST_ITEMS)
    note: _Note = ""

    def papers(self) -> tuple[Paper, ...]:
        return tuple(item.to_domain() for item in self.items)


class SupplementItemView(Output):
    """A line of the list, ticked off or not."""

    name: str
    note: str
    delivered_at: datetime | None
    delivery_note: str


class SupplementView(Output):
    """A list that was given to the citizen in writing; `status` open means that it is waited for."""

    status: Literal["open", "complete", "expired", "dropped"]
    requested_at: datetime
    due_at: datetime
    reminded_at: datetime | None
    closed_at: datetime | None
    note: str
    asked_again_because: str | None
    items: list[SupplementItemView]


class SupplementList(Output):
    """Every list, the latest first."""

    items: list[SupplementView]


def supplement_view(request: StoredRequest) -> SupplementView:
    return SupplementView(
        status=request.outcome or "open",
        requested_at=request.requested_at,
        due_at=request.deadline.due_at,
        reminded_at=request.reminded_at,
        closed_at=request.closed_at,
        note=request.note,
        asked_again_because=request.asked_again_because,
        items=[
            SupplementItemView(
                name=item.listed.paper.name,
                note=item.listed.paper.note,
                delivered_at=item.listed.delivered_at,
                delivery_note=item.delivery_note,
            )
            for item in request.items
        ],
    )


def supplement_list(requests: Sequence[StoredRequest]) -> SupplementList:
    return SupplementList(items=[supplement_view(request) for request in requests])


class AwaitedPaper(Output):
    """One thing that the citizen was asked for."""

    name: str
    note: str
    delivered: bool


class AwaitedPapers(Output):
    """What the citizen is asked for, and by when."""

    due_at: datetime
    note: str
    items: list[AwaitedPaper]


def awaited_papers(request: StoredRequest | None) -> AwaitedPapers | None:
    """Return the open list as its citizen sees it."""
    if request is None:
        return None
    papers = [
        AwaitedPaper(name=item.paper.name, note=item.paper.note, delivered=not item.is_open) for item in request.listed
    ]
    return AwaitedPapers(due_at=request.deadline.due_at, note=request.note, items=papers)


class SupplementDelivered(Output):
    """How the appeal stands after a delivery, and what is still awaited."""

    receipt_number: str
    status: AppealStatus
    stage: Stage
    supplement: AwaitedPapers | None


def delivered_view(row: Mapping[str, Any], request: StoredRequest | None) -> SupplementDelivered:
    status = AppealStatus(row["seen_status"])
    return SupplementDelivered(
        receipt_number=row["receipt_number"],
        status=status,
        stage=stage_of(status),
        supplement=awaited_papers(request),
    )

"""How look-alikes are shown: the appeal in short, the score, and every reason for it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.intake.domain.similarity import Kind, Suggestion
from services.intake.use_cases.find_similar import LookAlike
from shared.http.text import Output
from shared.vocabulary import AppealStatus, AppealType, Stage, stage_of


class ReasonView(Output):
    """One part of the score; a negative weight speaks against."""

    kind: Kind
    detail: str
    weight: float


class LookAlikeView(Output):
    """An appeal that may be about the same matter."""

    id: UUID
    receipt_number: str
    type: AppealType
    status: AppealStatus
    stage: Stage
    category_code: str | None
    category_name: str | None
    title: str
    place: str
    created_at: datetime
    responsible_department_code: str | None
    master_id: UUID | None = Field(description="What it is attached to: attach to that one.")
    distance_metres: float | None
    score: float = Field(ge=0, le=1)
    same_person: bool
    suggestion: Suggestion | None = Field(description="What to do when it is very alike: attach, or urge.")
    reasons: list[ReasonView]


class LookAlikes(Output):
    items: list[LookAlikeView]


def look_alikes(found: Sequence[LookAlike]) -> LookAlikes:
    return LookAlikes(items=[_view(each) for each in found])


def _view(each: LookAlike) -> LookAlikeView:
    row = each.row
    status = AppealStatus(row["status"])
    metres = each.distance_metres
    return LookAlikeView(
        id=row["id"],
        receipt_number=row["receipt_number"],
        type=AppealType(row["type"]),
        status=status,
        stage=stage_of(status),
        category_code=row["category_code"],
        category_name=row["category_name"],
        title=row["title"],
        place=row["place"],
        created_at=row["created_at"],
        responsible_department_code=row["department_code"],
        master_id=row["master_id"],
        distance_metres=round(metres, 1) if metres is not None else None,
        score=each.likeness.score,
        same_person=each.same_person,
        suggestion=each.suggestion,
        reasons=[ReasonView(kind=r.kind, detail=r.detail, weight=r.weight) for r in each.likeness.reasons],
    )

"""What intake answers: each view made from a row or a value of the use cases, never more of a person than a hint."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from services.intake.api.languages import Language
from services.intake.api.supplement_schemas import AwaitedPapers, awaited_papers
from services.intake.db.registration import NewAppeal
from services.intake.domain.categories import Category
from services.intake.domain.entry import DemandClass
from services.intake.use_cases.find_appeals import Line
from services.intake.use_cases.track_appeal import Tracked
from shared.http.text import Output
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Stage, Urgency, stage_of


class CreatedAppeal(Output):
    """The receipt. `access_code` is told here and never again."""

    id: UUID
    receipt_number: str = Field(examples=["2639378454006"])
    access_code: str = Field(examples=["7KQ2MXWD"])
    status: AppealStatus
    stage: Stage
    mode: HandlingMode | None
    urgency: Urgency | None
    category_code: str | None
    created_at: datetime


def created_view(new: NewAppeal) -> CreatedAppeal:
    return CreatedAppeal.model_construct(**created_fields(new))


def created_fields(new: NewAppeal) -> dict[str, Any]:
    """The receipt's fields, from values that are checked already."""
    registered = new.registered
    classification = registered.classification
    return {
        "id": new.id,
        "receipt_number": new.receipt_number,
        "access_code": new.access_code,
        "status": registered.status,
        "stage": stage_of(registered.status),
        "mode": classification.mode,
        "urgency": classification.urgency,
        "category_code": classification.category.code if classification.category else None,
        "created_at": registered.registered_at,
    }


class ItemProblem(Output):
    """Why an item was refused, as a problem document would say it."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[dict[str, Any]] = Field(default_factory=list)
    appeal_id: UUID | None = None
    receipt_number: str | None = None


class BatchItem(Output):
    """What became of one item of a batch."""

    index: int
    status: Literal["created", "rejected"]
    id: UUID | None = None
    receipt_number: str | None = None
    access_code: str | None = None
    appeal: CreatedAppeal | None = None
    problem: ItemProblem | None = None


class BatchResult(Output):
    """A result per item, in order."""

    created: int
    rejected: int
    items: list[BatchItem]


class LocationView(Output):
    """Where the matter is; what tells a dwelling stays in the vault."""

    place: str
    longitude: float | None
    latitude: float | None
    grid_code: str | None


class ReporterView(Output):
    """A hint of who appeals; empty for a protected or anonymous reporter."""

    name: str | None
    phone: str | None
    email: str | None
    anonymous: bool
    confidential: bool
    wants_reply: bool


class JointView(Output):
    households: int
    signatories: int


class ExternalRefView(Output):
    system: str
    id: str


class AppealView(Output):
    """One appeal as those who may read appeals see it."""

    id: UUID
    receipt_number: str
    type: AppealType
    channel: Channel
    status: AppealStatus
    stage: Stage
    round: int
    mode: HandlingMode | None
    urgency: Urgency | None
    category_code: str | None
    category_name: str | None
    title: str
    description: str
    location: LocationView | None
    reporter: ReporterView
    on_behalf: bool
    joint: JointView | None
    special_care: list[SpecialCare]
    external_ref: ExternalRefView | None
    attributes: dict[str, Any]
    channel_details: dict[str, Any]
    first_contact_staff: str | None
    demand_class: DemandClass | None = None
    occurred_at: datetime | None
    received_at: datetime
    created_at: datetime
    accepted_at: datetime | None
    accept_due_at: datetime | None
    as_of: datetime
    promised_by: datetime | None
    responsible_department: str | None
    responsible_department_code: str | None
    version: int


def appeal_view(row: Mapping[str, Any]) -> AppealView:
    status = AppealStatus(row["seen_status"])
    shared = {name: row[name] for name in AppealView.model_fields if name in row}
    return AppealView(
        **{
            **shared,
            "status": status,
            "stage": stage_of(status),
            "location": _location(row),
            "reporter": _reporter(row),
            "joint": _joint(row),
            "external_ref": _external_ref(row),
            "responsible_department": row["department_name"],
            "responsible_department_code": row["department_code"],
            "version": row["shown_version"],
        }
    )


def _location(row: Mapping[str, Any]) -> LocationView | None:
    values = {name: row[name] for name in ("place", "longitude", "latitude", "grid_code")}
    return LocationView(**values) if any(value not in {None, ""} for value in values.values()) else None


def _reporter(row: Mapping[str, Any]) -> ReporterView:
    hint = row["reporter_hint"] or {}
    return ReporterView(
        name=hint.get("name"),
        phone=hint.get("phone"),
        email=hint.get("email"),
        anonymous=row["anonymous"],
        confidential=row["confidential"],
        wants_reply=row["wants_reply"],
    )


def _joint(row: Mapping[str, Any]) -> JointView | None:
    if not row["households"] and not row["signatories"]:
        return None
    return JointView(households=row["households"], signatories=row["signatories"])


def _external_ref(row: Mapping[str, Any]) -> ExternalRefView | None:
    if row["external_id"] is None:
        return None
    return ExternalRefView(system=row["external_system"], id=row["external_id"])


class TimelineLine(Output):
    """One step on the way, in two languages; `text` is the one that was asked for."""

    at: datetime
    code: str
    status: AppealStatus
    stage: Stage
    round: int
    text: str
    text_en: str
    text_zh: str


class Timeline(Output):
    items: list[TimelineLine]


def timeline_lines(lines: Sequence[Line], language: Language) -> list[TimelineLine]:
    return [
        TimelineLine.model_construct(
            at=line.at,
            code=line.entry.code.value,
            status=line.entry.status,
            stage=line.entry.stage,
            round=line.entry.round,
            text=line.entry.text_zh if language == "zh" else line.entry.text_en,
            text_en=line.entry.text_en,
            text_zh=line.entry.text_zh,
        )
        for line in lines
    ]


class TrackView(Output):
    """What a citizen sees; `as_of` tells of when it is."""

    receipt_number: str
    status: AppealStatus
    stage: Stage
    round: int
    as_of: datetime
    promised_by: datetime | None
    responsible_department: str | None
    responsible_department_code: str | None
    timeline: list[TimelineLine]
    supplement: AwaitedPapers | None = None


def track_view(tracked: Tracked, language: Language) -> TrackView:
    return TrackView.model_construct(
        receipt_number=tracked.receipt_number,
        status=tracked.status,
        stage=tracked.stage,
        round=tracked.round,
        as_of=tracked.as_of,
        promised_by=tracked.promised_by,
        responsible_department=tracked.department_name,
        responsible_department_code=tracked.department_code,
        timeline=timeline_lines(tracked.timeline, language),
        supplement=awaited_papers(tracked.supplement),
    )


class CategoryView(Output):
    """A category, with those below it where a tree is asked for."""

    code: str
    name: str
    name_zh: str
    level: int
    parent_code: str | None
    urgency: Urgency | None
    mode: HandlingMode | None
    location_required: bool
    confidential: bool
    object_kind: str
    retired: bool
    successor_code: str | None
    version: int
    children: list["CategoryView"] = Field(default_factory=list)


class CategoryTree(Output):
    items: list[CategoryView]


def category_view(category: Category, children: Sequence[CategoryView] = ()) -> CategoryView:
    fields = {name: getattr(category, name) for name in CategoryView.model_fields if name != "children"}
    return CategoryView.model_construct(**fields, children=list(children))


def category_tree(categories: Sequence[Category]) -> CategoryTree:
    """Nest a flat list; a category whose parent is left out stands at the top."""
    below: dict[str | None, list[Category]] = {}
    present = {category.code for category in categories}
    for category in categories:
        parent = category.parent_code if category.parent_code in present else None
        below.setdefault(parent, []).append(category)

    def nest(parent: str | None) -> list[CategoryView]:
        return [category_view(category, nest(category.code)) for category in below.get(parent, ())]

    return CategoryTree.model_construct(items=nest(None))

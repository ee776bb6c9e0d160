"""What intake answers about places, people, campaigns and surveys: of a person never more than a hint."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field

from services.intake.api.views import BatchItem
from services.intake.domain.campaigns import CampaignKind, Occurrence
from services.intake.domain.entry import (
    DemandClass,
    EntryPointKind,
    InformantGroup,
    ItemKind,
    OpeningHours,
    Role,
    SpecialDay,
    capacity_warning,
    is_open,
)
from services.intake.domain.entry_surveys import FieldKind
from services.intake.use_cases.enter_answers import SurveyResults
from services.intake.use_cases.plan_campaigns import Overdue
from services.intake.use_cases.record_sessions import SessionWithAppeals
from services.intake.use_cases.report_buildings import MissingReports
from shared.http.text import Output
from shared.vocabulary import AppealStatus, AppealType, Stage, stage_of

Row = Mapping[str, Any]


class RegisteredView(Output):
    """What every entry of a registry has."""

    code: str
    retired: bool
    retired_at: datetime | None
    version: int
    updated_at: datetime


class VersionView(Output):
    """An entry as it was."""

    version: int
    content: dict[str, Any]
    actor: str
    at: datetime


class Versions(Output):
    items: list[VersionView]


class EntryPointView(RegisteredView):
    """A place; `open_now` is null when its hours are not known or given as a calendar."""

    kind: EntryPointKind
    name: str
    department_code: str | None
    place: str
    grid_code: str | None
    longitude: float | None
    latitude: float | None
    contact: str
    item_codes: list[str]
    opening_hours: list[dict[str, Any]]
    special_days: list[dict[str, Any]]
    calendar: str | None
    open_now: bool | None


def entry_point_view(row: Row, local: datetime) -> EntryPointView:
    """`local` is the present on the city's clock."""
    hours = [OpeningHours(tuple(span["days"]), span["opens"], span["closes"]) for span in row["opening_hours"]]
    special = [SpecialDay(date.fromisoformat(day["date"]), day["opens"], day["closes"]) for day in row["special_days"]]
    open_now = False if row["retired"] else is_open(hours, special, local)
    return EntryPointView(**row, open_now=open_now)


class ServiceItemView(RegisteredView):
    kind: ItemKind
    name: str
    department_code: str | None
    category_code: str | None
    minutes_before: int | None
    minutes_now: int | None


def service_item_view(row: Row) -> ServiceItemView:
    return ServiceItemView(**row)


class DemandClassView(Output):
    category_code: str
    demand_class: DemandClass


class DemandClasses(Output):
    items: list[DemandClassView]


def demand_classes_view(rows: Sequence[Row]) -> DemandClasses:
    return DemandClasses(items=[DemandClassView(**row) for row in rows])


class InformantView(RegisteredView):
    """Who files for residents: name and number as hints, the rest is in the vault."""

    role: Role
    group: InformantGroup | None
    team: str | None
    grid_codes: list[str]
    households: int | None
    too_many_households: bool = Field(description="A building chief looks after about a hundred (HZ-07).")
    active_from: date | None
    name: str | None
    phone: str | None


def informant_view(row: Row) -> InformantView:
    shown = {name: row[name] for name in InformantView.model_fields if name in row}
    hint = row["hint"]
    return InformantView(
        **shown,
        group=row["informant_group"],
        name=hint.get("name"),
        phone=hint.get("phone"),
        too_many_households=row["role"] == Role.BUILDING_CHIEF and capacity_warning(row["households"]),
    )


class IdentityView(Output):
    name: str | None = None
    phone: str | None = None


class FiledView(Output):
    """An appeal by who brought it in or where it was received."""

    id: UUID
    receipt_number: str
    type: AppealType
    title: str
    status: AppealStatus
    stage: Stage
    as_of: datetime
    department_name: str | None
    created_at: datetime
    visitor_number: int | None = None


def filed_view(row: Row) -> FiledView:
    shown = {name: row[name] for name in FiledView.model_fields if name in row}
    status = AppealStatus(row["status"])
    return FiledView(
        **{**shown, "status": status},
        stage=stage_of(status),
        visitor_number=row["channel_details"].get("visitor_number"),
    )


class CampaignView(RegisteredView):
    kind: CampaignKind
    name: str
    rule: str
    starts_at: str = Field(description="On the city's clock.")
    duration_minutes: int
    leader: str
    place: str
    grid_code: str | None
    entry_point_code: str | None
    note: str
    rule_since: datetime


def campaign_view(row: Row) -> CampaignView:
    return CampaignView(**{**row, "starts_at": row["starts_at"].isoformat(timespec="minutes")})


class OccurrenceView(Output):
    starts_at: datetime
    ends_at: datetime


class Occurrences(Output):
    """Dates in UTC; `truncated` when there are more than are listed."""

    items: list[OccurrenceView]
    truncated: bool


def occurrences_view(dates: Sequence[Occurrence], most: int) -> Occurrences:
    items = [OccurrenceView(starts_at=date.starts_at, ends_at=date.ends_at) for date in dates]
    return Occurrences(items=items, truncated=len(items) == most)


class OverdueView(Output):
    campaign_code: str
    kind: CampaignKind
    name: str
    leader: str
    starts_at: datetime
    ends_at: datetime


class OverdueList(Output):
    items: list[OverdueView]
    grace_hours: float


def overdue_view(overdue: Sequence[Overdue], grace: timedelta) -> OverdueList:
    items = [
        OverdueView(
            campaign_code=one.campaign["code"],
            kind=one.campaign["kind"],
            name=one.campaign["name"],
            leader=one.campaign["leader"],
            starts_at=one.date.starts_at,
            ends_at=one.date.ends_at,
        )
        for one in overdue
    ]
    return OverdueList(items=items, grace_hours=grace.total_seconds() / 3600)


class SessionView(Output):
    """A date of a campaign that was held or cancelled."""

    id: UUID
    campaign_code: str
    occurrence_at: datetime
    held_at: datetime | None
    leader: str
    deputies: list[str]
    place: str
    visitors: int | None
    attendance: int | None
    note: str
    cancelled_reason: str | None
    recorded_by: str
    recorded_at: datetime
    version: int


def session_view(row: Row) -> SessionView:
    return SessionView(**row)


class SessionWithAppealsView(SessionView):
    """With the appeals that named it, newest first."""

    appeals: list[FiledView]


def session_with_appeals_view(found: SessionWithAppeals) -> SessionWithAppealsView:
    return SessionWithAppealsView(**found.session, appeals=[filed_view(row) for row in found.appeals])


class BuildingReportView(Output):
    id: UUID
    informant_id: str
    month: str
    grid_code: str | None
    households: int
    residents: int
    floating_residents: int
    vacant: int
    note: str
    reported_by: str
    reported_at: datetime


def building_report_view(row: Row) -> BuildingReportView:
    shown = {name: row[name] for name in BuildingReportView.model_fields if name in row}
    month = row["month"].isoformat()[:7]
    return BuildingReportView(**{**shown, "month": month, "informant_id": row["informant_code"]})


class ChiefView(Output):
    informant_id: str
    team: str | None
    grid_codes: list[str]
    households: int | None


class MissingReportsView(Output):
    """Building chiefs without a report; before `due_at` nobody is late."""

    month: str
    due_at: datetime
    overdue: bool
    items: list[ChiefView]
    next_cursor: str | None


def missing_reports_view(found: MissingReports) -> MissingReportsView:
    chiefs = [
        ChiefView(
            informant_id=row["code"], team=row["team"], grid_codes=row["grid_codes"], households=row["households"]
        )
        for row in found.chiefs
    ]
    return MissingReportsView(
        month=found.month.isoformat()[:7],
        due_at=found.due_at,
        overdue=found.is_due,
        items=chiefs,
        next_cursor=found.next_cursor,
    )


class MotionView(Output):
    id: UUID
    appeal_id: UUID
    number: str
    body: str
    deputy: str
    submitted_at: datetime
    recorded_by: str
    recorded_at: datetime


class Motions(Output):
    items: list[MotionView]


def motion_view(row: Row) -> MotionView:
    return MotionView(**row)


class SurveyFieldView(Output):
    key: str
    label: str
    kind: FieldKind
    choices: list[str]
    required: bool


class SurveyView(RegisteredView):
    title: str
    fields: list[SurveyFieldView]
    category_code: str | None


def survey_view(row: Row) -> SurveyView:
    return SurveyView(**row)


class AnswerCount(Output):
    answer: str
    cards: int


class FieldResult(Output):
    """How often each answer was given; `mean` of a scale only."""

    key: str
    label: str
    kind: FieldKind
    counts: list[AnswerCount]
    mean: float | None


class SurveyResultsView(Output):
    code: str
    title: str
    cards: int
    opinions: int = Field(description="Cards whose opinion became an appeal.")
    fields: list[FieldResult]


def survey_results_view(found: SurveyResults) -> SurveyResultsView:
    return SurveyResultsView(
        code=found.survey["code"],
        title=found.survey["title"],
        cards=found.cards,
        opinions=found.opinions,
        fields=[_field_result(field, found) for field in found.survey["fields"]],
    )


def _field_result(field: Row, found: SurveyResults) -> FieldResult:
    given = {count.answer: count.cards for count in found.counts if count.key == field["key"]}
    # Choices nobody took are shown too; in the order of the questionnaire, which is not that of the alphabet.
    answers = [*field["choices"], *sorted(set(given) - set(field["choices"]), key=lambda answer: (len(answer), answer))]
    is_scale = field["kind"] == FieldKind.SCALE
    total = sum(given.values())
    mean = sum(int(answer) * cards for answer, cards in given.items()) / total if is_scale and total else None
    return FieldResult(
        key=field["key"],
        label=field["label"],
        kind=field["kind"],
        counts=[AnswerCount(answer=answer, cards=given.get(answer, 0)) for answer in answers],
        mean=round(mean, 3) if mean is not None else None,
    )


class CardItem(BatchItem):
    """What became of one card; the appeal is that of its opinion, if it gave one."""

    card_number: str


class CardsResult(Output):
    created: int
    rejected: int
    items: list[CardItem]


class CsvItem(BatchItem):
    """What became of one line; each error names its `line` and `column`."""

    line: int


class CsvResult(Output):
    """A result per line, in order."""

    created: int
    rejected: int
    items: list[CsvItem]

"""SLA policies over HTTP, and the preview of a due time."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response, Security
from pydantic import ConfigDict, Field, StringConstraints

from services.dispatch.api.registry_fields import Code, PathCode, Reference, after_code, cut
from services.dispatch.domain.calendar import Period, PeriodUnit
from services.dispatch.domain.sla import Anchor, SlaPolicy
from services.dispatch.domain.sla_document import policy_from_document, policy_to_document
from services.dispatch.use_cases import read_registry
from services.dispatch.use_cases.preview_sla import PreviewSla, preview_sla
from services.dispatch.use_cases.put_sla_policy import PutSlaPolicy, put_sla_policy
from shared.http.dependencies import Db, IfMatch, Page, PageQuery, etag_of, require
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Moment, Output
from shared.identity.principal import Principal
from shared.vocabulary import TimerName

READS = Security(require("registry:read", "sla:write"))
Writer = Annotated[Principal, Security(require("sla:write"))]
PREVIEWS = Security(require("registry:read", "sla:write", "tickets:dispatch", "tickets:read"))
PeriodText = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{1,7} (minute|hour|day|elapsed_day|working_hour|working_day|elapsed_working_day)( roll)?$"
    ),
]
Version = Annotated[int | None, Query(ge=1, le=2_147_483_647, description="The newest if absent.")]

router = APIRouter(prefix="/v1", tags=["sla"])


class TimerInput(Input):
    """A period, or until 24:00 of the same day; `statutory` lets a date given by law take its place."""

    period: PeriodText | None = None
    same_day_end: bool = False
    statutory: bool = False
    warnings: Annotated[list[Literal["L0", "L1", "L2"]], Field(max_length=3)] | None = None


class ExtensionInput(Input):
    period: PeriodText
    times: Annotated[int, Field(ge=1, le=10)] = 1
    by_head_times: Annotated[int, Field(ge=0, le=10)] = 0


class MilestoneInput(Input):
    period: PeriodText
    anchor: Anchor = Anchor.DISPATCH


class PolicyInput(Input):
    """The whole policy; a PUT makes a new version and leaves those that tickets have pinned."""

    name: Annotated[str, Line(200, min_length=0)] = ""
    name_en: Annotated[str, Line(200, min_length=0)] = ""
    timers: Annotated[dict[TimerName, PeriodText | TimerInput], Field(min_length=1, max_length=len(TimerName))]
    extension: ExtensionInput | None = None
    pause_reasons: Annotated[tuple[Annotated[str, Line(40)], ...], Field(max_length=20)] = ()
    natural_clock: bool = False
    law_wins: bool = False
    milestones: Annotated[dict[Code, PeriodText | MilestoneInput], Field(max_length=10, default_factory=dict)]
    basis: Annotated[str, Line(300, min_length=0)] = ""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "一般诉求", "timers": {"T_SIGN": "1 working_day", "T_RESOLVE": "5 working_day"}}]
        }
    )

    def to_policy(self, code: str) -> SlaPolicy:
        """Raises InvalidInput naming the field."""
        return policy_from_document({"code": code, **self.model_dump(mode="json")})


class TimerView(Output):
    period: str | None
    same_day_end: bool
    statutory: bool
    warnings: list[str]


class ExtensionView(Output):
    period: str
    times: int
    by_head_times: int


class MilestoneView(Output):
    period: str
    anchor: Anchor


class PolicyView(Output):
    code: str
    version: int
    name: str
    name_en: str
    timers: dict[TimerName, TimerView]
    extension: ExtensionView | None
    pause_reasons: list[str]
    natural_clock: bool
    law_wins: bool
    milestones: dict[str, MilestoneView]
    basis: str

    @classmethod
    def of(cls, policy: SlaPolicy) -> "PolicyView":
        return cls.model_validate({**policy_to_document(policy), "version": policy.version})


class PeriodInput(Input):
    count: Annotated[int, Field(ge=1, le=5_256_000)]
    unit: PeriodUnit
    roll: bool = Field(default=False, description="Natural days only: move the end off rest days.")


class SlaPreviewInput(Input):
    start: Moment
    period: PeriodInput
    calendar: Code | None = Field(default=None, description="The city's own if absent.")


class SlaPreviewView(Output):
    due_at: datetime = Field(description="Exclusive: the end of Sunday is Monday 00:00.")
    provisional: bool = Field(description="The holidays of that year are not published yet.")


@router.post(
    "/sla/preview",
    operation_id="preview_sla",
    dependencies=[PREVIEWS],
    summary="When a period would be over",
    response_model=SlaPreviewView,
    responses=problem_documentation([404]),
)
async def preview(body: SlaPreviewInput, reference: Reference, db: Db) -> SlaPreviewView:
    period = Period(body.period.count, body.period.unit, roll=body.period.roll)
    query = PreviewSla(body.start, period, body.calendar)
    due = await db.transact(lambda uow: preview_sla(uow, query, reference), read_only=True)
    return SlaPreviewView(due_at=due.due_at, provisional=due.provisional)


@router.put(
    "/sla-policies/{code}",
    operation_id="put_sla_policy",
    summary="Write a new version of an SLA policy",
    response_model=PolicyView,
    responses={201: {"model": PolicyView, "description": "Created"}, **problem_documentation([412])},
)
async def put_policy(
    principal: Writer, code: PathCode, body: PolicyInput, if_match: IfMatch, response: Response, db: Db
) -> Any:
    """The same content again makes no new version."""
    command = PutSlaPolicy(body.to_policy(code), principal.actor, if_match)
    saved = await db.transact(lambda uow: put_sla_policy(uow, command))
    response.status_code = 201 if saved.created else 200
    response.headers["ETag"] = etag_of(saved.policy.version)
    return PolicyView.of(saved.policy)


@router.get(
    "/sla-policies/{code}",
    operation_id="get_sla_policy",
    dependencies=[READS],
    summary="An SLA policy, the newest version or an older one",
    response_model=PolicyView,
    responses=problem_documentation([404]),
)
async def get_policy(code: PathCode, response: Response, db: Db, version: Version = None) -> PolicyView:
    found = await db.transact(lambda uow: read_registry.get_policy(uow, code, version), read_only=True)
    response.headers["ETag"] = etag_of(found.version)
    return PolicyView.of(found)


@router.get(
    "/sla-policies",
    operation_id="list_sla_policies",
    dependencies=[READS],
    summary="The newest version of each SLA policy, by code",
    response_model=Page[PolicyView],
)
async def list_policies(page: PageQuery, db: Db) -> Page[PolicyView]:
    after = after_code(page.cursor)
    found = await db.transact(lambda uow: read_registry.list_policies(uow, after, page.limit + 1), read_only=True)
    items, cursor = cut(found, page.limit)
    return Page(items=[PolicyView.of(policy) for policy in items], next_cursor=cursor)

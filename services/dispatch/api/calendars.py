"""Working calendars over HTTP: published lists of holidays and make-up workdays, in versions."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response, Security
from pydantic import ConfigDict, Field, StringConstraints

from services.dispatch.api.registry_fields import Day, PathCode, after_code, cut
from services.dispatch.api.routing_schemas import ClockTime, Weekday
from services.dispatch.api.sla import Version
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.calendar_document import calendar_from_document, calendar_to_document
from services.dispatch.use_cases import read_registry
from services.dispatch.use_cases.put_calendar import PutCalendar, put_calendar
from shared.http.dependencies import Db, IfMatch, Page, PageQuery, etag_of, require
from shared.http.problems import problem_documentation
from shared.http.text import Input, Output
from shared.identity.principal import Principal

READS = Security(require("registry:read", "sla:write"))
Writer = Annotated[Principal, Security(require("sla:write"))]
DateText = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Frame = Annotated[list[ClockTime], Field(min_length=2, max_length=2)]

router = APIRouter(prefix="/v1/calendars", tags=["sla"])


class CalendarInput(Input):
    """The whole calendar; a PUT makes a new version. `frames` are business hours, [opens, closes] in local time."""

    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+\-/]{1,64}$")]
    known_until: Day = Field(description="The last day whose list of holidays is published.")
    frames: Annotated[list[Frame], Field(min_length=1, max_length=8)] | None = None
    rest_weekdays: Annotated[list[Weekday], Field(max_length=6)] | None = None
    exceptions: Annotated[dict[DateText, Literal["work", "off"]], Field(max_length=4000, default_factory=dict)]
    default: bool = Field(default=False, description="Make it the city's own calendar.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "time_zone": "Asia/Shanghai",
                    "known_until": "2026-12-31",
                    "exceptions": {"2026-10-01": "off", "2026-10-10": "work"},
                }
            ]
        }
    )

    def to_calendar(self, code: str) -> WorkCalendar:
        """Raises InvalidInput naming the field."""
        return calendar_from_document({"code": code, **self.model_dump(mode="json", exclude={"default"})})


class CalendarView(Output):
    code: str
    version: int
    time_zone: str
    known_until: str
    frames: list[list[str]]
    rest_weekdays: list[int]
    exceptions: dict[str, Literal["work", "off"]]
    default: bool

    @classmethod
    def of(cls, calendar: WorkCalendar, *, default: bool) -> "CalendarView":
        return cls(**calendar_to_document(calendar), version=calendar.version, default=default)


@router.put(
    "/{code}",
    operation_id="put_calendar",
    summary="Write a new version of a working calendar",
    response_model=CalendarView,
    responses={201: {"model": CalendarView, "description": "Created"}, **problem_documentation([412])},
)
async def put_calendar_by_code(
    principal: Writer, code: PathCode, body: CalendarInput, if_match: IfMatch, response: Response, db: Db
) -> Any:
    """The same content again makes no new version. The first calendar is the city's own."""
    command = PutCalendar(body.to_calendar(code), principal.actor, body.default, if_match)
    saved = await db.transact(lambda uow: put_calendar(uow, command))
    response.status_code = 201 if saved.created else 200
    response.headers["ETag"] = etag_of(saved.calendar.version)
    return CalendarView.of(saved.calendar, default=saved.is_default)


@router.get(
    "/{code}",
    operation_id="get_calendar",
    dependencies=[READS],
    summary="A working calendar, the newest version or an older one",
    response_model=CalendarView,
    responses=problem_documentation([404]),
)
async def get_calendar(code: PathCode, response: Response, db: Db, version: Version = None) -> CalendarView:
    found, default = await db.transact(lambda uow: read_registry.get_calendar(uow, code, version), read_only=True)
    response.headers["ETag"] = etag_of(found.version)
    return CalendarView.of(found, default=default)


@router.get(
    "",
    operation_id="list_calendars",
    dependencies=[READS],
    summary="The newest version of each calendar, by code",
    response_model=Page[CalendarView],
)
async def list_calendars(page: PageQuery, db: Db) -> Page[CalendarView]:
    after = after_code(page.cursor)
    found, default = await db.transact(
        lambda uow: read_registry.list_calendars(uow, after, page.limit + 1), read_only=True
    )
    items, cursor = cut(found, page.limit)
    return Page(
        items=[CalendarView.of(calendar, default=calendar.code == default) for calendar in items],
        next_cursor=cursor,
    )

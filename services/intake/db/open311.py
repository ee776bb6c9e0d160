"""What the GeoReport v2 server reads and keeps; whether an appeal is public is decided here, however it is asked."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables import appeals, categories, progress, timeline_entries
from services.intake.db.tables_open311 import open311_definitions, open311_tokens
from services.intake.domain.open311 import NEVER_PUBLIC_CARE
from services.intake.domain.open311_attributes import Attribute, DataType, Option
from shared.vocabulary import AppealStatus, AppealType, Channel

Row = dict[str, Any]

MOST_NOTES: Final = 20_000
_EARTH_RADIUS: Final = 6_371_008.8  # metres, the mean one
_METRES_PER_DEGREE: Final = math.radians(1) * _EARTH_RADIUS

_SHOWN: Final = (
    appeals.c.id,
    appeals.c.receipt_number,
    appeals.c.category_code,
    appeals.c.title,
    appeals.c.description,
    appeals.c.place,
    appeals.c.longitude,
    appeals.c.latitude,
    appeals.c.channel,
    appeals.c.attributes,
    appeals.c.received_at,
    progress.c.status,
    progress.c.as_of,
    progress.c.department_name,
    progress.c.promised_by,
)
_JOINED: Final = appeals.join(progress, progress.c.appeal_id == appeals.c.id)
_NEVER_PUBLIC: Final = sa.cast(postgresql.array([care.value for care in NEVER_PUBLIC_CARE]), ARRAY(sa.Text))


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the map, in degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Circle:
    """A part of the map: degrees, and metres around them."""

    longitude: float
    latitude: float
    radius: float


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which public requests are asked for; `codes` are the categories that are public, or some of them."""

    codes: Sequence[str]
    receipt_numbers: Sequence[str] | None = None
    requested_from: datetime | None = None
    requested_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    statuses: Sequence[AppealStatus] | None = None
    box: Box | None = None
    circle: Circle | None = None
    text: str | None = None


async def list_requests(
    connection: AsyncConnection, wanted: RequestFilter, *, limit: int, offset: int = 0
) -> list[Row]:
    """Return public requests, the latest first; only those of the page are joined unless a filter needs all."""
    of_progress = list(_conditions_of_progress(wanted))
    latest_first = (appeals.c.received_at.desc(), appeals.c.id.desc())
    page = (
        sa.select(appeals.c.id)
        .select_from(_JOINED if of_progress else appeals)
        .where(*_public(wanted.codes), *_conditions(wanted), *of_progress)
        .order_by(*latest_first)
        .limit(limit)
        .offset(offset)
        .subquery("page")
    )
    statement = sa.select(*_SHOWN).select_from(_JOINED.join(page, page.c.id == appeals.c.id)).order_by(*latest_first)
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def find_by_token(connection: AsyncConnection, token: str, codes: Sequence[str]) -> str | None:
    """Return the number of the public request that a token stands for."""
    statement = (
        sa.select(appeals.c.receipt_number)
        .select_from(_JOINED.join(open311_tokens, open311_tokens.c.appeal_id == appeals.c.id))
        .where(open311_tokens.c.token == token, *_public(codes))
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def store_token(connection: AsyncConnection, token: str, appeal_id: UUID, now: datetime) -> None:
    """Keep what a token stands for."""
    await connection.execute(sa.insert(open311_tokens).values(token=token, appeal_id=appeal_id, created_at=now))


def _public(codes: Sequence[str]) -> Iterator[sa.ColumnElement[bool]]:
    """What every public request is: no report, nothing confidential, of no child and nobody's illness, of no group."""
    yield appeals.c.category_code == sa.func.any(sa.cast(list(codes), ARRAY(sa.Text)))
    yield appeals.c.type != AppealType.REPORT
    yield sa.not_(appeals.c.confidential)
    yield sa.not_(appeals.c.special_care.overlap(_NEVER_PUBLIC))
    yield appeals.c.signatories == 0
    yield appeals.c.households <= 1
    yield appeals.c.channel != Channel.JOINT_LETTER


def _conditions(wanted: RequestFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.receipt_numbers is not None:
        yield appeals.c.receipt_number == sa.func.any(sa.cast(list(wanted.receipt_numbers), ARRAY(sa.Text)))
    if wanted.requested_from is not None:
        yield appeals.c.received_at >= wanted.requested_from
    ends = [moment for moment in (wanted.requested_to, wanted.updated_to) if moment is not None]
    if ends:  # nothing changes before it was received
        yield appeals.c.received_at <= min(ends)
    yield from _conditions_of_place(wanted)
    if wanted.text is not None:
        needle = sa.func.lower(wanted.text)
        texts = (appeals.c.title, appeals.c.description, appeals.c.place)
        yield sa.or_(*(sa.func.strpos(sa.func.lower(text), needle) > 0 for text in texts))


def _conditions_of_progress(wanted: RequestFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.updated_from is not None:
        yield progress.c.as_of >= wanted.updated_from
    if wanted.updated_to is not None:
        yield progress.c.as_of <= wanted.updated_to
    if wanted.statuses is not None:
        yield progress.c.status.in_(wanted.statuses)


def _conditions_of_place(wanted: RequestFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.box is not None:
        yield from _inside(wanted.box)
    circle = wanted.circle
    if circle is not None:
        yield from _inside(_around(circle))
        latitude, longitude = sa.func.radians(appeals.c.latitude), sa.func.radians(appeals.c.longitude)
        here = (math.radians(circle.latitude), math.radians(circle.longitude))
        squared = sa.func.power(sa.func.sin((latitude - here[0]) / 2), 2) + sa.func.cos(latitude) * math.cos(
            here[0]
        ) * sa.func.power(sa.func.sin((longitude - here[1]) / 2), 2)
        metres = 2 * _EARTH_RADIUS * sa.func.asin(sa.func.least(1.0, sa.func.sqrt(squared)))
        yield metres <= circle.radius


def _inside(box: Box) -> Iterator[sa.ColumnElement[bool]]:
    yield appeals.c.latitude.between(box.south, box.north)
    yield appeals.c.longitude.between(box.west, box.east)


def _around(circle: Circle) -> Box:
    """Return a box that holds the circle; near a pole, or across the date line, all longitudes."""
    north_south = circle.radius / _METRES_PER_DEGREE
    south, north = circle.latitude - north_south, circle.latitude + north_south
    widest = math.cos(math.radians(min(90.0, max(abs(south), abs(north)))))
    east_west = north_south / widest if widest > 1e-6 else 360.0
    west, east = circle.longitude - east_west, circle.longitude + east_west
    if west < -180 or east > 180:
        west, east = -180.0, 180.0
    return Box(west, south, east, north)


async def read_notes(connection: AsyncConnection, appeal_ids: Sequence[UUID]) -> list[Row]:
    """Return the steps of several requests in one query, oldest first: only when and to which state."""
    columns = (timeline_entries.c.appeal_id, timeline_entries.c.at, timeline_entries.c.code, timeline_entries.c.status)
    statement = (
        sa.select(*columns)
        .where(timeline_entries.c.appeal_id == sa.func.any(sa.cast(list(appeal_ids), ARRAY(sa.Uuid))))
        .order_by(timeline_entries.c.at, timeline_entries.c.event_id)
        .limit(MOST_NOTES)
    )
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


@dataclass(frozen=True, slots=True)
class Definition:
    """A service's questions with their version."""

    attributes: tuple[Attribute, ...]
    version: int


async def read_definitions(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, Definition]:
    """Return the questions of those categories that have any."""
    table = open311_definitions
    wanted = table.c.category_code == sa.func.any(sa.cast(list(codes), ARRAY(sa.Text)))
    rows = (await connection.execute(sa.select(table).where(wanted))).all()
    return {row.category_code: Definition(_attributes_of(row.attributes), row.version) for row in rows}


async def lock_definition(connection: AsyncConnection, code: str) -> Definition | None:
    """Return a category's questions for a change; changes of one category wait for one another."""
    await connection.execute(sa.select(categories.c.code).where(categories.c.code == code).with_for_update())
    return (await read_definitions(connection, [code])).get(code)


async def save_definition(connection: AsyncConnection, code: str, definition: Definition, now: datetime) -> None:
    """Put a category's questions in place of those it had."""
    values = {
        "attributes": orjson.loads(orjson.dumps(definition.attributes)),
        "version": definition.version,
        "updated_at": now,
    }
    statement = postgresql.insert(open311_definitions).values(category_code=code, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["category_code"], set_=values))


async def last_changed(connection: AsyncConnection) -> datetime | None:
    """Return when services or their questions last changed."""
    latest = sa.func.greatest(
        sa.select(sa.func.max(categories.c.updated_at)).scalar_subquery(),
        sa.select(sa.func.max(open311_definitions.c.updated_at)).scalar_subquery(),
    )
    moment: datetime | None = (await connection.execute(sa.select(latest))).scalar_one_or_none()
    return moment


def _attributes_of(stored: Sequence[Row]) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(
            **{
                **attribute,
                "datatype": DataType(attribute["datatype"]),
                "values": tuple(Option(**option) for option in attribute["values"]),
            }
        )
        for attribute in stored
    )

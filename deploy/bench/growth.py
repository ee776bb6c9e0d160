"""Whether the system stays as quick as it fills: the same requests on few tickets and on very many, and timers on time.

Tickets are multiplied inside the database from real ones, row for row in every table, since sending a million appeals
would take the better part of an hour; nothing reads differently for it.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from deploy.bench.field import DEPARTMENT_OF, Field
from deploy.bench.flow import BACKLOG_BATCH, OK, Effort, quiet
from deploy.bench.http_load import Connection, Load, closed_loop, percentile
from deploy.bench.report import Figure
from deploy.errors import StackError
from shared.vocabulary import Service

SEED = 2 * BACKLOG_BATCH
BAR_RATIO = 1.5
BAR_LAG_MILLISECONDS = 2_000.0
SPREAD_SECONDS = 10
PATIENCE_SECONDS = 60.0
CHUNK = 50
CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Multiplied:
    """A table whose rows are multiplied. `ids` become other ids, the same in every table; `texts` get a suffix."""

    service: Service
    table: str
    ids: tuple[str, ...]
    texts: tuple[str, ...] = ()


TABLES = (
    Multiplied(Service.INTAKE, "appeals", ("id",), ("receipt_number", "external_id")),
    Multiplied(Service.INTAKE, "appeal_events", ("appeal_id",)),
    Multiplied(Service.INTAKE, "progress", ("appeal_id",)),
    Multiplied(Service.INTAKE, "timeline_entries", ("appeal_id", "event_id")),
    Multiplied(Service.DISPATCH, "tickets", ("id", "appeal_id"), ("receipt_number",)),
    Multiplied(Service.DISPATCH, "ticket_legs", ("ticket_id",)),
    Multiplied(Service.DISPATCH, "timers", ("ticket_id",)),
)


@dataclass(frozen=True, slots=True)
class Seeds:
    """The real matters the others are copies of; one of them is tracked."""

    appeals: tuple[UUID, ...]
    tickets: tuple[UUID, ...]
    receipt_number: str
    access_code: str


async def growth_figures(field: Field, effort: Effort, tickets: int) -> list[Figure]:
    """Latency with `tickets` open ones against latency with a few hundred, and how late timers fire then."""
    seeds = await _sow(field)
    before = await _latencies(field, seeds, effort.seconds)
    began = time.monotonic()
    copies = max(tickets // SEED, 1)
    for table in TABLES:
        await _multiply(field, table, seeds, copies)
    filled = time.monotonic() - began
    after = await _latencies(field, seeds, effort.seconds)
    timers = await field.count(Service.DISPATCH, "SELECT count(*) FROM dispatch.timers WHERE state = 'armed'")
    grown = f"{copies * SEED:,} tickets"
    figures = [
        Figure(
            f"growth: {name}, {grown} against {SEED}",
            after[name] / before[name],
            "×",
            BAR_RATIO,
            "lower",
            note=f"median {1000 * before[name]:.1f} ms, then {1000 * after[name]:.1f} ms",
        )
        for name in before
    ]
    lag = await _timer_lag(field, seeds)
    name = f"growth: timers late by, p99, {grown}"
    note = f"{timers:,} armed timers; filled in {filled:.0f} s"
    return [*figures, Figure(name, 1000 * lag, "ms", BAR_LAG_MILLISECONDS, "lower", note=note)]


async def _sow(field: Field) -> Seeds:
    ids: list[UUID] = []
    tracked: Mapping[str, str] = {}
    async with await Connection.open(field.urls[Service.INTAKE]) as connection:
        for _ in range(SEED // BACKLOG_BATCH):
            answer = await connection.send(field.post_batch(BACKLOG_BATCH))
            if answer.status != OK:
                raise StackError(f"a batch was answered with {answer.status}")
            items = orjson.loads(answer.body)["items"]
            ids.extend(UUID(item["id"]) for item in items)
            tracked = items[0]
    await quiet(field)
    connection_to_dispatch = await field.connect(Service.DISPATCH)
    try:
        query = "SELECT id FROM dispatch.tickets WHERE appeal_id = ANY($1)"
        rows = await connection_to_dispatch.fetch(query, ids)
    finally:
        await connection_to_dispatch.close()
    return Seeds(tuple(ids), tuple(row["id"] for row in rows), tracked["receipt_number"], tracked["access_code"])


async def _latencies(field: Field, seeds: Seeds, seconds: float) -> dict[str, float]:
    """The median of each request, one kind after the other."""
    department = next(iter(DEPARTMENT_OF.values()))
    track = field.get(f"/v1/track/{seeds.receipt_number}", "call_center", f"X-Access-Code: {seeds.access_code}\r\n")
    listing = field.get(f"/v1/tickets?department_code={department}&status=awaiting_acknowledgement&limit=50")
    pull = field.pull(department, wait_seconds=0, most=10, lease_seconds=5)
    loads = {
        "pull": Load(field.urls[Service.DISPATCH], lambda: pull, OK),
        "track": Load(field.urls[Service.INTAKE], lambda: track, OK),
        "GET /v1/tickets": Load(field.urls[Service.DISPATCH], lambda: listing, OK),
        "POST /v1/appeals": Load(field.urls[Service.INTAKE], field.post_appeal, 201),
    }
    found = {}
    for name, load in loads.items():
        await closed_loop(load, connections=CONNECTIONS, seconds=min(seconds, 1.0))
        result = await closed_loop(load, connections=CONNECTIONS, seconds=seconds)
        if result.unexpected:
            raise StackError(f"{name}: {result.unexpected} of {len(result.latencies)} answers were not as expected")
        found[name] = percentile(result.latencies, 0.5)
        await quiet(field)
    return found


# --- filling --------------------------------------------------------------------------------------------------------


async def _multiply(field: Field, table: Multiplied, seeds: Seeds, copies: int) -> None:
    """Insert `copies` of every seed's rows, the newest first, as the service's own role."""
    connection = await field.connect(table.service)
    name = f"{table.service.value}.{table.table}"
    owner_ids = seeds.tickets if table.service is Service.DISPATCH else seeds.appeals
    try:
        await connection.execute("SET synchronous_commit = off; SET statement_timeout = 0")
        statement = await _statement(connection, table, name)
        for first in range(1, copies + 1, CHUNK):
            await connection.execute(statement, owner_ids, first, min(first + CHUNK - 1, copies))
        await connection.execute(f"VACUUM (ANALYZE) {name}")
    finally:
        await connection.close()


async def _statement(connection: asyncpg.Connection, table: Multiplied, name: str) -> str:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped "
        "AND attgenerated = '' ORDER BY attnum",
        name,
    )
    columns = [row["attname"] for row in rows]
    values = [_value(column, table) for column in columns]
    return (
        f"INSERT INTO {name} ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608 - names from the catalogue
        f"FROM {name} src CROSS JOIN generate_series($2::int, $3::int) n WHERE src.{table.ids[0]} = ANY($1::uuid[])"
    )


def _value(column: str, table: Multiplied) -> str:
    if column in table.ids:
        return _other_id(f"src.{column}")
    if column in table.texts:
        return f"src.{column} || '-' || n"
    return f"src.{column}"


def _other_id(column: str) -> str:
    """A time-ordered id a little older than the original, and the same wherever the original stands."""
    hexadecimal = f"md5({column}::text)"
    milliseconds = f"('x' || left(replace({column}::text, '-', ''), 12))::bit(48)::bigint - n"
    return (
        f"(lpad(to_hex({milliseconds}), 12, '0') || '7' || left({hexadecimal}, 3) || '8' || "
        f"substr({hexadecimal}, 4, 15))::uuid"
    )


# --- timers ---------------------------------------------------------------------------------------------------------


async def _timer_lag(field: Field, seeds: Seeds) -> float:
    """Let the half-time notices of the real tickets fall due over some seconds; the 99th percentile, in seconds."""
    connection = await field.connect(Service.DISPATCH)
    try:
        moved = await connection.fetch(
            "UPDATE dispatch.timers SET fire_at = clock_timestamp() + interval '2 s' + random() * $2 * interval '1 s' "
            "WHERE ticket_id = ANY($1) AND state = 'armed' AND level = 'L0' RETURNING ticket_id",
            seeds.tickets,
            float(SPREAD_SECONDS),
        )
        tickets = [row["ticket_id"] for row in moved]
        deadline = time.monotonic() + SPREAD_SECONDS + PATIENCE_SECONDS
        query = (
            "SELECT extract(epoch FROM fired_at - fire_at)::float8 AS lag FROM dispatch.timers "
            "WHERE ticket_id = ANY($1) AND level = 'L0' AND state = 'fired'"
        )
        while len(rows := await connection.fetch(query, tickets)) < len(tickets):
            if time.monotonic() > deadline:
                raise StackError(f"{len(tickets) - len(rows)} timers have not fired")
            await asyncio.sleep(0.5)
    finally:
        await connection.close()
    if not tickets:
        raise StackError("no timer was armed to be measured")
    return percentile([row["lag"] for row in rows], 0.99)

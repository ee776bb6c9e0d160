"""Staff search and look-alikes among very many appeals: each kind of question over HTTP, hard ones among them.

The record is filled by COPY with made-up appeals, since registering a million would take hours; terms, segments and the
sample of common terms are made by the service's own code.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg
import orjson

from deploy.bench.field import Field
from deploy.bench.flow import OK, Effort
from deploy.bench.http_load import Connection, Load, LoadResult, closed_loop, percentile, request_bytes
from deploy.bench.made_up import Author, MadeUp
from deploy.bench.report import Figure
from deploy.errors import StackError
from services.intake.db.search_index import ALGORITHM, APPEALS_PER_SEGMENT, LOCK, salt_of
from services.intake.db.tables_search import TERMS_INDEX
from services.intake.domain.cells import cell_of
from services.intake.domain.terms import Facts, fact_terms, terms_of
from services.intake.use_cases.index_appeals import sample_terms
from shared.db.engine import Database
from shared.vocabulary import Service

BAR_MILLISECONDS: Final = 50.0
_CHUNK: Final = 5_000
_VARIANTS: Final = 40
_DEEP_PAGES: Final = 30

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was put on record, and what of it is asked for."""

    author: Author
    appeals: int
    seconds: float
    some: Sequence[MadeUp]


async def search_figures(field: Field, effort: Effort, appeals: int) -> list[Figure]:
    """The 95th percentile of each kind of question among so many appeals; the median stands beside it."""
    filled = await _fill(field, appeals)
    phone = await _register_one(field)
    kinds = {**_searches(field, filled, phone, await _deep_cursor(field, filled)), **_look_alikes(field, filled)}
    figures = []
    for name, requests in kinds.items():
        result = await _ask(field, requests, effort.seconds / 2)
        note = f"median {1000 * percentile(result.latencies, 0.5):.1f} ms, {len(result.latencies)} answers"
        value = 1000 * percentile(result.latencies, 0.95)
        figures.append(Figure(f"{name}, p95, among {appeals:,}", value, "ms", BAR_MILLISECONDS, "lower", note=note))
    return [*figures, Figure("search: filling the record", filled.seconds, "s", note=f"{appeals:,} appeals")]


# --- questions ------------------------------------------------------------------------------------------------------


def _searches(field: Field, filled: Filled, phone: str, deep: str) -> dict[str, list[bytes]]:
    """Each kind asked in many variants, so that no answer is in anybody's cache for having just been given."""
    author, chance = filled.author, random.Random(5)  # noqa: S311 - a load pattern
    common = author.chinese[:20] + author.english[:20]
    middle = author.chinese[200:400]
    rare_categories = author.categories[-10:]

    def ask(**filters: str) -> bytes:
        return field.get("/v1/appeals?" + urlencode({"limit": "50", **filters}))

    def many(**filters: Sequence[str]) -> list[bytes]:
        return [ask(**{name: chance.choice(values) for name, values in filters.items()}) for _ in range(_VARIANTS)]

    names = [each.title for each in filled.some]
    by_phone = request_bytes("POST", "/v1/appeals/search", field.keys["dispatcher"], {"phone": phone, "q": "路面"})
    return {
        "search: a common word": many(q=common),
        "search: a word few use": many(q=author.chinese[3_000:] + author.english[3_000:]),
        "search: a whole title": many(q=names),
        "search: a word nobody uses": many(q=["龘靐齉", "xylophonic"]),
        "search: one character": many(q=[word[0] for word in common[:20]]),
        "search: two words": many(q=[f"{one} {other}" for one, other in zip(middle, reversed(middle), strict=True)]),
        "search: a common word in a rare category": many(q=common, category_code=rare_categories),
        "search: a common word in a branch of categories": many(q=common, category_code=["01", "07", "12"]),
        "search: a common word in a state few have": many(q=common, status=["reported_up", "suspended"]),
        "search: a common word in an open state": many(q=common, status=["in_progress", "awaiting_callback"]),
        "search: a common word of one department": many(q=common, department_code=["D01", "D02", "D30"]),
        "search: a rare channel in a street": many(channel=["box", "email"], grid_code=["411002003", "411002011"]),
        "search: a state and a department": many(status=["reported_up", "closed"], department_code=["D01", "D40"]),
        "search: page after page, far down": [ask(q=common[0], cursor=deep)],
        "search: a phone number": [by_phone],
    }


def _look_alikes(field: Field, filled: Filled) -> dict[str, list[bytes]]:
    path = "/v1/appeals/{}/similar?limit=10"
    drafts = [
        request_bytes(
            "POST",
            "/v1/appeals/similar",
            field.keys["call_center"],
            {
                "title": each.title,
                "description": each.description,
                "location": {"longitude": each.longitude, "latitude": each.latitude},
            },
        )
        for each in filled.some
    ]
    return {
        "look-alikes of an appeal": [field.get(path.format(each.id)) for each in filled.some],
        "look-alikes of a draft without a category": drafts,
    }


async def _ask(field: Field, requests: Sequence[bytes], seconds: float) -> LoadResult:
    """Ask in turn over one connection: how long somebody waits."""
    turn: Iterator[bytes] = itertools.cycle(requests)
    load = Load(field.urls[Service.INTAKE], lambda: next(turn), OK)
    await closed_loop(load, connections=1, seconds=min(seconds, 1.0))
    result = await closed_loop(load, connections=1, seconds=seconds)
    if result.unexpected:
        raise StackError(f"{result.unexpected} of {len(result.latencies)} searches were not answered with {OK}")
    return result


async def _deep_cursor(field: Field, filled: Filled) -> str:
    """Follow a search over many pages, and return where the next one starts."""
    cursor: dict[str, str] = {}
    async with await Connection.open(field.urls[Service.INTAKE]) as connection:
        for _ in range(_DEEP_PAGES):
            filters = urlencode({"q": filled.author.chinese[0], "limit": "200", **cursor})
            answer = await connection.send(field.get(f"/v1/appeals?{filters}"))
            following = orjson.loads(answer.body)["next_cursor"]
            if following is None:
                break
            cursor = {"cursor": following}
    return cursor.get("cursor", "")


async def _register_one(field: Field) -> str:
    """Register an appeal the ordinary way; return its phone number."""
    appeal = field.appeal()
    async with await Connection.open(field.urls[Service.INTAKE]) as connection:
        answer = await connection.send(
            request_bytes("POST", "/v1/appeals", field.keys["call_center"], {**appeal, "title": "路面塌陷"})
        )
    if answer.status != 201:
        raise StackError(f"an appeal was answered with {answer.status}")
    return str(appeal["reporter"]["phone"])


# --- filling --------------------------------------------------------------------------------------------------------


async def _fill(field: Field, appeals: int) -> Filled:
    began = time.monotonic()
    rows = await field.rows(
        Service.INTAKE, "SELECT code FROM intake.categories WHERE parent_code IS NOT NULL ORDER BY 1"
    )
    author = Author([row["code"] for row in rows])
    connection = await field.connect(Service.INTAKE)
    some: list[MadeUp] = []
    try:
        await connection.execute(
            "SET synchronous_commit = off; SET statement_timeout = 0; SET maintenance_work_mem = '512MB'"
        )
        await connection.execute(f"SELECT pg_advisory_lock({LOCK})")  # the worker keeps away meanwhile
        first = 1 + (await connection.fetchval("SELECT max(segment) FROM intake.search_segments") or 0)
        # Built at the end in one go; row by row it would be most of the time.
        await connection.execute(f"DROP INDEX intake.{TERMS_INDEX}")
        numbered = enumerate(author.appeals(appeals, datetime.now(UTC)))
        while batch := list(itertools.islice(numbered, _CHUNK)):
            await _copy(connection, [(first + number // APPEALS_PER_SEGMENT, each) for number, each in batch])
            some.extend(each for number, each in batch if number % max(appeals // _VARIANTS, 1) == 0)
            await asyncio.sleep(0)
        await connection.execute(f"CREATE INDEX {TERMS_INDEX} ON intake.appeal_search USING gin (terms)")
        for table in ("appeals", "progress", "pii_vault", "appeal_search", "search_segments"):
            await connection.execute(f"VACUUM (ANALYZE) intake.{table}")
    finally:
        await connection.close()
    await _sample(field)
    return Filled(author, appeals, time.monotonic() - began, some)


async def _copy(connection: asyncpg.Connection, batch: Sequence[tuple[int, MadeUp]]) -> None:
    tables: dict[str, Rows] = {
        "appeals": [_appeal_row(each) for _, each in batch],
        "progress": [_progress_row(each) for _, each in batch],
        "pii_vault": [_vault_row(each) for _, each in batch],
        "appeal_search": [_search_row(segment, each) for segment, each in batch],
    }
    for table, rows in tables.items():
        records = [tuple(row.values()) for row in rows]
        await connection.copy_records_to_table(table, schema_name="intake", columns=list(rows[0]), records=records)
    for segment, own in itertools.groupby(batch, key=lambda item: item[0]):
        times = [each.created_at for _, each in own]
        await connection.execute(_SEGMENT, segment, salt_of(segment), len(times), times[0], times[-1])


_SEGMENT: Final = """
INSERT INTO intake.search_segments AS s
    (segment, salt, appeals, first_created_at, last_created_at, first_received_at)
VALUES ($1, $2, $3, $4, $5, $4)
ON CONFLICT (segment) DO UPDATE
SET appeals = s.appeals + excluded.appeals, last_created_at = excluded.last_created_at
"""


def _appeal_row(each: MadeUp) -> dict[str, Any]:
    return {
        "id": each.id,
        "receipt_number": f"b{each.id.hex[:26]}",
        "access_hash": b"-",
        "type": each.type,
        "channel": each.channel,
        "category_code": each.category,
        "urgency": "P3",
        "mode": "committed",
        "status": "registered",  # nobody waits for its ticket; what is searched for is the state in `progress`
        "title": each.title,
        "description": each.description,
        "place": f"{each.grid[-6:]}号片区",
        "grid_code": each.grid,
        "longitude": each.longitude,
        "latitude": each.latitude,
        **dict.fromkeys(("anonymous", "confidential", "on_behalf"), False),
        "wants_reply": True,
        "special_care": [],
        **dict.fromkeys(("households", "signatories"), 0),
        "attributes": "{}",
        **dict.fromkeys(("received_at", "created_at", "accepted_at"), each.created_at),
    }


def _progress_row(each: MadeUp) -> dict[str, Any]:
    return {
        "appeal_id": each.id,
        "status": each.state,
        "round": 1,
        **dict.fromkeys(("department_code", "department_name"), each.department),
        "assigned_round": 1,
        "assigned_leg": 0,
        **dict.fromkeys(("as_of", "assigned_at", "registered_at"), each.created_at),
    }


def _vault_row(each: MadeUp) -> dict[str, Any]:
    return {"appeal_id": each.id, "key_id": "bench", "wrapped_key": b"-", "sealed": b"-", "phone_hash": each.id.bytes}


def _search_row(segment: int, each: MadeUp) -> dict[str, Any]:
    salt = salt_of(segment)
    facts = Facts(each.category, each.grid, each.channel, each.type, "P3", "committed")
    terms = terms_of(each.title, each.description, f"{each.grid[-6:]}号片区") | fact_terms(facts)
    return {
        "appeal_id": each.id,
        "segment": segment,
        "salt": salt,
        "algorithm": ALGORITHM,
        **dict.fromkeys(("created_at", "received_at"), each.created_at),
        "category_code": each.category,
        "cell": cell_of(each.longitude, each.latitude),
        "longitude": each.longitude,
        "latitude": each.latitude,
        "terms": sorted(term ^ salt for term in terms),
    }


async def _sample(field: Field) -> None:
    """Count common terms, as the worker does now and then."""
    url = field.running.stack.database_urls[Service.INTAKE]
    database = Database.connect(url, schema="intake", application_name="bench", pool_size=1)
    try:
        await database.transact(lambda uow: sample_terms(uow, counted=0))
    finally:
        await database.dispose()

"""Measures of the way of an appeal: accepting it, routing it, handing it to a department, draining a backlog."""

import asyncio
import contextlib
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy.engine import make_url

from deploy.bench import bare
from deploy.bench.field import DEPARTMENT_OF, Field
from deploy.bench.footprint import busy_seconds
from deploy.bench.http_load import Answer, Connection, Load, LoadResult, closed_loop, paced_loop, percentile
from deploy.bench.report import Figure, median_figure
from deploy.embedded.process import spawn, stop
from deploy.errors import StackError
from deploy.free_ports import free_ports
from shared.vocabulary import Service

CREATED, OK = 201, 200
CONNECTIONS = 8
PATIENCE_SECONDS = 120.0
TICKETS = "SELECT count(*) FROM dispatch.tickets"
BACKLOG_BATCH = 250
# A rate is sustained when at the end no more waits than what half a second brings.
BEHIND_SECONDS = 0.5
RATES = (25, 50, 100, 200, 300, 400, 500, 600, 800)


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how often everything is measured."""

    rounds: int
    seconds: float
    backlog: int


async def quiet(field: Field) -> None:
    """Wait until everything that was accepted has its ticket; raises StackError when none comes any more."""
    accepted = await field.count(Service.INTAKE, "SELECT count(*) FROM intake.appeals WHERE status <> 'registered'")
    last, moved_at = -1, time.monotonic()
    while (count := await field.count(Service.DISPATCH, TICKETS)) < accepted:
        if count != last:
            last, moved_at = count, time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE_SECONDS:
            raise StackError(f"{accepted - count} appeals have no ticket, and none came for {PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(0.1)


@contextlib.contextmanager
def asleep(process_ids: Iterable[int]) -> Iterator[None]:
    """Stop processes where they are, and wake them however the body ends."""
    stopped = list(process_ids)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


# --- accepting ------------------------------------------------------------------------------------------------------


async def accepting_figures(field: Field, effort: Effort) -> list[Figure]:
    """The whole of `POST /v1/appeals` against the bare endpoint, in turns, on the same server and database."""
    database_url = make_url(field.running.stack.database_urls[Service.INTAKE]).set(drivername="postgresql")
    connection = await field.connect(Service.INTAKE)
    await connection.execute(bare.CREATE.format(schema="intake"))
    [port] = free_ports(1)
    log = field.running.stack.settings.log_dir / "bench-bare.log"
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--no-server-header"]
    process = spawn(
        [sys.executable, "-m", "uvicorn", "--factory", "deploy.bench.bare:create_app", *options],
        log=log,
        environment={**os.environ, "BENCH_DATABASE_URL": database_url.render_as_string(hide_password=False)},
    )
    try:
        base_url = f"http://127.0.0.1:{port}"
        await _answers(base_url)
        postgres = field.running.stack.process_ids()["postgres"]
        endpoint = Endpoint(Load(base_url, field.post_bare, CREATED), (process.pid, postgres))
        return await _compare_accepting(field, effort, endpoint)
    finally:
        stop(process, [(signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)])
        await connection.execute(bare.DROP.format(schema="intake"))
        await connection.close()


async def _compare_accepting(field: Field, effort: Effort, yardstick: "Endpoint") -> list[Figure]:
    """In turns. Relays and workers sleep while the bar is measured: what they do is not what the endpoint owes."""
    ids = field.running.stack.process_ids()
    ours = Endpoint(Load(field.urls[Service.INTAKE], field.post_appeal, CREATED), (ids["intake-api"], ids["postgres"]))
    background = [pid for name, pid in ids.items() if name.endswith(("-relay", "-worker"))]
    for endpoint in (yardstick, ours):
        await endpoint.measure(min(effort.seconds, 2.0))
    await quiet(field)
    alone: list[tuple[Speed, Speed]] = []
    together: list[float] = []
    for _ in range(effort.rounds):
        with asleep(background):
            alone.append((await yardstick.measure(effort.seconds), await ours.measure(effort.seconds)))
        await quiet(field)
        together.append((await ours.measure(effort.seconds)).per_second)
        await quiet(field)
    cost = statistics.median(one.processor_ms / other.processor_ms for one, other in alone)
    connections = f"{CONNECTIONS} connections"
    return [
        median_figure(
            "bare endpoint: two inserts, one commit", [one.per_second for one, _ in alone], "/s", note=connections
        ),
        median_figure("POST /v1/appeals", [other.per_second for _, other in alone], "/s", note=connections),
        median_figure("POST /v1/appeals, p99", [1000 * other.p99 for _, other in alone], "ms", better="lower"),
        median_figure(
            "POST /v1/appeals against the bare endpoint",
            [other.per_second / one.per_second for one, other in alone],
            "×",
            bar=0.8,
            note=f"first bar 0.5, then 0.8; by processor time of service and database {cost:.2f}",
        ),
        median_figure("POST /v1/appeals while everything is routed, too", together, "/s", note=connections),
    ]


@dataclass(frozen=True, slots=True)
class Speed:
    """One measurement of an endpoint; `processor_ms` is what one request costs in the endpoint's own processes."""

    per_second: float
    p99: float
    processor_ms: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A load and the processes that answer it."""

    load: Load
    process_ids: tuple[int, ...]

    async def measure(self, seconds: float) -> Speed:
        names = {str(pid): pid for pid in self.process_ids}
        before = sum(busy_seconds(names).values())
        result = _checked(await closed_loop(self.load, connections=CONNECTIONS, seconds=seconds))
        spent = sum(busy_seconds(names).values()) - before
        cost = 1000 * spent / len(result.latencies)
        return Speed(result.per_second, percentile(result.latencies, 0.99), cost)


async def _answers(base_url: str) -> None:
    deadline = time.monotonic() + 30.0
    while True:
        try:
            (await Connection.open(base_url)).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise StackError("the bare endpoint did not start") from error
            await asyncio.sleep(0.1)


# --- accepted and routed --------------------------------------------------------------------------------------------


async def sustained_figure(field: Field, effort: Effort) -> Figure:
    """The highest of a row of rates at which nothing falls behind, neither accepting nor routing."""
    found = []
    for _ in range(effort.rounds):
        best = 0.0
        for rate in RATES:
            achieved, behind = await _offer(field, rate, effort.seconds)
            await quiet(field)
            if achieved < 0.98 * rate or behind > rate * BEHIND_SECONDS:
                break
            best = float(rate)
        found.append(best)
    return median_figure("sustained: accepted and routed, nothing falling behind", found, "/s", bar=300)


async def _offer(field: Field, rate: float, seconds: float) -> tuple[float, int]:
    """Return the rate that was really accepted and how many were without a ticket when the last was accepted."""
    before = await field.count(Service.DISPATCH, TICKETS)
    load = Load(field.urls[Service.INTAKE], field.post_appeal, CREATED)
    result = _checked(await paced_loop(load, per_second=rate, seconds=seconds))
    routed = await field.count(Service.DISPATCH, TICKETS) - before
    return result.per_second, len(result.latencies) - routed


# --- from the 201 to the department ---------------------------------------------------------------------------------


async def hand_over_figures(field: Field, effort: Effort, per_second: float = 100.0) -> list[Figure]:
    """From the client's reading of the 201 to the ticket in a waiting department's hands, at a steady rate."""
    p50s, p99s = [], []
    for _ in range(effort.rounds):
        delays = await _hand_over(field, per_second, effort.seconds)
        p50s.append(1000 * percentile(delays, 0.50))
        p99s.append(1000 * percentile(delays, 0.99))
        await quiet(field)
    name = f"from the 201 to the ticket in a waiting pull, at {per_second:.0f}/s"
    return [
        median_figure(f"{name}: p50", p50s, "ms", bar=30, better="lower"),
        median_figure(f"{name}: p99", p99s, "ms", bar=100, better="lower"),
    ]


async def _hand_over(field: Field, per_second: float, seconds: float) -> list[float]:
    accepted: dict[UUID, float] = {}
    pulled: dict[UUID, float] = {}

    def on_answer(answer: Answer) -> None:
        accepted[UUID(orjson.loads(answer.body)["id"])] = time.perf_counter()

    pullers = [asyncio.create_task(_pull_forever(field, code, pulled)) for code in DEPARTMENT_OF.values()]
    try:
        await asyncio.sleep(1.0)  # what was on offer before is taken first
        load = Load(field.urls[Service.INTAKE], field.post_appeal, CREATED, on_answer)
        _checked(await paced_loop(load, per_second=per_second, seconds=seconds))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while accepted.keys() - pulled.keys():
            if time.monotonic() > deadline:
                raise StackError(f"{len(accepted.keys() - pulled.keys())} accepted appeals were not offered to anybody")
            await asyncio.sleep(0.05)
    finally:
        for puller in pullers:
            puller.cancel()
        await asyncio.gather(*pullers, return_exceptions=True)
    return [max(0.0, pulled[id_] - at) for id_, at in accepted.items()]


async def _pull_forever(field: Field, department: str, pulled: dict[UUID, float]) -> None:
    """As a department's system would: ask again as soon as the last answer is there."""
    request = field.pull(department, wait_seconds=30, lease_seconds=3600)
    async with await Connection.open(field.urls[Service.DISPATCH]) as connection:
        while True:
            answer = await connection.send(request)
            at = time.perf_counter()
            if answer.status != OK:
                raise StackError(f"pull was answered with {answer.status}")
            for item in orjson.loads(answer.body)["items"]:
                pulled.setdefault(UUID(item["ticket"]["appeal_id"]), at)


# --- a backlog ------------------------------------------------------------------------------------------------------


async def drain_figure(field: Field, effort: Effort) -> Figure:
    """Dispatch's worker sleeps while a backlog grows; then the time from waking it to the last ticket."""
    found = []
    for _ in range(effort.rounds):
        await quiet(field)
        worker = field.running.stack.process_ids()["dispatch-worker"]
        before = await field.count(Service.DISPATCH, TICKETS)
        with asleep([worker]):
            await _pile_up(field, effort.backlog)
        began = time.perf_counter()
        while await field.count(Service.DISPATCH, TICKETS) < before + effort.backlog:
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise StackError("the backlog was not drained")
            await asyncio.sleep(0.02)
        found.append(effort.backlog / (time.perf_counter() - began))
    return median_figure("backlog drained by dispatch", found, "/s", bar=2_000, note=f"{effort.backlog:,} appeals")


async def _pile_up(field: Field, appeals: int) -> None:
    async with await Connection.open(field.urls[Service.INTAKE]) as connection:
        for _ in range(appeals // BACKLOG_BATCH):
            answer = await connection.send(field.post_batch(BACKLOG_BATCH))
            created = orjson.loads(answer.body).get("created") if answer.status == OK else None
            if created != BACKLOG_BATCH:
                raise StackError(f"a batch was answered with {answer.status}, {created} created")


def _checked(result: LoadResult) -> LoadResult:
    """A figure over refused requests would be worth nothing."""
    if result.unexpected:
        raise StackError(f"{result.unexpected} of {len(result.latencies)} requests were not answered as expected")
    return result

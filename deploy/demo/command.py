"""`minqing demo`: a city's real requests through a stack of its own, held against what the city recorded."""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.engine import make_url

from deploy.city.load import work_calendar
from deploy.demo.client import Clients
from deploy.demo.compare import Share, compare, drawn_at
from deploy.demo.preparing import SAMPLE, Prepared, prepare
from deploy.demo.report import Figures, Timings, print_table
from deploy.demo.requests import CityRequest, write_history
from deploy.errors import StackError
from deploy.importing.command import import_history, progress_bar
from deploy.importing.run import ImportFiles
from deploy.scratch import Running, scratch_directory, scratch_stack, supervised
from deploy.settings import master_key
from deploy.stack import StopRequested
from shared.vocabulary import Service

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=SAMPLE, help="a whole file of the city (5,000 rows come along)")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument("--keep", action="store_true", help="keep the data directory and say where it is")


def run(options: argparse.Namespace) -> int:
    console = Console()
    try:
        with scratch_directory("demo", keep=options.keep) as directory:
            if options.keep:
                console.print(f"data in {directory}", soft_wrap=True)
            figures = _demonstrate(options.data, directory, console)
    except StopRequested:
        console.print("stopped; nothing is left running")
        return 130
    print_table(console, figures)
    if options.json is not None:
        options.json.write_text(json.dumps(figures.document(), indent=1) + "\n", encoding="utf-8")
    return 0 if figures.ok else 1


def _demonstrate(data: Path, directory: Path, console: Console) -> Figures:
    prepared = prepare(data, directory)
    requests, learned = prepared.requests, prepared.learned
    console.print(
        f"{len(requests.history):,} requests of the first six months teach {len(learned.rules):,} routing rules; "
        f"{len(requests.following):,} of the months after will be sent ({requests.left_out:,} rows left out)"
    )
    began = time.monotonic()
    with scratch_stack(directory, prepared.directory, lambda _: None) as running:
        console.print(f"a stack of its own has started in {time.monotonic() - began:.1f} s")
        return asyncio.run(_Demonstration(prepared, running, directory, console).go())


class _Demonstration:
    """One run against a running stack."""

    def __init__(self, prepared: Prepared, running: Running, directory: Path, console: Console) -> None:
        self._prepared = prepared
        self._running = running
        self._directory = directory
        self._console = console

    async def go(self) -> Figures:
        async with supervised(self._running.stack), Clients(self._running.urls, self._running.keys) as clients:
            with progress_bar(self._console) as progress:
                imported, import_seconds, applied_seconds = await self._import(progress)
                since = datetime.now(UTC)
                sent = await self._send(clients, progress)
            accepted, refused, accept_seconds, routed_seconds = sent
            tickets = {id_: ticket async for id_, ticket in clients.tickets(since) if id_ in accepted}
        pairs = [(accepted[id_], ticket) for id_, ticket in tickets.items()]
        pack, requests = self._prepared.pack, self._prepared.requests
        as_of = drawn_at([*requests.history, *requests.following])
        return Figures(
            rules=len(self._prepared.learned.rules),
            comparison=compare(
                pairs,
                self._prepared.learned,
                {policy.code: policy for policy in pack.policies},
                work_calendar(pack),
                as_of,
            ),
            history_flags=await self._history_flags(),
            timings=Timings(imported, import_seconds, applied_seconds, len(accepted), accept_seconds, routed_seconds),
            refused=len(refused),
            unrouted=len(accepted) - len(tickets),
        )

    async def _import(self, progress: Progress) -> tuple[int, float, float]:
        """The learning months enter as history; done when dispatch and feedback have them, too."""
        source = self._directory / "history.csv"
        requests = self._prepared.requests
        write_history(source, requests.header, requests.history)
        files = ImportFiles(source, self._directory / "history.progress", self._directory / "history.rejected.csv")
        total = len(requests.history)
        task = progress.add_task("history: imported", total=total)
        began = time.monotonic()
        stack = self._running.stack
        summary = await import_history(
            files,
            self._prepared.mapping,
            urls=stack.database_urls,
            master_key=master_key(stack.settings),
            on_rows=lambda count: progress.advance(task, count),
        )
        import_seconds = time.monotonic() - began
        applied = progress.add_task("history: on record everywhere", total=summary.imported)

        async def on_record() -> int:
            in_dispatch = await self._count(Service.DISPATCH, "SELECT count(*) FROM dispatch.tickets WHERE imported")
            in_feedback = await self._count(Service.FEEDBACK, "SELECT count(*) FROM feedback.cases")
            return min(in_dispatch, in_feedback)

        await _until(on_record, summary.imported, lambda count: progress.update(applied, completed=count))
        return summary.imported, import_seconds, time.monotonic() - began

    async def _send(
        self, clients: Clients, progress: Progress
    ) -> tuple[Mapping[UUID, CityRequest], Sequence[str], float, float]:
        """The following months over the API; done when each has its ticket."""
        following = self._prepared.requests.following
        titles = {category.code: category.name for category in self._prepared.pack.categories}
        accepting = progress.add_task("API: accepted", total=len(following))
        routing = progress.add_task("dispatcher: routed", total=len(following))
        began = time.monotonic()
        sending = asyncio.create_task(
            clients.send_all(following, titles, lambda count: progress.advance(accepting, count))
        )
        query = "SELECT count(*) FROM dispatch.tickets WHERE NOT imported"

        async def routed() -> int:
            return await self._count(Service.DISPATCH, query)

        while not sending.done():
            progress.update(routing, completed=await routed())
            await asyncio.wait([sending], timeout=POLL_SECONDS * 5)
        accepted, refused = await sending
        accept_seconds = time.monotonic() - began
        progress.update(routing, total=len(accepted))
        await _until(routed, len(accepted), lambda count: progress.update(routing, completed=count))
        return accepted, refused, accept_seconds, time.monotonic() - began

    async def _count(self, service: Service, query: str) -> int:
        rows = await self._rows(service, query)
        return int(rows[0][0])

    async def _rows(self, service: Service, query: str) -> list[asyncpg.Record]:
        url = make_url(self._running.stack.database_urls[service]).set(drivername="postgresql")
        connection = await asyncpg.connect(url.render_as_string(hide_password=False))
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def _history_flags(self) -> Share:
        """How dispatch judged the imported months, against the city's flag; only what was closed has a verdict."""
        verdicts = await self._rows(
            Service.DISPATCH,
            "SELECT t.appeal_id, l.late_resolve FROM dispatch.tickets t JOIN dispatch.ticket_legs l "
            "ON l.ticket_id = t.id WHERE t.imported AND l.resolved_at IS NOT NULL",
        )
        references = await self._rows(
            Service.INTAKE, "SELECT id, external_id FROM intake.appeals WHERE external_id IS NOT NULL"
        )
        external_ids = {row["id"]: row["external_id"] for row in references}
        late = {external_ids[row["appeal_id"]]: row["late_resolve"] for row in verdicts}
        judged = [
            late[each.past.external_id] is not each.on_time
            for each in self._prepared.requests.history
            if each.counted and each.past.external_id in late
        ]
        return Share(sum(judged), len(judged))


async def _until(measure: Callable[[], Awaitable[int]], wanted: int, on_count: Callable[[int], None]) -> None:
    """Wait for the count; raises StackError when nothing has moved for PATIENCE_SECONDS."""
    last, moved_at = -1, time.monotonic()
    while (count := await measure()) < wanted:
        on_count(count)
        if count != last:
            last, moved_at = count, time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE_SECONDS:
            raise StackError(f"{count} of {wanted} have arrived, and no more for {PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(POLL_SECONDS)
    on_count(wanted)

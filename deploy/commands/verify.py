"""`minqing verify`: on every edge between two services, was everything published applied exactly once?"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta

from deploy.locate import database_urls
from deploy.settings import StackSettings
from shared.db.engine import Database
from shared.messaging.reconcile import EdgeReport, reconcile
from shared.vocabulary import Service

STATEMENT_TIMEOUT = timedelta(minutes=2)
SETTLE_INTERVAL_SECONDS = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settle",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how long events may still be on their way on a running system (default: 10)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    from deploy.prepare import check_servers

    with database_urls(StackSettings.load()) as urls:
        asyncio.run(check_servers(urls, None))
        reports = asyncio.run(verify(urls, settle_seconds=options.settle))
    if options.json:
        print(json.dumps([{**asdict(report), "ok": report.ok} for report in reports], indent=2))
    else:
        for report in reports:
            print(describe(report))
    sound = all(report.ok for report in reports)
    if not options.json:
        print("every event was applied exactly once" if sound else "NOT every event was applied exactly once")
    return 0 if sound else 1


async def verify(urls: Mapping[Service, str], *, settle_seconds: float) -> list[EdgeReport]:
    """Reconcile every edge; while something is merely on its way, look again until the patience ends."""
    databases = {
        service: Database.connect(
            url,
            schema=service.value,
            application_name="minqing-verify",
            statement_timeout=STATEMENT_TIMEOUT,
            pool_size=1,
        )
        for service, url in urls.items()
    }
    deadline = time.monotonic() + settle_seconds
    try:
        while True:
            reports = await reconcile(databases)
            on_the_way = any(report.behind for report in reports)
            if not on_the_way or time.monotonic() >= deadline:
                return reports
            await asyncio.sleep(SETTLE_INTERVAL_SECONDS)
    finally:
        for database in databases.values():
            await database.dispose()


def describe(report: EdgeReport) -> str:
    """One line for an edge, with examples below it where something is wrong."""
    faults = {name: getattr(report, name) for name in ("behind", "ahead", "miscounted", "dead", "skipped")}
    told = ", ".join(f"{count} {name}" for name, count in faults.items() if count) or "all applied"
    line = (
        f"{'ok  ' if report.ok else 'FAIL'} {report.producer} -> {report.consumer}: "
        f"{report.published} published, {report.applied} applied in {report.streams} streams; {told}"
    )
    return "\n".join([line, *(f"       {example}" for example in report.examples)])

"""`minqing chaos`: a stack of its own, load on it, one part after the other hit; then the invariants and the times."""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.chaos.hits import Hit, every_hit
from deploy.chaos.invariants import Check, check_all, count_unsettled
from deploy.chaos.load import Clients, Promise, run_until
from deploy.errors import StackError
from deploy.free_ports import free_ports
from deploy.settings import StackSettings, city_pack
from deploy.stack import Stack
from shared.vocabulary import Service

RECOVERY_BAR_SECONDS = 5.0
_RECOVERY_PATIENCE_SECONDS = 60.0
_SETTLE_PATIENCE_SECONDS = 120.0
_PROBE_SECONDS = 0.05


@dataclass
class Outcome:
    """What a run found: how long each hit was felt, and which invariants hold."""

    recoveries: dict[str, list[float]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    accepted: int = 0
    replays: int = 0
    pulled: int = 0
    handled: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return bool(self.checks) and all(check.ok for check in self.checks)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=10.0, help="how long hits go on (10)")
    parser.add_argument("--rate", type=float, default=20.0, help="appeals per second (20)")
    parser.add_argument("--seed", type=int, default=1, help="of the load's choices (1)")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds of calm between recovery and next hit (2)")
    parser.add_argument("--once", action="store_true", help="every hit once, then stop, whatever --minutes says")
    parser.add_argument("--report", type=Path, default=Path("chaos-report.json"), help="where the figures go")


def run(options: argparse.Namespace) -> int:
    console = Console()
    directory = Path(tempfile.mkdtemp(prefix="mq-chaos-"))
    try:
        outcome = chaos(directory, options, console.print)
    except StackError as error:
        console.print(f"[red]{error}")
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    _show(console, outcome)
    options.report.write_text(json.dumps(_report(outcome), indent=2) + "\n", encoding="utf-8")
    return 0 if outcome.ok else 1


def chaos(directory: Path, options: argparse.Namespace, say: Callable[[str], None]) -> Outcome:
    """Run it in `directory`; the stack is stopped again however this ends. Raises StackError if it cannot start."""
    ports = dict(zip(Service, free_ports(len(Service)), strict=True))
    settings = StackSettings(
        data_dir=directory, host="127.0.0.1", ports=ports, database_urls=None, redis_url=None, city=city_pack("weidu")
    )
    stack = Stack(settings, say)
    stack.start()
    try:
        return _Run(stack, options, say).go()
    finally:
        stack.stop()


class _Run:
    """The main thread strikes and supervises; a second thread runs the load's event loop."""

    def __init__(self, stack: Stack, options: argparse.Namespace, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._options = options
        self._say = say
        self._outcome = Outcome()
        self._loop = asyncio.new_event_loop()
        self._stop_load = asyncio.Event()
        keys = json.loads(stack.settings.keys_file.read_text())
        urls = {service: stack.settings.base_url(service) for service in Service}
        self._clients = Clients(urls, keys, seed=options.seed)

    def go(self) -> Outcome:
        began = time.monotonic()
        thread = threading.Thread(target=self._loop.run_forever, name="load")
        thread.start()
        try:
            load = asyncio.run_coroutine_threadsafe(self._load(), self._loop)
            self._strike_until(began + self._options.minutes * 60, every_hit())
            self._loop.call_soon_threadsafe(self._stop_load.set)
            self._wait(load.done, _SETTLE_PATIENCE_SECONDS)
            load.result(timeout=1)
            self._settle()
            self._outcome.checks = self._in_load(check_all(self._stack.database_urls, self._clients.ledger))
            self._in_load(self._clients.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()
        ledger, outcome = self._clients.ledger, self._outcome
        outcome.accepted, outcome.replays = len(ledger.accepted), ledger.replays
        outcome.pulled, outcome.handled, outcome.errors = ledger.pulled, ledger.handled, ledger.errors
        outcome.seconds = time.monotonic() - began
        return outcome

    async def _load(self) -> None:
        clients, rate = self._clients, self._options.rate
        await run_until(
            self._stop_load,
            lambda stop: clients.submit_forever(rate, stop),
            clients.handle_forever,
            clients.handle_forever,
            clients.call_back_forever,
        )

    def _strike_until(self, end: float, hits: Sequence[Hit]) -> None:
        self._calm(self._options.pause)
        while True:
            for hit in hits:
                if time.monotonic() >= end and not self._options.once:
                    return
                hit.strike(self._stack)
                struck = time.monotonic()
                promise = self._in_load(self._clients.submit())
                recovered = self._wait(lambda p=promise: self._has_ticket(p), _RECOVERY_PATIENCE_SECONDS)  # type: ignore[misc]
                took = time.monotonic() - struck
                self._outcome.recoveries.setdefault(hit.name, []).append(took)
                self._say(f"  {hit.name:<28} {'recovered after' if recovered else 'NOT recovered in'} {took:5.2f} s")
                self._calm(self._options.pause)
            if self._options.once:
                return

    def _has_ticket(self, promise: Promise) -> bool:
        return bool(self._in_load(self._clients.ticket_exists(promise.appeal_id)))

    def _settle(self) -> None:
        """Give what is on its way the time to arrive; what does not is found by the invariants."""

        def settled() -> bool:
            return bool(self._in_load(count_unsettled(self._stack.database_urls, self._clients.ledger)) == 0)

        self._wait(settled, _SETTLE_PATIENCE_SECONDS, every=1.0)

    def _calm(self, seconds: float) -> None:
        self._wait(lambda: False, seconds)

    def _wait(self, done: Callable[[], bool], patience: float, every: float = _PROBE_SECONDS) -> bool:
        """Keep the supervisor going until `done`; False when the patience is over first."""
        deadline = time.monotonic() + patience
        while True:
            self._stack.tick()
            if done():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(every, max(0.0, deadline - time.monotonic())))

    def _in_load(self, work: Any) -> Any:
        """Run a coroutine in the load's loop, supervising meanwhile."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        while not future.done():
            self._stack.tick()
            time.sleep(0.02)
        return future.result()


def _report(outcome: Outcome) -> dict[str, Any]:
    return {
        "ok": outcome.ok,
        "seconds": round(outcome.seconds, 1),
        "accepted": outcome.accepted,
        "replays": outcome.replays,
        "pulled": outcome.pulled,
        "handled": outcome.handled,
        "client_errors": dict(outcome.errors),
        "recovery_seconds": {name: [round(t, 2) for t in times] for name, times in outcome.recoveries.items()},
        "checks": [{"name": c.name, "ok": c.ok, "broken": c.broken} for c in outcome.checks],
    }


def _show(console: Console, outcome: Outcome) -> None:
    times = Table("hit", "times", "median s", "worst s", "", title="Recovery: from the hit to a new appeal's ticket")
    for name, seconds in outcome.recoveries.items():
        worst = max(seconds)
        verdict = "ok" if worst <= RECOVERY_BAR_SECONDS else f"short of {RECOVERY_BAR_SECONDS:.0f} s"
        times.add_row(name, str(len(seconds)), f"{statistics.median(seconds):.2f}", f"{worst:.2f}", verdict)
    console.print(times)
    checks = Table("invariant", "", "examples", title="The promise against the record")
    for check in outcome.checks:
        checks.add_row(check.name, "holds" if check.ok else "BROKEN", "\n".join(check.broken))
    console.print(checks)
    console.print(
        f"{outcome.accepted} appeals accepted, {outcome.replays} replays, {outcome.pulled} tickets pulled, "
        f"{outcome.handled} handled to their review, {outcome.seconds:.0f} s; clients met: {dict(outcome.errors)}"
    )

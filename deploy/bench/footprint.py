"""What the whole stack costs while nobody asks anything of it: memory, with shared pages once, and processor time."""

import asyncio
from collections.abc import Mapping

import psutil

from deploy.bench.report import Figure
from deploy.stack import Stack

SETTLE_SECONDS = 5.0
MEBIBYTE = 1024 * 1024


async def idle_figures(stack: Stack, seconds: float) -> list[Figure]:
    """Servers and everything they have forked included. Memory is PSS: a page used by three processes counts once."""
    await asyncio.sleep(SETTLE_SECONDS)
    before = busy_seconds(stack.process_ids())
    await asyncio.sleep(seconds)
    after = busy_seconds(stack.process_ids())
    shares = {name: 100 * (after[name] - before.get(name, after[name])) / seconds for name in after}
    pss, rss = _memory(stack.process_ids())
    busiest = sorted(shares.items(), key=lambda item: -item[1])[:3]
    return [
        Figure(
            "idle: memory of the whole stack",
            pss / MEBIBYTE,
            "MiB",
            700,
            "lower",
            note=f"RSS summed: {rss / MEBIBYTE:.0f}",
        ),
        Figure(
            "idle: processor",
            sum(shares.values()),
            "% of a core",
            5,
            "lower",
            note=", ".join(f"{name} {share:.1f}" for name, share in busiest),
        ),
    ]


def busy_seconds(process_ids: Mapping[str, int]) -> dict[str, float]:
    """Processor seconds so far by name; children are included, but for those that have a name of their own."""
    return {name: sum(map(_seconds, family)) for name, family in _families(process_ids).items()}


def _families(process_ids: Mapping[str, int]) -> dict[str, list[psutil.Process]]:
    """Each process with its descendants; none is in two families."""
    named = set(process_ids.values())
    families: dict[str, list[psutil.Process]] = {}
    for name, pid in process_ids.items():
        try:
            process = psutil.Process(pid)
            children = [child for child in process.children(recursive=True) if child.pid not in named]
        except psutil.NoSuchProcess:
            continue
        families[name] = [process, *children]
    return families


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _memory(process_ids: Mapping[str, int]) -> tuple[int, int]:
    pss = rss = 0
    for process in (each for family in _families(process_ids).values() for each in family):
        try:
            memory = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        pss += memory.pss
        rss += memory.rss
    return pss, rss

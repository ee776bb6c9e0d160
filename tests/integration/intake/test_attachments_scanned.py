"""The virus scanner: what it refuses is not stored, and while it is away nothing is taken."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.intake.domain.attachments import InfectedFile, Scan
from services.intake.media.virus_scan import VirusScanner
from services.intake.settings import Settings
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.errors import Unavailable
from tests.integration.intake.attachment_desk import post_files
from tests.integration.intake.conftest import opened
from tests.support import media_samples as samples
from tests.support.clamd import TEST_VIRUS, Clamd, running_clamd


async def content(size: int, *more: bytes) -> AsyncIterator[bytes]:
    for start in range(0, size, 100_000):
        yield b"x" * min(100_000, size - start)
    for piece in more:
        yield piece


@pytest.mark.parametrize("over", ["tcp", "unix"])
async def test_a_clean_file_is_clean(tmp_path: Path, over: str) -> None:
    async with running_clamd(tmp_path / "clamd.ctl" if over == "unix" else None) as clamd:
        assert await VirusScanner(clamd.url).scan(content(1_000_000)) is Scan.CLEAN
        assert clamd.scanned == [b"x" * 1_000_000]


async def test_an_infected_file_is_refused() -> None:
    async with running_clamd() as clamd:
        with pytest.raises(InfectedFile):
            await VirusScanner(clamd.url).scan(content(70_000, TEST_VIRUS))


async def away(clamd: Clamd, how: str) -> VirusScanner:
    clamd.is_silent = how == "silent"
    clamd.most_bytes = 100_000 if how == "too small" else clamd.most_bytes
    return VirusScanner("tcp://127.0.0.1:1" if how == "not there" else clamd.url)


@pytest.mark.parametrize("how", ["not there", "silent", "too small"])
async def test_a_scanner_that_does_not_answer_lets_nothing_in(how: str) -> None:
    async with running_clamd() as clamd:
        with pytest.raises(Unavailable, match="scanner"):
            await (await away(clamd, how)).scan(content(5_000_000))


async def test_a_scanner_that_is_not_required_is_done_without() -> None:
    scanner = VirusScanner("tcp://127.0.0.1:1", is_required=False)
    assert await scanner.scan(content(10)) is Scan.NOT_SCANNED


async def test_a_scanner_that_hangs_is_given_up() -> None:
    async with running_clamd() as clamd:
        scanner = VirusScanner(clamd.url, timeout_seconds=0.05)

        async def never() -> AsyncIterator[bytes]:
            yield b"x"
            await forever()

        with pytest.raises(Unavailable):
            await scanner.scan(never())


async def forever() -> None:
    import asyncio

    await asyncio.Event().wait()


async def test_uploads_are_scanned_before_they_are_stored(
    intake_settings: Settings, intake_db: Database, manual_clock: ManualClock
) -> None:
    async with running_clamd() as clamd:
        settings = intake_settings.model_copy(update={"clamd_url": clamd.url})
        async for office in opened(settings, intake_db, manual_clock):
            receipt = await office.register()
            taken = await post_files(office, receipt["id"], samples.text())
            assert taken.json()["items"][0]["scan"] == "clean"
            assert clamd.scanned == [samples.text()]

            infected = await post_files(office, receipt["id"], samples.text(), b"text " + TEST_VIRUS)
            problem = infected.json()
            assert (infected.status_code, problem["code"]) == (422, "infected_file")
            assert problem["errors"][0]["field"] == "/file"

            clamd.is_silent = True
            refused = await post_files(office, receipt["id"], samples.text())
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
            assert len(await office.rows("attachments")) == 1
            assert len([path for path in settings.data_dir.rglob("*") if path.is_file()]) == 1

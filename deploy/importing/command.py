"""`minqing import FILE --mapping NAME`: past requests from a CSV file, with a progress bar, resumable."""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from deploy.errors import StackError
from deploy.importing.files import count_lines
from deploy.importing.mapping import FieldMapping, read_mapping
from deploy.importing.rows import RowReader
from deploy.importing.run import ImportFiles, Summary, import_file
from deploy.importing.store import Catalogue, IntakeStore
from deploy.locate import database_urls
from deploy.settings import StackSettings, master_key
from services.intake.settings import Settings as IntakeSettings
from services.intake.use_cases.desk import Desk
from shared.clock import SystemClock
from shared.db.engine import Database
from shared.errors import DomainError
from shared.messaging.outbox import Outbox
from shared.vocabulary import Service

STATEMENT_TIMEOUT = timedelta(seconds=60)
MAPPINGS = Path(__file__).with_name("mappings")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a CSV or CSV.gz file")
    parser.add_argument(
        "--mapping", required=True, help="a TOML or JSON file, or the name of one that comes along (boston, baltimore)"
    )
    parser.add_argument("--rejected", type=Path, help="where bad rows are reported (FILE.rejected.csv)")
    parser.add_argument("--checkpoint", type=Path, help="where the progress is kept (in the data directory)")
    parser.add_argument("--restart", action="store_true", help="forget the checkpoint; what is there is skipped")


def run(options: argparse.Namespace) -> int:
    settings = StackSettings.load()
    mapping = read_mapping(mapping_file(options.mapping))
    source: Path = options.file
    files = ImportFiles(
        source,
        options.checkpoint or settings.data_dir / f"import-{mapping.system}-{source.name}.json",
        options.rejected or source.with_name(f"{source.name}.rejected.csv"),
    )
    total = count_lines(source)
    with database_urls(settings) as urls:
        if options.restart:
            files.checkpoint.unlink(missing_ok=True)
        console = Console()
        with progress_bar(console) as progress:
            task = progress.add_task(f"importing {source.name}", total=total)
            summary = asyncio.run(
                import_history(
                    files,
                    mapping,
                    urls=urls,
                    master_key=master_key(settings),
                    on_rows=lambda count: progress.advance(task, count),
                )
            )
            progress.update(task, total=summary.rows, completed=summary.rows)
    print_summary(console, summary, files)
    return 0


def mapping_file(name: str) -> Path:
    """A mapping by its path, or by the name of one that comes along."""
    known = MAPPINGS / f"{name}.toml"
    return known if known.is_file() else Path(name)


def progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


async def import_history(
    files: ImportFiles,
    mapping: FieldMapping,
    *,
    urls: Mapping[Service, str],
    master_key: str,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Import a file into the system behind `urls`. Raises StackError."""
    intake = _connect(urls, Service.INTAKE, sink=Outbox(Service.INTAKE))
    dispatch = _connect(urls, Service.DISPATCH)
    try:
        catalogue = await Catalogue.read(intake, dispatch)
        if not catalogue.known.departments:
            raise StackError("no city is loaded yet: minqing city load")
        desk = Desk.from_settings(_settings(urls, master_key))
        reader = RowReader(mapping, catalogue.known, SystemClock().now())
        return await import_file(files, mapping, reader, IntakeStore(intake, desk, catalogue), on_rows)
    except DomainError as error:
        raise StackError(error.detail) from error
    finally:
        await intake.dispose()
        await dispatch.dispose()


def _connect(urls: Mapping[Service, str], service: Service, sink: Outbox | None = None) -> Database:
    return Database.connect(
        urls[service],
        schema=service.value,
        application_name=f"minqing-{service.value}-import",
        sink=sink,
        statement_timeout=STATEMENT_TIMEOUT,
        pool_size=2,
    )


def _settings(urls: Mapping[Service, str], master_key: str) -> IntakeSettings:
    """Intake's settings from the environment, but for what the caller has found out already."""
    return IntakeSettings(database_url=SecretStr(urls[Service.INTAKE]), master_key=SecretStr(master_key))


def print_summary(console: Console, summary: Summary, files: ImportFiles) -> None:
    if summary.resumed_at is not None:
        console.print(f"went on after line {summary.resumed_at}")
    speed = f"{summary.rows} rows in {summary.seconds:.1f} s ({summary.rows_per_second:.0f}/s)"
    console.print(f"{speed}: {summary.imported} imported, {summary.duplicates} on record already, {summary.bad} bad")
    if summary.bad:
        console.print(f"bad rows, with line and reason: {files.rejected}", soft_wrap=True)

"""Stores past requests through intake's own use case: they enter with their own times, and travel on as events."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from deploy.importing.rows import BadRow, KnownCodes, PastRequest
from deploy.importing.run import StoredBatch
from services.dispatch.db.tables_registry import departments, grids
from services.intake.db.tables import categories
from services.intake.domain.appeals import ExternalRef, Submission
from services.intake.domain.places import Location
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.import_history import ImportStatus, PastAppeal, import_appeals
from shared.db.engine import Database

MOST_CODES = 1_000_000


class Catalogue:
    """The codes and names the system has now, read once before an import."""

    def __init__(
        self, category_names: Mapping[str, str], department_names: Mapping[str, str], areas: frozenset[str]
    ) -> None:
        self.category_names = category_names
        self.department_names = department_names
        self.known = KnownCodes(category_names.keys(), department_names.keys(), areas)

    @classmethod
    async def read(cls, intake: Database, dispatch: Database) -> "Catalogue":
        """Each service's part through its own login."""
        async with intake.engine.connect() as connection:
            rows = await connection.execute(
                sa.select(categories.c.code, categories.c.name, categories.c.name_zh).limit(MOST_CODES)
            )
            category_names = {row.code: row.name_zh or row.name for row in rows}
        async with dispatch.engine.connect() as connection:
            rows = await connection.execute(sa.select(departments.c.code, departments.c.name).limit(MOST_CODES))
            department_names = {row.code: row.name for row in rows}
            rows = await connection.execute(sa.select(grids.c.code).limit(MOST_CODES))
            areas = frozenset(row.code for row in rows)
        return cls(category_names, department_names, areas)


class IntakeStore:
    """One transaction per batch, in intake's database only."""

    def __init__(self, database: Database, desk: Desk, catalogue: Catalogue) -> None:
        self._database = database
        self._desk = desk
        self._catalogue = catalogue

    async def store(self, batch: Sequence[PastRequest]) -> StoredBatch:
        """Idempotent per external reference. What intake refuses is handed back with its reasons."""
        items = [self._appeal(row) for row in batch]
        results = await self._database.transact(lambda uow: import_appeals(uow, self._desk, items))
        refused = tuple(
            BadRow(row.line, row.external_id, tuple(f"{each.field}: {each.message}" for each in result.problems))
            for row, result in zip(batch, results, strict=True)
            if result.status is ImportStatus.REJECTED
        )
        duplicates = sum(result.status is ImportStatus.DUPLICATE for result in results)
        return StoredBatch(len(batch) - len(refused) - duplicates, duplicates, refused)

    def _appeal(self, row: PastRequest) -> PastAppeal:
        location = None
        if row.grid_code is not None or row.longitude is not None:
            location = Location(longitude=row.longitude, latitude=row.latitude, grid_code=row.grid_code)
        submission = Submission(
            type=row.type,
            channel=row.channel,
            title=row.title or self._catalogue.category_names[row.category_code],
            category_code=row.category_code,
            location=location,
            received_at=row.opened_at,
            external_ref=ExternalRef(row.system, row.external_id),
        )
        return PastAppeal(
            submission=submission,
            department_code=row.department_code,
            department_name=self._catalogue.department_names[row.department_code],
            dispatched_at=row.opened_at,
            resolve_due_at=row.due_at,
            resolved_at=row.resolved_at,
            closed_at=row.closed_at,
        )

"""A running intake service with everything a test needs: requests in, rows and events out, events of others in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from services.intake.db.metadata import metadata
from services.intake.domain.categories import Category
from services.intake.use_cases.desk import Desk
from services.intake.use_cases.load_categories import load_categories, put_service_area
from services.intake.worker.handlers import make_subscriptions
from shared.clock import ManualClock
from shared.contracts.envelope import Envelope, EventData
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.identity.api_keys import issue_key, store_key
from shared.ids import uuid7
from shared.messaging.drain import Drain
from shared.messaging.inbox import store_envelopes
from shared.vocabulary import HandlingMode, Service, Urgency

EVERYTHING = (
    "appeals:write",
    "appeals:read",
    "appeals:reveal",
    "appeals:review",
    "knowledge:write",
    "entry:write",
    "privacy:write",
    "appeals:track",
    "categories:write",
    "dead_letters:write",
)
NAME, PHONE = "欧阳明珠", "138 1234 5678"

CATEGORIES = (
    Category("01", "City appearance", "市容环境", level=1),
    Category(
        "0101", "Exposed garbage", "暴露垃圾", parent_code="01", urgency=Urgency.P3, mode=HandlingMode.COMMITTED,
        location_required=True,
    ),
    Category("0203", "Missing manhole cover", "井盖缺失", urgency=Urgency.P1, mode=HandlingMode.COMMITTED, level=1),
    Category(
        "0110", "Old garbage", "旧", parent_code="01", urgency=Urgency.P3, mode=HandlingMode.COMMITTED, retired=True,
        successor_code="0101",
    ),
    Category("1604", "Integrity", "廉政", urgency=Urgency.P3, mode=HandlingMode.ADVISORY, confidential=True, level=1),
)  # fmt: skip

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[113.7, 33.9], [114.0, 33.9], [114.0, 34.2], [113.7, 34.2], [113.7, 33.9]]],
}


@dataclass
class Office:
    """The service's API on a real server, its worker's drain on a real database, and a clock the test moves."""

    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    clock: ManualClock
    headers: dict[str, str] = field(default_factory=dict)
    _sequences: dict[tuple[Service, UUID], int] = field(default_factory=dict)

    @property
    def desk(self) -> Desk:
        desk: Desk = self.app.state.desk
        return desk

    async def load_city(self) -> None:
        await self.database.transact(lambda uow: load_categories(uow, CATEGORIES))

    async def fence(self) -> None:
        """Load the service area, and have this process see it at once."""
        await self.database.transact(lambda uow: put_service_area(uow, SQUARE))
        self.desk.catalogue.forget()

    async def key(self, *scopes: str, department_code: str | None = None) -> dict[str, str]:
        """Return the header of a new key."""
        issued = issue_key(name="test", scopes=scopes, clock=self.clock, department_code=department_code)
        table = metadata.tables["intake.api_keys"]
        await self.database.transact(lambda uow: store_key(uow.connection, table, issued.record))
        return {"Authorization": f"Bearer {issued.text}"}

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, json=body, headers={**self.headers, **named})

    async def get(self, path: str, **options: Any) -> httpx.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.client.get(path, headers=headers, **options)

    async def register(self, **changes: Any) -> dict[str, Any]:
        """Register an appeal and return the receipt."""
        answer = await self.post("/v1/appeals", submission(**changes))
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def track(self, receipt: dict[str, Any], code: str | None = None) -> httpx.Response:
        return await self.get(
            f"/v1/track/{receipt['receipt_number']}",
            headers={"X-Access-Code": receipt["access_code"] if code is None else code},
        )

    async def progress(self, receipt: dict[str, Any]) -> dict[str, Any]:
        answer = await self.track(receipt)
        assert answer.status_code == 200, answer.text
        progress: dict[str, Any] = answer.json()
        return progress

    def envelope(self, appeal_id: str | UUID, event: EventData, *, sequence: int | None = None) -> Envelope:
        """Wrap an event about an appeal: the next of its producer, unless told otherwise."""
        subject = UUID(str(appeal_id))
        source = Service.FEEDBACK if event.TYPE.startswith("case.") else Service.DISPATCH
        if sequence is None:
            sequence = self._sequences.get((source, subject), 0) + 1
            self._sequences[(source, subject)] = sequence
        return Envelope(
            id=uuid7(),
            type=event.TYPE,
            version=event.VERSION,
            source=source,
            subject=subject,
            time=self.clock.now(),
            sequence=sequence,
            data=event.model_dump(mode="json"),
        )

    async def receive(self, *envelopes: Envelope) -> None:
        """Store envelopes and apply what is ready, as the worker does."""
        drain = Drain(self.database, make_subscriptions(self.desk.zone))
        await self.database.transact(lambda uow: store_envelopes(uow, envelopes))
        await drain.drain({(envelope.source, envelope.subject) for envelope in envelopes})

    async def tell(self, appeal_id: str | UUID, *events: EventData) -> None:
        """Let events about an appeal arrive, one after the other."""
        for event in events:
            await self.receive(self.envelope(appeal_id, event))

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of one of intake's tables."""

        async def read(uow: UnitOfWork) -> list[dict[str, Any]]:
            found = await uow.connection.execute(sa.select(metadata.tables[f"intake.{table}"]))
            return [dict(row) for row in found.mappings()]

        return await self.database.transact(read)

    async def counts(self) -> dict[str, int]:
        """How many rows each table that a registration writes holds."""
        tables = ("appeals", "pii_vault", "appeal_events", "progress", "outbox", "outbox_position", "idempotency_keys")
        return {table: len(await self.rows(table)) for table in tables}

    @contextmanager
    def counted_queries(self) -> Iterator[list[str]]:
        """Collect the statements the API sends while the block runs."""
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        engine = self.app.state.database.engine.sync_engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)


def submission(**changes: Any) -> dict[str, Any]:
    """A body of POST /v1/appeals; a change to None leaves the field out."""
    body = {
        "type": "complaint",
        "channel": "phone",
        "category_code": "0101",
        "title": "小区门口垃圾堆积",
        "description": "已经三天没有清运，气味很大。",
        "location": {"address": "建设路12号", "longitude": 113.82, "latitude": 34.02},
        "reporter": {"name": NAME, "phone": PHONE},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}

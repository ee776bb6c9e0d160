"""A running dispatch service with everything a test needs: a small city, events in, requests, events out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from services.dispatch.db.metadata import metadata
from services.dispatch.db.tables_tickets import ticket_legs, tickets, timers
from services.dispatch.domain.calendar import WorkCalendar
from services.dispatch.domain.registry import Category, Department
from services.dispatch.domain.routing import Rule
from services.dispatch.use_cases.load_registry import LoadRegistry, RegistryPack, load_registry
from services.dispatch.worker.handlers import make_subscriptions
from services.dispatch.worker.timer_sweep import TimerSweep
from shared.clock import ManualClock
from shared.contracts import events as e
from shared.contracts.envelope import Envelope, EventData
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.identity.api_keys import issue_key, store_key
from shared.ids import uuid7
from shared.messaging.drain import Applied, Drain
from shared.messaging.inbox import store_envelopes
from shared.vocabulary import AppealType, Channel, EvaluationOutcome, HandlingMode, Service, Urgency

# A Monday at 09:00 in Shanghai.
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SANITATION, URBAN, WATER = "sanitation", "urban", "water"
GARBAGE, RUBBLE, BURST_PIPE, NOBODYS = "0101", "0103", "0301", "9901"
GRID = "411002001001001"
DEPARTMENT_SCOPES = ("tickets:pull", "tickets:handle", "tickets:read")
OFFICE_SCOPES = ("tickets:dispatch", "tickets:read")

_CITY = RegistryPack(
    departments=[
        Department(SANITATION, "环卫处"),
        Department(URBAN, "城市管理局"),
        Department(WATER, "供水公司"),
    ],
    categories=[
        Category(GARBAGE, "暴露垃圾", policy_code="G5D", default_urgency=Urgency.P3),
        Category(RUBBLE, "积存渣土", policy_code="G5D", default_urgency=Urgency.P3),
        Category(BURST_PIPE, "爆管", policy_code="L24", default_urgency=Urgency.P2),
        Category(NOBODYS, "其他", policy_code="G5D", default_urgency=Urgency.P3),
    ],
    calendars=[WorkCalendar("city", 1, ZoneInfo("Asia/Shanghai"), {}, date(2026, 12, 31))],
    rules=[
        Rule("garbage", SANITATION, category_code=GARBAGE),
        Rule("rubble", URBAN, category_code=RUBBLE),
        Rule("pipes", WATER, category_code=BURST_PIPE),
    ],
    default_calendar_code="city",
)
_OUTBOX = metadata.tables["dispatch.outbox"]
_INBOX = metadata.tables["dispatch.inbox"]


async def load_city(database: Database) -> None:
    """Three departments, four categories of which one is nobody's, one calendar, the default policies."""
    await database.transact(lambda uow: load_registry(uow, LoadRegistry(_CITY)))


def accepted(category_code: str = GARBAGE, **changes: Any) -> e.AppealAccepted:
    """An appeal as intake would tell of it at the start of the test."""
    facts: dict[str, Any] = {
        "receipt_number": f"20260302{uuid7().int % 10**8:08d}",
        "type": AppealType.COMPLAINT,
        "channel": Channel.PHONE,
        "category_code": category_code,
        "category_name": "暴露垃圾",
        "urgency": Urgency.P2 if category_code == BURST_PIPE else Urgency.P3,
        "mode": HandlingMode.COMMITTED,
        "title": "垃圾未清",
        "description": "桶外垃圾三天未清",
        "grid_code": GRID,
        "place": "八一路口",
        "received_at": START,
        "accepted_at": START,
    }
    return e.AppealAccepted(**{**facts, **changes})


def imported(**changes: Any) -> e.AppealImported:
    """A matter of last year, dispatched, answered and closed then."""
    then = START - timedelta(days=200)
    facts = accepted().model_dump() | {
        "received_at": then,
        "accepted_at": then,
        "department_code": SANITATION,
        "dispatched_at": then,
        "resolve_due_at": then + timedelta(days=5),
        "resolved_at": then + timedelta(days=4),
        "closed_at": then + timedelta(days=6),
    }
    return e.AppealImported(**{**facts, **changes})


@dataclass
class Hall:
    """The service's API on a real server, its worker's parts on a real database, and a clock the test moves."""

    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    clock: ManualClock
    office: dict[str, str] = field(default_factory=dict)
    departments: dict[str, dict[str, str]] = field(default_factory=dict)
    _sequences: dict[tuple[Service, UUID], int] = field(default_factory=dict)

    @property
    def drain(self) -> Drain:
        return Drain(self.database, make_subscriptions(self.app.state.workplace))

    @property
    def sweep(self) -> TimerSweep:
        return TimerSweep(self.database, batch=100)

    async def key(self, *scopes: str, department_code: str | None = None) -> dict[str, str]:
        """Return the header of a new key."""
        issued = issue_key(name="test", scopes=scopes, clock=self.clock, department_code=department_code)
        table = metadata.tables["dispatch.api_keys"]
        await self.database.transact(lambda uow: store_key(uow.connection, table, issued.record))
        return {"Authorization": f"Bearer {issued.text}"}

    # --- events -------------------------------------------------------------------------------------------------

    def envelope(self, appeal_id: UUID, event: EventData) -> Envelope:
        """Wrap the next event of its producer about an appeal."""
        source = Service.INTAKE if event.TYPE.startswith("appeal.") else Service.FEEDBACK
        sequence = self._sequences.get((source, appeal_id), 0) + 1
        self._sequences[(source, appeal_id)] = sequence
        return Envelope(
            id=uuid7(),
            type=event.TYPE,
            version=event.VERSION,
            source=source,
            subject=appeal_id,
            time=self.clock.now(),
            sequence=sequence,
            data=event.model_dump(mode="json"),
        )

    async def store(self, envelopes: Sequence[Envelope]) -> None:
        """Put events into the inbox without applying them."""
        await self.database.transact(lambda uow: store_envelopes(uow, list(envelopes)))

    async def receive(self, *envelopes: Envelope) -> Applied:
        """Store events and apply what can be applied."""
        await self.store(envelopes)
        return await self.drain.drain([(envelope.source, envelope.subject) for envelope in envelopes])

    async def tell(self, appeal_id: UUID, event: EventData) -> Applied:
        """Receive the next event about an appeal."""
        return await self.receive(self.envelope(appeal_id, event))

    async def open(self, category_code: str = GARBAGE, **changes: Any) -> dict[str, Any]:
        """Accept an appeal and return its ticket as the office sees it."""
        appeal_id = uuid7()
        await self.tell(appeal_id, accepted(category_code, **changes))
        return await self.ticket_of(appeal_id)

    async def ticket_of(self, appeal_id: UUID) -> dict[str, Any]:
        answer = await self.client.get("/v1/tickets", params={"appeal_id": str(appeal_id)}, headers=self.office)
        (item,) = answer.json()["items"]
        found: dict[str, Any] = item
        return found

    async def published(self, appeal_id: str | UUID, consumer: Service = Service.FEEDBACK) -> list[dict[str, Any]]:
        """What was told about an appeal, in order: type and data."""
        statement = (
            sa.select(_OUTBOX.c.type, _OUTBOX.c.data)
            .where(_OUTBOX.c.subject == UUID(str(appeal_id)), _OUTBOX.c.consumer == consumer.value)
            .order_by(_OUTBOX.c.sequence)
        )

        async def read(uow: UnitOfWork) -> list[dict[str, Any]]:
            return [{"type": row.type, **row.data} for row in await uow.connection.execute(statement)]

        return await self.database.transact(read)

    # --- requests -----------------------------------------------------------------------------------------------

    async def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        return await self.client.get(path, headers=headers or self.office, params=params)

    async def move(self, ticket: dict[str, Any], move: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        """POST a move; what is in `headers` goes along."""
        return await self.client.post(f"/v1/tickets/{ticket['id']}/{move}", json=body, headers=headers)

    async def moved(self, ticket: dict[str, Any], move: str, headers: dict[str, str], **body: Any) -> dict[str, Any]:
        """Make a move that must succeed and return the ticket after it."""
        answer = await self.move(ticket, move, headers, **body)
        if answer.status_code != 200:
            raise AssertionError(f"{move}: {answer.status_code} {answer.text}")
        result: dict[str, Any] = answer.json()
        return result

    async def pull(self, department: str = SANITATION, **body: Any) -> list[dict[str, Any]]:
        answer = await self.client.post("/v1/tickets/pull", json=body, headers=self.departments[department])
        if answer.status_code != 200:
            raise AssertionError(f"pull: {answer.status_code} {answer.text}")
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def work(self, ticket: dict[str, Any], until: str, department: str = SANITATION) -> dict[str, Any]:
        """Bring a fresh ticket to `in_progress`, `under_review` or `awaiting_callback`."""
        own = self.departments[department]
        ticket = await self.moved(ticket, "acknowledge", own)
        if until == "in_progress":
            return ticket
        ticket = await self.moved(ticket, "resolve", own, reply="已清运", resolved=True)
        if until == "under_review":
            return ticket
        return await self.moved(ticket, "review", self.office, decision="accept")

    async def close_case(self, ticket: dict[str, Any]) -> Applied:
        event = e.CaseClosed(
            round=ticket["round"],
            at=self.clock.now(),
            evaluation=EvaluationOutcome.EVALUATED,
            resolved=True,
            satisfaction=5,
            reason="satisfied",
        )
        return await self.tell(UUID(ticket["appeal_id"]), event)

    async def request_redo(self, ticket: dict[str, Any]) -> Applied:
        event = e.CaseRedoRequested(round=ticket["round"], next_round=ticket["round"] + 1, at=self.clock.now())
        return await self.tell(UUID(ticket["appeal_id"]), event)

    # --- rows ---------------------------------------------------------------------------------------------------

    async def timer_states(self, ticket: dict[str, Any]) -> dict[tuple[int, str, str], str]:
        """(leg, timer, level) → state."""
        statement = sa.select(timers).where(timers.c.ticket_id == UUID(ticket["id"]))

        async def read(uow: UnitOfWork) -> dict[tuple[int, str, str], str]:
            rows = await uow.connection.execute(statement)
            return {(row.leg, row.timer, row.level): row.state for row in rows}

        return await self.database.transact(read)

    async def count(self, table: sa.Table = tickets) -> int:
        async def read(uow: UnitOfWork) -> int:
            return (await uow.connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()

        return await self.database.transact(read)

    async def legs(self, ticket: dict[str, Any]) -> list[Any]:
        statement = sa.select(ticket_legs).where(ticket_legs.c.ticket_id == UUID(ticket["id"]))

        async def read(uow: UnitOfWork) -> list[Any]:
            return list(await uow.connection.execute(statement.order_by(ticket_legs.c.number)))

        return await self.database.transact(read)

    async def inbox_states(self, appeal_id: UUID) -> list[str]:
        statement = sa.select(_INBOX.c.state).where(_INBOX.c.subject == appeal_id).order_by(_INBOX.c.sequence)

        async def read(uow: UnitOfWork) -> list[str]:
            return list((await uow.connection.execute(statement)).scalars())

        return await self.database.transact(read)


@contextmanager
def broken(database: Database) -> Iterator[None]:
    """While inside, every transaction fails after its work and before its commit, as if the process died there."""
    sink = database._sink

    class Dies:
        async def write(self, _uow: UnitOfWork, _events: object) -> None:
            raise ConnectionResetError("died before the commit")

        def traceparent(self) -> str | None:
            return None

    database._sink = Dies()
    try:
        yield
    finally:
        database._sink = sink

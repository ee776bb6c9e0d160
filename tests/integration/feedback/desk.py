"""A running feedback service with everything a test needs: events in, requests, events out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from services.feedback.db.metadata import metadata
from services.feedback.worker.handlers import make_subscriptions
from shared.clock import ManualClock
from shared.contracts import events as e
from shared.contracts.envelope import Envelope, EventData
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.identity.api_keys import issue_key, store_key
from shared.ids import uuid7
from shared.messaging.drain import Drain
from shared.messaging.inbox import store_envelopes
from shared.vocabulary import (
    AppealType,
    Channel,
    HandlingMode,
    Service,
    TimerLevel,
    TimerName,
    Urgency,
)

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DEPARTMENT = "411002-cgj"
ANOTHER_DEPARTMENT = "411002-zjj"
EVERYTHING = ("callbacks:read", "callbacks:write", "cases:read")

_OUTBOX = metadata.tables["feedback.outbox"]
_INBOX = metadata.tables["feedback.inbox"]


@dataclass
class Desk:
    """The service's API on a real server, its worker's drain on a real database, and a clock the test moves."""

    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    clock: ManualClock
    headers: dict[str, str] = field(default_factory=dict)
    _sequences: dict[tuple[Service, UUID], int] = field(default_factory=dict)

    @property
    def drain(self) -> Drain:
        return Drain(self.database, make_subscriptions(self.app.state.policy))

    async def key(self, *scopes: str, department_code: str | None = None) -> dict[str, str]:
        """Return the header of a new key."""
        issued = issue_key(name="test", scopes=scopes, clock=self.clock, department_code=department_code)
        table = metadata.tables["feedback.api_keys"]
        await self.database.transact(lambda uow: store_key(uow.connection, table, issued.record))
        return {"Authorization": f"Bearer {issued.text}"}

    def envelope(self, appeal_id: UUID, event: EventData) -> Envelope:
        """Wrap the next event of its producer about an appeal."""
        source = Service.INTAKE if event.TYPE.startswith("appeal.") else Service.DISPATCH
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

    async def receive(self, *envelopes: Envelope) -> None:
        """Store envelopes and apply what is ready, as the worker does."""
        await self.database.transact(lambda uow: store_envelopes(uow, envelopes))
        await self.drain.drain({(envelope.source, envelope.subject) for envelope in envelopes})

    async def tell(self, appeal_id: UUID, *events: EventData) -> None:
        """Let events about an appeal arrive, one after the other."""
        for event in events:
            await self.receive(self.envelope(appeal_id, event))

    async def awaiting(self, appeal_id: UUID | None = None, **facts: Any) -> UUID:
        """Bring a new appeal to its callback; return the appeal."""
        appeal_id = appeal_id or uuid7()
        await self.tell(appeal_id, appeal_accepted(**facts), ticket_dispatched(), resolution_accepted())
        return appeal_id

    async def callback(self, appeal_id: UUID, *, status: str = "open") -> dict[str, Any]:
        """The one callback of an appeal in a status."""
        items = await self.callbacks(appeal_id=appeal_id, status=status)
        assert len(items) == 1, items
        return items[0]

    async def callbacks(self, **filters: Any) -> list[dict[str, Any]]:
        found = await self.get("/v1/callbacks", params=filters)
        assert found.status_code == 200, found.text
        items: list[dict[str, Any]] = found.json()["items"]
        return items

    async def attempt(self, callback_id: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return await self.client.post(
            f"/v1/callbacks/{callback_id}/attempts", json=body, headers={**self.headers, **(headers or {})}
        )

    async def answer(self, appeal_id: UUID, *, resolved: bool, satisfaction: int | None = None) -> dict[str, Any]:
        """Have the open callback of an appeal answered; return the case afterwards."""
        callback = await self.callback(appeal_id)
        logged = await self.attempt(callback["id"], outcome="reached", resolved=resolved, satisfaction=satisfaction)
        assert logged.status_code == 201, logged.text
        return await self.case(appeal_id)

    async def token(self, appeal_id: UUID) -> str:
        callback = await self.callback(appeal_id)
        given = await self.client.post(f"/v1/callbacks/{callback['id']}/evaluation-token", headers=self.headers)
        assert given.status_code == 201, given.text
        return str(given.json()["token"])

    async def evaluate(self, token: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        answer = {"resolved": True, "satisfaction": 5, **body}
        return await self.client.post("/v1/evaluations", json={"token": token, **answer}, headers=headers)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, headers=options.pop("headers", self.headers), **options)

    async def case(self, appeal_id: UUID) -> dict[str, Any]:
        found = await self.get(f"/v1/cases/{appeal_id}")
        assert found.status_code == 200, found.text
        case: dict[str, Any] = found.json()
        return case

    async def published(self, appeal_id: UUID, consumer: Service = Service.INTAKE) -> list[tuple[str, dict[str, Any]]]:
        """What was published about an appeal to a consumer, in order."""

        async def read(uow: UnitOfWork) -> list[tuple[str, dict[str, Any]]]:
            query = (
                sa.select(_OUTBOX.c.type, _OUTBOX.c.data)
                .where(_OUTBOX.c.subject == appeal_id, _OUTBOX.c.consumer == consumer.value)
                .order_by(_OUTBOX.c.sequence)
            )
            return [(row.type, row.data) for row in await uow.connection.execute(query)]

        return await self.database.transact(read)

    async def inbox_states(self, appeal_id: UUID) -> list[tuple[str, str, int]]:
        """(type, state, attempts) of what was received about an appeal, in order per producer."""

        async def read(uow: UnitOfWork) -> list[tuple[str, str, int]]:
            query = (
                sa.select(_INBOX.c.type, _INBOX.c.state, _INBOX.c.attempts)
                .where(_INBOX.c.subject == appeal_id)
                .order_by(_INBOX.c.producer, _INBOX.c.sequence)
            )
            return [(row.type, row.state, row.attempts) for row in await uow.connection.execute(query)]

        return await self.database.transact(read)

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


def appeal_accepted(**facts: Any) -> e.AppealAccepted:
    return e.AppealAccepted(**{**_appeal_facts(), **facts})


def appeal_imported(**facts: Any) -> e.AppealImported:
    own = {"department_code": DEPARTMENT, "dispatched_at": START}
    return e.AppealImported(**{**_appeal_facts(), **own, **facts})


def _appeal_facts() -> dict[str, Any]:
    return {
        "receipt_number": "MQ-26-7K3M-0001",
        "type": AppealType.COMPLAINT,
        "channel": Channel.PHONE,
        "category_code": "UM01",
        "category_name": "Street lighting",
        "urgency": Urgency.P3,
        "mode": HandlingMode.COMMITTED,
        "title": "Lamp out",
        "received_at": START,
        "accepted_at": START,
    }


def ticket_dispatched(**facts: Any) -> e.TicketDispatched:
    values = {
        "ticket_id": UUID(int=7),
        "round": 1,
        "leg": 1,
        "department_code": DEPARTMENT,
        "department_name": "City management",
        "category_code": "UM01",
        "grid_code": "411002001001001",
        "urgency": Urgency.P3,
        "mode": HandlingMode.COMMITTED,
        "policy_code": "G5D",
        "dispatched_at": START,
        "acknowledge_due_at": START + timedelta(days=1),
        "contact_due_at": START + timedelta(days=1),
        "resolve_due_at": START + timedelta(days=5),
        "promised_by": START + timedelta(days=5),
    }
    return e.TicketDispatched(**{**values, **facts})


def _turn(**facts: Any) -> dict[str, Any]:
    values = {"ticket_id": UUID(int=7), "round": 1, "leg": 1, "department_code": DEPARTMENT, "at": START}
    return {**values, **facts}


def ticket_acknowledged(**facts: Any) -> e.TicketAcknowledged:
    return e.TicketAcknowledged(**_turn(**facts))


def ticket_contacted(**facts: Any) -> e.TicketContacted:
    return e.TicketContacted(**_turn(**facts))


def ticket_resolved(**facts: Any) -> e.TicketResolved:
    return e.TicketResolved(**_turn(resolved=True, **facts))


def resolution_rejected(**facts: Any) -> e.TicketResolutionRejected:
    return e.TicketResolutionRejected(**_turn(**facts))


def return_requested(**facts: Any) -> e.TicketReturnRequested:
    return e.TicketReturnRequested(**_turn(reason_code="duty", **facts))


def return_decided(**facts: Any) -> e.TicketReturnDecided:
    return e.TicketReturnDecided(**_turn(approved=True, **facts))


def timer_fired(**facts: Any) -> e.TicketTimerFired:
    values = {
        "ticket_id": UUID(int=7),
        "round": 1,
        "leg": 1,
        "department_code": DEPARTMENT,
        "timer": TimerName.RESOLVE,
        "level": TimerLevel.RED_CARD,
        "due_at": START + timedelta(days=5),
        "fired_at": START + timedelta(days=5),
    }
    return e.TicketTimerFired(**{**values, **facts})


def resolution_accepted(**facts: Any) -> e.TicketResolutionAccepted:
    values = {
        "ticket_id": UUID(int=7),
        "round": 1,
        "leg": 1,
        "department_code": DEPARTMENT,
        "department_name": "City management",
        "accepted_at": START + timedelta(hours=6),
        "resolved_at": START + timedelta(hours=5),
        "resolve_due_at": START + timedelta(days=5),
        "late": False,
        "resolved": True,
        "public_reply": "The lamp was replaced.",
    }
    return e.TicketResolutionAccepted(**{**values, **facts})


def redo_started(**facts: Any) -> e.TicketRedoStarted:
    values = {
        "ticket_id": UUID(int=7),
        "round": 2,
        "leg": 2,
        "department_code": DEPARTMENT,
        "department_name": "City management",
        "at": START + timedelta(days=1),
        "contact_due_at": START + timedelta(days=2),
        "resolve_due_at": START + timedelta(days=6),
        "promised_by": START + timedelta(days=6),
    }
    return e.TicketRedoStarted(**{**values, **facts})


def ticket_imported(**facts: Any) -> e.TicketImported:
    values = {
        "ticket_id": UUID(int=7),
        "department_code": DEPARTMENT,
        "department_name": "City management",
        "category_code": "UM01",
        "grid_code": "411002001001001",
        "dispatched_at": START - timedelta(days=30),
        "resolve_due_at": START - timedelta(days=25),
        "resolved_at": START - timedelta(days=26),
        "closed_at": START - timedelta(days=26),
        "late": False,
    }
    return e.TicketImported(**{**values, **facts})

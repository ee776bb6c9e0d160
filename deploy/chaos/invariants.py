"""The promise, checked against the record: nothing lost, nothing twice, one history in order, every reply kept."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from deploy.chaos.load import Ledger
from shared.clock import SystemClock
from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork
from shared.messaging.reconcile import reconcile
from shared.vocabulary import Service

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: what it says, whether it holds, and examples where it does not."""

    name: str
    broken: list[str]

    @property
    def ok(self) -> bool:
        return not self.broken


async def check_all(urls: Mapping[Service, str], ledger: Ledger) -> list[Check]:
    """Hold what the clients were told against what the three databases say."""
    databases = {
        service: Database.connect(url, schema=service.value, application_name="chaos-check", clock=SystemClock())
        for service, url in urls.items()
    }
    try:
        return [
            Check("the clients met no contradiction", ledger.contradictions[:_EXAMPLES]),
            await _one_appeal_each(databases[Service.INTAKE], ledger),
            await _one_ticket_each(databases[Service.DISPATCH], ledger),
            await _history_in_order(databases[Service.DISPATCH]),
            await _one_case_each(databases[Service.FEEDBACK], ledger),
            await _no_timeline_entry_twice(databases[Service.INTAKE]),
            await _edges_reconcile(databases),
        ]
    finally:
        for database in databases.values():
            await database.dispose()


async def count_unsettled(urls: Mapping[Service, str], ledger: Ledger) -> int:
    """How many accepted appeals have no ticket yet, plus every event still on its way."""
    databases = {
        service: Database.connect(url, schema=service.value, application_name="chaos-check", clock=SystemClock())
        for service, url in urls.items()
    }
    try:
        tickets = await _column(databases[Service.DISPATCH], "SELECT appeal_id FROM dispatch.tickets")
        missing = len({p.appeal_id for p in ledger.accepted} - set(tickets))
        on_the_way = sum(report.behind + report.ahead for report in await reconcile(databases))
        return missing + on_the_way
    finally:
        for database in databases.values():
            await database.dispose()


async def _one_appeal_each(database: Database, ledger: Ledger) -> Check:
    stored = Counter(await _column(database, "SELECT id FROM intake.appeals"))
    promised = [promise.appeal_id for promise in ledger.accepted]
    broken = [f"{appeal} was promised and is not there" for appeal in promised if stored[appeal] == 0]
    broken += [f"{appeal} answers {n} keys" for appeal, n in Counter(promised).items() if n > 1]
    known = set(promised)
    broken += [f"{appeal} is there and nobody was told" for appeal in stored if appeal not in known]
    return Check(f"every 201 is exactly one appeal ({len(promised)})", broken[:_EXAMPLES])


async def _one_ticket_each(database: Database, ledger: Ledger) -> Check:
    tickets = Counter(await _column(database, "SELECT appeal_id FROM dispatch.tickets"))
    broken = [
        f"{promise.appeal_id} has {tickets[promise.appeal_id]} tickets"
        for promise in ledger.accepted
        if tickets[promise.appeal_id] != 1
    ]
    return Check(f"every accepted appeal has exactly one ticket ({sum(tickets.values())})", broken[:_EXAMPLES])


async def _history_in_order(database: Database) -> Check:
    """Each entry starts in the state the one before it ended in, and the last one ends in the ticket's state."""
    rows = await _column(database, _HISTORY)
    return Check("every ticket has one history in order", [f"ticket {row}" for row in rows][:_EXAMPLES])


async def _one_case_each(database: Database, ledger: Ledger) -> Check:
    cases = Counter(await _column(database, "SELECT appeal_id FROM feedback.cases"))
    broken = [
        f"{promise.appeal_id} has {cases[promise.appeal_id]} cases"
        for promise in ledger.accepted
        if cases[promise.appeal_id] != 1
    ]
    double = await _column(
        database, "SELECT appeal_id FROM feedback.callbacks GROUP BY appeal_id, round HAVING count(*) > 1"
    )
    broken += [f"{appeal} has two callbacks in one round" for appeal in double]
    return Check("feedback knows every appeal once, with one callback a round", broken[:_EXAMPLES])


async def _no_timeline_entry_twice(database: Database) -> Check:
    rows = await _column(database, _TIMELINE)
    return Check("no event stands twice in a citizen's timeline", [f"appeal {row}" for row in rows][:_EXAMPLES])


async def _edges_reconcile(databases: Mapping[Service, Database]) -> Check:
    broken = []
    events = 0
    for report in await reconcile(databases):
        events += report.applied
        if not report.ok:
            name = f"{report.producer.value} → {report.consumer.value}"
            broken.append(
                f"{name}: behind {report.behind}, ahead {report.ahead}, miscounted {report.miscounted}, "
                f"dead {report.dead}; {'; '.join(report.examples[:2])}"
            )
    return Check(f"every published event is applied exactly once ({events})", broken[:_EXAMPLES])


async def _column(database: Database, sql: str) -> list[str]:
    async def read(uow: UnitOfWork) -> list[str]:
        return [str(value) for value in (await uow.connection.execute(text(sql))).scalars()]

    return await database.transact(read)


_HISTORY = """
WITH h AS (
    SELECT ticket_id, id, from_status, to_status, lag(to_status) OVER w AS before, lead(id) OVER w AS after
    FROM dispatch.ticket_events WINDOW w AS (PARTITION BY ticket_id ORDER BY id)
)
SELECT DISTINCT h.ticket_id FROM h JOIN dispatch.tickets t ON t.id = h.ticket_id
WHERE h.from_status IS DISTINCT FROM h.before OR (h.after IS NULL AND h.to_status <> t.status)
UNION
SELECT id FROM dispatch.tickets t WHERE NOT EXISTS (SELECT FROM dispatch.ticket_events e WHERE e.ticket_id = t.id)
"""

_TIMELINE = """
SELECT appeal_id FROM intake.timeline_entries WHERE event_id IS NOT NULL
GROUP BY appeal_id, event_id HAVING count(*) > 1
"""

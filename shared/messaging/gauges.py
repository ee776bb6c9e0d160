"""The message flow seen from one service's database: depth, age, pending, dead, and what should be settled by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from shared.db.engine import Database
from shared.db.unit_of_work import UnitOfWork

UNSETTLED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Per edge, seen from one side; keys are the other service's name.

    `unreconciled` is the invariant's live form: rows older than a minute that are not acknowledged (as producer) or
    not settled (as consumer). Zero on both sides of every edge means everything published is applied.
    """

    outbox_depth: Mapping[str, int]
    outbox_oldest_seconds: Mapping[str, float]
    inbox_pending: Mapping[str, int]
    inbox_dead: Mapping[str, int]
    unreconciled_out: Mapping[str, int]
    unreconciled_in: Mapping[str, int]


async def flow_figures(database: Database) -> FlowFigures:
    """Count what is on the way, through the partial indexes that hold only that."""

    async def read(uow: UnitOfWork) -> FlowFigures:
        parameters = {"now": uow.now, "old": uow.now - UNSETTLED_AFTER}
        out = (await uow.connection.execute(text(_OUT.format(schema=uow.schema)), parameters)).all()
        inn = (await uow.connection.execute(text(_IN.format(schema=uow.schema)), parameters)).all()
        return FlowFigures(
            outbox_depth={row.consumer: row.depth for row in out},
            outbox_oldest_seconds={row.consumer: float(row.age) for row in out},
            inbox_pending={row.producer: row.pending for row in inn},
            inbox_dead={row.producer: row.dead for row in inn},
            unreconciled_out={row.consumer: row.old for row in out},
            unreconciled_in={row.producer: row.old for row in inn},
        )

    return await database.transact(read)


_OUT = """
SELECT consumer, count(*) AS depth, extract(epoch FROM :now - min(created_at)) AS age,
       count(*) FILTER (WHERE created_at < :old) AS old
FROM {schema}.outbox WHERE acked_at IS NULL GROUP BY consumer
"""

_IN = """
SELECT producer, count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'dead') AS dead,
       count(*) FILTER (WHERE received_at < :old) AS old
FROM {schema}.inbox WHERE state = 'pending' OR state = 'dead' GROUP BY producer
"""

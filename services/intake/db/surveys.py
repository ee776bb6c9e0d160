"""The cards of surveys: written in one statement, counted in another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.tables_entry import survey_answers
from shared.db.engine import RetryTransaction

Row = dict[str, Any]

_MOST_GROUPS: Final = 10_000


async def cards_on_record(connection: AsyncConnection, code: str, numbers: Sequence[str]) -> frozenset[str]:
    """Return which of these cards of a survey are entered already."""
    table = survey_answers
    statement = sa.select(table.c.card_number).where(table.c.survey_code == code, table.c.card_number.in_(numbers))
    return frozenset((await connection.execute(statement)).scalars())


async def insert_cards(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Write cards. Raises RetryTransaction when another transaction entered one of them meanwhile."""
    if not rows:
        return
    statement = postgresql.insert(survey_answers).values(list(rows)).on_conflict_do_nothing()
    if (await connection.execute(statement)).rowcount != len(rows):
        raise RetryTransaction


@dataclass(frozen=True, slots=True)
class Count:
    """How many cards gave an answer to a field."""

    key: str
    answer: str
    cards: int


_COUNTS: Final = sa.text(
    """
SELECT e.key, v.answer, count(*) AS cards
FROM intake.survey_answers s
CROSS JOIN LATERAL jsonb_each(s.answers) e
CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE WHEN jsonb_typeof(e.value) = 'array' THEN e.value ELSE jsonb_build_array(e.value) END
) v(answer)
WHERE s.survey_code = :code AND e.key = ANY(CAST(:keys AS text[]))
GROUP BY e.key, v.answer ORDER BY e.key, v.answer LIMIT :most
"""
)


async def count_answers(connection: AsyncConnection, code: str, keys: Sequence[str]) -> list[Count]:
    """Return how often each answer was given to these fields."""
    rows = await connection.execute(_COUNTS, {"code": code, "keys": list(keys), "most": _MOST_GROUPS})
    return [Count(row.key, row.answer, row.cards) for row in rows]


async def count_cards(connection: AsyncConnection, code: str) -> tuple[int, int]:
    """Return how many cards a survey has, and how many of them became an appeal."""
    table = survey_answers
    statement = sa.select(sa.func.count(), sa.func.count(table.c.appeal_id)).where(table.c.survey_code == code)
    cards, opinions = (await connection.execute(statement)).one()
    return cards, opinions

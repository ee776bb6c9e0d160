"""Many rows in one statement: arrays, one per column, unnested by the server. One round trip whatever the number."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call, unused-ignore]


def column_names(table: sa.Table, *, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return a table's column names in order, leaving out those the database fills in."""
    return tuple(column.name for column in table.columns if column.name not in without)


async def bulk_insert(
    connection: AsyncConnection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert `rows`, each with a value per name. JSON values must be given as text; array columns are not supported."""
    if not rows:
        return
    columns = zip(*rows, strict=True)
    await connection.execute(_insert(table, names), {name: list(c) for name, c in zip(names, columns, strict=True)})


@lru_cache(maxsize=32)
def _insert(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(dialect=_DIALECT)}[])" for name in names)
    return sa.text(f"INSERT INTO {table.fullname} ({', '.join(names)}) SELECT * FROM unnest({arrays})")  # noqa: S608

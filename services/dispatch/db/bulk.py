"""Many rows in one statement: a few as unnested arrays, more by COPY, which costs both sides about half as much."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call, unused-ignore]
_COPY_FROM = 20
_NOTHING = sa.text("SELECT")


def column_names(table: sa.Table, *, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return a table's column names in order, leaving out those the database fills in."""
    return tuple(column.name for column in table.columns if column.name not in without)


async def bulk_insert(
    connection: AsyncConnection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert `rows`, each with a value per name. JSON values must be given as text; array columns are not supported."""
    if len(rows) >= _COPY_FROM:
        await _copy(connection, table, names, rows)
    elif rows:
        columns = zip(*rows, strict=True)
        parameters = {name: list(column) for name, column in zip(names, columns, strict=True)}
        await connection.execute(_insert(table, names), parameters)


async def _copy(
    connection: AsyncConnection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """COPY goes past SQLAlchemy, which begins its transaction with the first statement it sees: so show it one."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if not driver.is_in_transaction():
        await connection.execute(_NOTHING)
    await driver.copy_records_to_table(table.name, schema_name=table.schema, columns=names, records=rows)


@lru_cache(maxsize=32)
def _insert(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(dialect=_DIALECT)}[])" for name in names)
    return sa.text(f"INSERT INTO {table.fullname} ({', '.join(names)}) SELECT * FROM unnest({arrays})")  # noqa: S608

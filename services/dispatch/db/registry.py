"""Reading and writing departments, grids and categories."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.dispatch.db.tables_registry import categories, departments, grids
from services.dispatch.domain.grid import DutyHolder, Grid, StoredGrid
from services.dispatch.domain.registry import Category, Department
from services.dispatch.domain.registry_document import holder_document
from shared.db.unit_of_work import UnitOfWork
from shared.vocabulary import HandlingMode, Urgency

# Well under the 32,767 parameters one statement may carry.
_ROWS_PER_STATEMENT = 1_000

# --- departments ----------------------------------------------------------------------------------------------------


async def all_departments(connection: AsyncConnection) -> dict[str, Department]:
    rows = await connection.execute(sa.select(departments))
    return {row.code: _department(row) for row in rows}


async def find_department(connection: AsyncConnection, code: str) -> Department | None:
    row = (await connection.execute(sa.select(departments).where(departments.c.code == code))).one_or_none()
    return None if row is None else _department(row)


async def departments_by_code(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, Department]:
    """Those of the codes that exist."""
    wanted = sa.bindparam("codes", sorted(codes), type_=sa.ARRAY(sa.Text))
    rows = await connection.execute(sa.select(departments).where(departments.c.code == sa.any_(wanted)))
    return {row.code: _department(row) for row in rows}


async def page_departments(connection: AsyncConnection, *, after: str | None, limit: int) -> Sequence[Department]:
    query = sa.select(departments).order_by(departments.c.code).limit(limit)
    if after is not None:
        query = query.where(departments.c.code > after)
    return [_department(row) for row in await connection.execute(query)]


async def save_departments(uow: UnitOfWork, items: Sequence[Department]) -> None:
    """Insert or replace; a parent or successor may be in the same call."""
    await _upsert(
        uow,
        departments,
        [
            {
                "code": item.code,
                "name": item.name,
                "name_en": item.name_en,
                "kind": item.kind,
                "parent_code": item.parent_code,
                "grid_code": item.grid_code,
                "retired_at": item.retired_at,
                "successor_code": item.successor_code,
                "version": item.version,
                "updated_at": uow.now,
            }
            for item in items
        ],
    )


def _department(row: Any) -> Department:
    return Department(
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        kind=row.kind,
        parent_code=row.parent_code,
        grid_code=row.grid_code,
        retired_at=row.retired_at,
        successor_code=row.successor_code,
        version=row.version,
    )


# --- grids ----------------------------------------------------------------------------------------------------------


async def all_grids(connection: AsyncConnection) -> dict[str, StoredGrid]:
    rows = await connection.execute(sa.select(grids))
    return {row.code: _grid(row) for row in rows}


async def grids_by_code(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, StoredGrid]:
    """Those of the codes that exist."""
    wanted = sa.bindparam("codes", sorted(codes), type_=sa.ARRAY(sa.Text))
    rows = await connection.execute(sa.select(grids).where(grids.c.code == sa.any_(wanted)))
    return {row.code: _grid(row) for row in rows}


async def grid_codes(connection: AsyncConnection) -> list[str]:
    """The codes of all grids, without their outlines."""
    return list((await connection.execute(sa.select(grids.c.code))).scalars())


async def page_grids(
    connection: AsyncConnection, *, prefix: str | None, after: str | None, limit: int
) -> Sequence[StoredGrid]:
    """Grids in the order of their codes, so that a parent comes just before what lies in it."""
    query = sa.select(grids).order_by(grids.c.code).limit(limit)
    if prefix is not None:
        query = query.where(grids.c.code >= prefix, grids.c.code < prefix + ":")
    if after is not None:
        query = query.where(grids.c.code > after)
    return [_grid(row) for row in await connection.execute(query)]


async def save_grids(uow: UnitOfWork, items: Sequence[StoredGrid]) -> None:
    """Insert or replace."""
    await _upsert(
        uow,
        grids,
        [
            {
                "code": item.grid.code,
                "name": item.grid.name,
                "valid_from": item.grid.valid_from,
                "valid_to": item.grid.valid_to,
                "predecessors": list(item.grid.predecessors),
                "duty_holders": [holder_document(holder) for holder in item.grid.duty_holders],
                "geometry": item.wkb,
                "version": item.grid.version,
                "updated_at": uow.now,
            }
            for item in items
        ],
    )


def _grid(row: Any) -> StoredGrid:
    grid = Grid(
        code=row.code,
        name=row.name,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        predecessors=tuple(row.predecessors),
        duty_holders=tuple(_holder(document) for document in row.duty_holders),
        version=row.version,
    )
    return StoredGrid(grid, None if row.geometry is None else bytes(row.geometry))


def _holder(document: Mapping[str, Any]) -> DutyHolder:
    return DutyHolder(
        post=document["post"],
        name=document["name"],
        department_code=document["department_code"],
        valid_from=_day(document["valid_from"]),
        valid_to=_day(document["valid_to"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


# --- categories -----------------------------------------------------------------------------------------------------


async def all_categories(connection: AsyncConnection) -> dict[str, Category]:
    rows = await connection.execute(sa.select(categories))
    return {row.code: _category(row) for row in rows}


async def save_categories(uow: UnitOfWork, items: Sequence[Category]) -> None:
    """Insert or replace; a parent may be in the same call."""
    await _upsert(
        uow,
        categories,
        [
            {
                "code": item.code,
                "name": item.name,
                "name_en": item.name_en,
                "parent_code": item.parent_code,
                "default_urgency": item.default_urgency,
                "default_mode": item.default_mode,
                "policy_code": item.policy_code,
                "retired": item.retired,
                "updated_at": uow.now,
            }
            for item in items
        ],
    )


def _category(row: Any) -> Category:
    return Category(
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        parent_code=row.parent_code,
        default_urgency=None if row.default_urgency is None else Urgency(row.default_urgency),
        default_mode=None if row.default_mode is None else HandlingMode(row.default_mode),
        policy_code=row.policy_code,
        retired=row.retired,
    )


async def _upsert(uow: UnitOfWork, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or replace by code. Foreign keys inside the table are checked at the end of each statement."""
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        statement = insert(table).values(list(rows[start : start + _ROWS_PER_STATEMENT]))
        replaced = {column.name: statement.excluded[column.name] for column in table.c if column.name != "code"}
        await uow.connection.execute(statement.on_conflict_do_update(index_elements=[table.c.code], set_=replaced))

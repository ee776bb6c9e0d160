"""Entries of the registry as they are written into the record of changes."""

import hashlib
from typing import Any

from services.dispatch.domain.grid import DutyHolder, StoredGrid
from services.dispatch.domain.registry import Category, Department


def department_document(item: Department | None) -> dict[str, Any] | None:
    if item is None:
        return None
    return {
        "name": item.name,
        "name_en": item.name_en,
        "kind": item.kind,
        "parent_code": item.parent_code,
        "grid_code": item.grid_code,
        "retired_at": None if item.retired_at is None else item.retired_at.isoformat(),
        "successor_code": item.successor_code,
        "version": item.version,
    }


def grid_document(item: StoredGrid | None) -> dict[str, Any] | None:
    """The outline itself is too long for the record: its digest tells whether it changed."""
    if item is None:
        return None
    grid = item.grid
    return {
        "name": grid.name,
        "valid_from": None if grid.valid_from is None else grid.valid_from.isoformat(),
        "valid_to": None if grid.valid_to is None else grid.valid_to.isoformat(),
        "predecessors": list(grid.predecessors),
        "duty_holders": [holder_document(holder) for holder in grid.duty_holders],
        "geometry_sha256": None if item.wkb is None else hashlib.sha256(item.wkb).hexdigest(),
        "version": grid.version,
    }


def holder_document(holder: DutyHolder) -> dict[str, Any]:
    return {
        "post": holder.post,
        "name": holder.name,
        "department_code": holder.department_code,
        "valid_from": None if holder.valid_from is None else holder.valid_from.isoformat(),
        "valid_to": None if holder.valid_to is None else holder.valid_to.isoformat(),
    }


def category_document(item: Category | None) -> dict[str, Any] | None:
    if item is None:
        return None
    return {
        "name": item.name,
        "name_en": item.name_en,
        "parent_code": item.parent_code,
        "default_urgency": item.default_urgency,
        "default_mode": item.default_mode,
        "policy_code": item.policy_code,
        "retired": item.retired,
    }

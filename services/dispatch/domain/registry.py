"""Departments, categories and the record of every change to the registry. Codes are never reused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import HandlingMode, Urgency

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,39}", re.ASCII)


class RegistryKind(StrEnum):
    """What a row of the change record is about."""

    DEPARTMENT = "department"
    GRID = "grid"
    CATEGORY = "category"
    RULE_SET = "rule_set"
    SLA_POLICY = "sla_policy"
    CALENDAR = "calendar"


class ChangeAction(StrEnum):
    """What was done to it."""

    CREATED = "created"
    REPLACED = "replaced"
    RETIRED = "retired"
    PUBLISHED = "published"


class RuleSetStatus(StrEnum):
    """A draft is published by a second person; publishing another one supersedes it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


class RegistryPart(StrEnum):
    """What readers keep in memory and reload apart from each other."""

    GRIDS = "grids"
    CATALOGUE = "catalogue"
    SLA = "sla"


PART_OF: dict[RegistryKind, RegistryPart] = {
    RegistryKind.DEPARTMENT: RegistryPart.CATALOGUE,
    RegistryKind.CATEGORY: RegistryPart.CATALOGUE,
    RegistryKind.RULE_SET: RegistryPart.CATALOGUE,
    RegistryKind.GRID: RegistryPart.GRIDS,
    RegistryKind.SLA_POLICY: RegistryPart.SLA,
    RegistryKind.CALENDAR: RegistryPart.SLA,
}


@dataclass(frozen=True, slots=True)
class Department:
    """A handling unit 承办单位: government body, street, or public-service company. Retired, never deleted."""

    code: str
    name: str
    name_en: str = ""
    kind: str = ""
    parent_code: str | None = None
    grid_code: str | None = None
    retired_at: datetime | None = None
    successor_code: str | None = None
    version: int = 1

    @property
    def is_active(self) -> bool:
        return self.retired_at is None


@dataclass(frozen=True, slots=True)
class Category:
    """Dispatch's copy of a category: what routing and policy choice need. Intake owns the original."""

    code: str
    name: str
    name_en: str = ""
    parent_code: str | None = None
    default_urgency: Urgency | None = None
    default_mode: HandlingMode | None = None
    policy_code: str | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """Who changed what, and how it was before: the record is appended to, never edited."""

    kind: RegistryKind
    code: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    action: ChangeAction = ChangeAction.REPLACED


def check_code(text: str, field: str) -> str:
    """Return a registry code of 1 to 40 letters, digits, `_`, `.`, `-`; raises InvalidInput for anything else."""
    if _CODE.fullmatch(text) is None:
        raise InvalidInput(
            "A code is made of letters, digits, '_', '.' and '-'",
            [FieldProblem(field, "must be 1 to 40 characters and begin with a letter or digit")],
        )
    return text

"""The one MetaData of schema `intake`, where migrations look for it: shared tables and this service's own."""

from services.intake.db import (
    tables_attachments,
    tables_entry,
    tables_groups,
    tables_handling,
    tables_inbound,
    tables_open311,
    tables_privacy,
    tables_search,
    tables_suggestions,
    tables_supplements,
)
from services.intake.db.tables import SCHEMA, metadata

__all__ = [
    "SCHEMA",
    "metadata",
    "tables_attachments",
    "tables_entry",
    "tables_groups",
    "tables_handling",
    "tables_inbound",
    "tables_open311",
    "tables_privacy",
    "tables_search",
    "tables_suggestions",
    "tables_supplements",
]

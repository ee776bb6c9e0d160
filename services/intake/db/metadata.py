"""The one MetaData of schema `intake`, where migrations look for it: shared tables and this service's own."""

from services.intake.db.tables import SCHEMA, metadata

__all__ = ["SCHEMA", "metadata"]

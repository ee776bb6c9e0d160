"""Tells which unique rule of the record an insert ran into."""

from services.intake.db.registration import EXTERNAL_CONSTRAINT, RECEIPT_CONSTRAINT
from shared.db.engine import sqlstate_of

_UNIQUE_VIOLATION = "23505"


def violated_constraint(error: BaseException) -> str | None:
    """Return the name of the unique constraint behind an exception, or None when it is something else."""
    if sqlstate_of(error) != _UNIQUE_VIOLATION:
        return None
    origin = getattr(error, "orig", error)
    for holder in (origin, getattr(origin, "__cause__", None)):
        name = getattr(holder, "constraint_name", None)
        if isinstance(name, str):
            return name
    return None


def receipt_or_reference_taken(error: BaseException) -> bool:
    """Whether another transaction took the receipt number or the external reference first."""
    return violated_constraint(error) in {RECEIPT_CONSTRAINT, EXTERNAL_CONSTRAINT}

"""T41: whose appeal may be withdrawn, and whose may not because others are in danger."""

from services.intake.domain.categories import Category
from shared.vocabulary import AppealType, Urgency


def endangers_others(type_: AppealType, urgency: Urgency | None, category: Category | None) -> bool:
    """A report, or a danger to life or property by its urgency or its kind, stays whatever its author wants now."""
    by_kind = category.urgency if category is not None else None
    return type_ is AppealType.REPORT or Urgency.P1 in {urgency, by_kind}

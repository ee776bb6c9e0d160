"""Changing what an appeal is about (T43): type, category, urgency and mode are four fields, each changed by itself.

What an agent decided earlier stays decided when only the category changes; what came by rule follows the new category.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.intake.domain import acceptance
from services.intake.domain.appeals import Classification, changed, classify, missing_for_acceptance, stricter
from services.intake.domain.categories import Category
from shared.errors import Conflict, FieldProblem, InvalidInput
from shared.vocabulary import AppealType, HandlingMode, SpecialCare, Urgency


class NothingChanges(Conflict):
    """The appeal is classified that way already."""

    code = "nothing_changes"
    title = "Nothing would change"


@dataclass(frozen=True, slots=True)
class Present:
    """How an appeal is classified now; `floor` is the urgency its channel demands."""

    type: AppealType
    classification: Classification
    special_care: tuple[SpecialCare, ...] = ()
    floor: Urgency | None = None

    def under(
        self, category: Category | None, *, urgency: Urgency | None = None, mode: HandlingMode | None = None
    ) -> Classification:
        """Return what the rules make of it under a category, with what an agent chose."""
        return classify(category, self.special_care, urgency=urgency, mode=mode, floor=self.floor)

    @property
    def by_rule(self) -> Classification:
        return self.under(self.classification.category)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be changed, and why; None leaves a field as it is."""

    type: AppealType | None = None
    category: Category | None = None
    urgency: Urgency | None = None
    mode: HandlingMode | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reclassified:
    """The appeal as it is classified then, and every field that changed, from what to what."""

    type: AppealType
    classification: Classification
    is_mode_chosen: bool
    changes: Mapping[str, Any]

    def accepts(self, *, papers_complete: bool) -> bool:
        """Tell whether this was the decision that was missing (T10): what it is about, or how it is handled."""
        is_decision = bool({"category_code", "mode"} & set(self.changes))
        is_held = acceptance.is_held(
            self.classification.mode, chosen=self.is_mode_chosen, papers_complete=papers_complete
        )
        return is_decision and not missing_for_acceptance(self.classification) and not is_held


def reclassify(present: Present, wanted: Wanted) -> Reclassified:
    """Return the new classification.

    Raises NothingChanges, and InvalidInput when something decided is changed, or an urgency set, without a reason.
    """
    before = present.classification
    category = wanted.category or before.category
    after = present.under(
        category,
        urgency=wanted.urgency or _kept_urgency(present, wanted, category),
        mode=wanted.mode or _kept_mode(present, wanted),
    )
    type_ = wanted.type or present.type
    pairs = {
        "type": (present.type, type_),
        "category_code": (_code_of(before.category), _code_of(after.category)),
        "urgency": (before.urgency, after.urgency),
        "mode": (before.mode, after.mode),
    }
    changes = {name: changed(old, new) for name, (old, new) in pairs.items() if old != new}
    if not changes:
        raise NothingChanges("Type, category, urgency and mode are that already.")
    if wanted.urgency not in {None, after.urgency} and "urgency" in changes:
        changes["urgency"]["asked_for"] = wanted.urgency
    _check_reason(wanted, changes)
    is_chosen = wanted.mode is not None or after.mode != classify(category, ()).mode
    return Reclassified(type_, after, is_chosen, changes)


def _check_reason(wanted: Wanted, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """The first category of the review list speaks for itself; whatever was decided before is changed for a reason."""
    is_change = any(change["from"] is not None for change in changes.values()) or wanted.urgency is not None
    if is_change and not wanted.reason:
        problem = FieldProblem("/reason", f"is required to change {', '.join(changes)}")
        raise InvalidInput("A change needs a reason.", [problem])


def _kept_urgency(present: Present, wanted: Wanted, category: Category | None) -> Urgency | None:
    """Return the urgency that stays: an agent's, unless the new category is more urgent by itself."""
    now = present.classification.urgency
    if wanted.category is None:
        return now
    is_decided = now is not None and now != present.by_rule.urgency
    by_rule = present.under(category).urgency
    return stricter(now, by_rule) if is_decided and now is not None and by_rule is not None else None


def _kept_mode(present: Present, wanted: Wanted) -> HandlingMode | None:
    now = present.classification.mode
    return now if wanted.category is None or now != present.by_rule.mode else None


def _code_of(category: Category | None) -> str | None:
    return category.code if category is not None else None

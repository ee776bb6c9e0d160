"""Routing rules as documents, and the check of a whole draft before anybody may publish it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from services.dispatch.domain import grid as grids
from services.dispatch.domain.registry import check_code
from services.dispatch.domain.routing import Rule, TimeWindow, find_conflicts
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealType, Channel, SpecialCare, Urgency

MAX_PROBLEMS = 100
_KINDS = {"type": AppealType, "channel": Channel, "urgency": Urgency, "special_care": SpecialCare}
_KEYS = frozenset(
    {"id", "department_code", "category_code", "grid_code", "time_window", "order", *_KINDS},
)


@dataclass(frozen=True, slots=True)
class KnownCodes:
    """What the rules of a draft may name."""

    departments: Collection[str]
    retired_departments: Collection[str]
    categories: Collection[str]
    grids: Collection[str]


def rule_from_document(document: Mapping[str, Any], pointer: str = "") -> Rule:
    """Read one rule; every field but `id` and `department_code` may be absent or null. Raises InvalidInput."""
    unknown = sorted(set(document) - _KEYS)
    if unknown:
        raise _invalid([FieldProblem(f"{pointer}/{unknown[0]}", "is not a field of a rule", sorted(_KEYS))])
    values: dict[str, Any] = {}
    for name, kind in _KINDS.items():
        value = document.get(name)
        try:
            values[name] = None if value is None else kind(value)
        except ValueError as error:
            allowed = [str(member) for member in kind]
            raise _invalid([FieldProblem(f"{pointer}/{name}", "unknown value", allowed)]) from error
    grid_code = document.get("grid_code")
    window = document.get("time_window")
    return Rule(
        id=check_code(document["id"], f"{pointer}/id"),
        department_code=document["department_code"],
        category_code=document.get("category_code"),
        grid_code=None if grid_code is None else grids.parse_code(grid_code, field=f"{pointer}/grid_code"),
        time_window=None if window is None else _window(window, f"{pointer}/time_window"),
        order=document.get("order") or 0,
        **values,
    )


def rule_to_document(rule: Rule) -> dict[str, Any]:
    """Write one rule in full."""
    window = rule.time_window
    return {
        "id": rule.id,
        "department_code": rule.department_code,
        "category_code": rule.category_code,
        "grid_code": rule.grid_code,
        "type": rule.type,
        "channel": rule.channel,
        "urgency": rule.urgency,
        "special_care": rule.special_care,
        "time_window": None
        if window is None
        else {
            "start": f"{window.start:%H:%M}",
            "end": f"{window.end:%H:%M}",
            "weekdays": sorted(window.weekdays),
        },
        "order": rule.order,
    }


def check_rules(rules: Sequence[Rule], known: KnownCodes) -> None:
    """Refuse a draft that names what does not exist, uses an id twice, or leaves a decision to chance.

    Raises InvalidInput with at most MAX_PROBLEMS problems, each naming the rule and the field.
    """
    problems = [*_unknown_codes(rules, known)][:MAX_PROBLEMS]
    index = {rule.id: position for position, rule in enumerate(rules)}
    if not problems:
        problems = [
            FieldProblem(
                f"/rules/{index[conflict.rule_id]}/order",
                f"rule {conflict.rule_id} and rule {conflict.other_rule_id} can match the same appeal with equal "
                "specificity and order: give one of them another order",
            )
            for conflict in find_conflicts(rules, MAX_PROBLEMS)
        ]
    if problems:
        raise _invalid(problems)


def _unknown_codes(rules: Sequence[Rule], known: KnownCodes) -> Iterable[FieldProblem]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        pointer = f"/rules/{index}"
        if rule.id in seen:
            yield FieldProblem(f"{pointer}/id", f"rule {rule.id} is there twice")
        seen.add(rule.id)
        if rule.department_code in known.retired_departments:
            yield FieldProblem(
                f"{pointer}/department_code",
                f"rule {rule.id} names department {rule.department_code}, which is retired",
            )
        elif rule.department_code not in known.departments:
            yield FieldProblem(
                f"{pointer}/department_code",
                f"rule {rule.id} names an unknown department {rule.department_code}",
            )
        if rule.category_code is not None and rule.category_code not in known.categories:
            yield FieldProblem(
                f"{pointer}/category_code", f"rule {rule.id} names an unknown category {rule.category_code}"
            )
        if rule.grid_code is not None and rule.grid_code not in known.grids:
            yield FieldProblem(f"{pointer}/grid_code", f"rule {rule.id} names an unknown grid {rule.grid_code}")


def _window(value: Mapping[str, Any], pointer: str) -> TimeWindow:
    try:
        weekdays = frozenset(value.get("weekdays") or ())
        window = TimeWindow(time.fromisoformat(value["start"]), time.fromisoformat(value["end"]), weekdays=weekdays)
    except (KeyError, TypeError, ValueError) as error:
        raise _invalid([FieldProblem(pointer, "needs start and end like 18:00, and weekdays 0 to 6")]) from error
    if not weekdays <= set(range(7)):
        raise _invalid([FieldProblem(f"{pointer}/weekdays", "are 0 (Monday) to 6 (Sunday)", list(range(7)))])
    return window


def _invalid(problems: Sequence[FieldProblem]) -> InvalidInput:
    return InvalidInput(f"The rules are not valid: {problems[0].message}", problems)

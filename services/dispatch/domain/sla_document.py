"""SLA policies as documents: the one JSON form that the API, the database and city packs share."""

from collections.abc import Mapping
from typing import Any, TypeVar

from services.dispatch.domain.calendar import Period
from services.dispatch.domain.sla import LADDER, Anchor, Extension, Milestone, SlaPolicy, TimerRule
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import TimerLevel, TimerName

E = TypeVar("E", TimerName, TimerLevel, Anchor)

DEFAULT_CARDS: Mapping[TimerName, tuple[TimerLevel, ...]] = {
    TimerName.RESOLVE: LADDER,
    TimerName.ACKNOWLEDGE: (TimerLevel.RED_CARD,),
    TimerName.CONTACT: (TimerLevel.RED_CARD,),
}
_KEYS = frozenset(
    {
        "code",
        "name",
        "name_en",
        "timers",
        "extension",
        "pause_reasons",
        "natural_clock",
        "law_wins",
        "milestones",
        "basis",
    }
)


def policy_from_document(document: Mapping[str, Any], version: int = 1) -> SlaPolicy:
    """Read a policy; a timer is `"5 working_day"` or an object with period or same_day_end, statutory, warnings.

    A timer that does not say which cards it shows gets the usual ones. Raises InvalidInput naming the field.
    """
    unknown = sorted(set(document) - _KEYS)
    if unknown:
        raise _problem(f"/{unknown[0]}", "is not a field of a policy", sorted(_KEYS))
    timers = {
        name: _timer(value, name)
        for key, value in document.get("timers", {}).items()
        for name in (_member(TimerName, key, f"/timers/{key}"),)
    }
    extension = document.get("extension")
    return SlaPolicy(
        code=document["code"],
        version=version,
        name=document.get("name", ""),
        name_en=document.get("name_en", ""),
        timers=timers,
        extension=_extension(extension) if extension else None,
        pause_reasons=frozenset(document.get("pause_reasons", ())),
        natural_clock=document.get("natural_clock", False),
        law_wins=document.get("law_wins", False),
        milestones={
            name: _milestone(value, f"/milestones/{name}") for name, value in document.get("milestones", {}).items()
        },
        basis=document.get("basis", ""),
    )


def policy_to_document(policy: SlaPolicy) -> dict[str, Any]:
    """Write a policy in full, so that reading it back gives an equal one whatever the defaults become."""
    extension = policy.extension
    return {
        "code": policy.code,
        "name": policy.name,
        "name_en": policy.name_en,
        "timers": {name.value: _timer_document(rule) for name, rule in sorted(policy.timers.items())},
        "extension": None
        if extension is None
        else {
            "period": str(extension.period),
            "times": extension.times,
            "by_head_times": extension.by_head_times,
        },
        "pause_reasons": sorted(policy.pause_reasons),
        "natural_clock": policy.natural_clock,
        "law_wins": policy.law_wins,
        "milestones": {
            name: {"period": str(milestone.period), "anchor": milestone.anchor.value}
            for name, milestone in sorted(policy.milestones.items())
        },
        "basis": policy.basis,
    }


def _timer(value: Any, name: TimerName) -> TimerRule:
    cards = DEFAULT_CARDS.get(name, ())
    pointer = f"/timers/{name}"
    if isinstance(value, str):
        return TimerRule(_period(value, pointer), warnings=cards)
    period = value.get("period")
    warnings = value.get("warnings")
    try:
        return TimerRule(
            period=None if period is None else _period(period, f"{pointer}/period"),
            same_day_end=bool(value.get("same_day_end", False)),
            statutory=bool(value.get("statutory", False)),
            warnings=cards
            if warnings is None
            else tuple(_member(TimerLevel, level, f"{pointer}/warnings") for level in warnings),
        )
    except InvalidInput as error:
        raise _under(pointer, error) from error


def _timer_document(rule: TimerRule) -> dict[str, Any]:
    return {
        "period": None if rule.period is None else str(rule.period),
        "same_day_end": rule.same_day_end,
        "statutory": rule.statutory,
        "warnings": [level.value for level in rule.warnings],
    }


def _extension(value: Mapping[str, Any]) -> Extension:
    return Extension(
        period=_period(value["period"], "/extension/period"),
        times=value.get("times", 1),
        by_head_times=value.get("by_head_times", 0),
    )


def _milestone(value: Any, pointer: str) -> Milestone:
    if isinstance(value, str):
        return Milestone(_period(value, pointer))
    return Milestone(
        _period(value["period"], f"{pointer}/period"),
        _member(Anchor, value.get("anchor", Anchor.DISPATCH), f"{pointer}/anchor"),
    )


def _period(text: str, pointer: str) -> Period:
    try:
        return Period.parse(text)
    except InvalidInput as error:
        raise _problem(pointer, error.problems[0].message) from error


def _member(kind: type[E], value: Any, pointer: str) -> E:
    try:
        return kind(value)
    except ValueError as error:
        raise _problem(pointer, "unknown value", [each.value for each in kind]) from error


def _under(pointer: str, error: InvalidInput) -> InvalidInput:
    """Name the timer in front of a field that a TimerRule complained about by itself."""
    if error.problems and error.problems[0].field.startswith(pointer):
        return error
    return InvalidInput(
        error.detail, [FieldProblem(pointer + each.field, each.message, each.allowed) for each in error.problems]
    )


def _problem(pointer: str, message: str, allowed: Any = None) -> InvalidInput:
    return InvalidInput("The SLA policy is not valid", [FieldProblem(pointer, message, allowed)])

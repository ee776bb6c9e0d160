"""The dispatch catalogue (派单目录) as data: who answers what, where, when; total, deterministic, explained.

The more specific rule wins: first by category, then by area, then by the number of further conditions, then by explicit
order, then by id. Nothing matching is an answer too (triage); it is never a silent fallback.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.dispatch.domain import grid as grids
from shared.vocabulary import AppealType, Channel, SpecialCare, Urgency

MAX_CONSIDERED = 20
_MINUTES_PER_DAY = 1440


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Local time of the city in which a rule applies. `start` > `end` passes midnight; equal means the whole day.

    `weekdays` counts from 0 (Monday); empty means every day. The part after midnight belongs to the day it began on.
    """

    start: time
    end: time
    weekdays: frozenset[int] = frozenset()

    def segments(self) -> tuple[tuple[int, int], ...]:
        """The window as half-open spans of minutes of the week."""
        week = 7 * _MINUTES_PER_DAY
        begin = self.start.hour * 60 + self.start.minute
        length = (self.end.hour * 60 + self.end.minute - begin) % _MINUTES_PER_DAY or _MINUTES_PER_DAY
        spans: list[tuple[int, int]] = []
        for weekday in sorted(self.weekdays or range(7)):
            first = weekday * _MINUTES_PER_DAY + begin
            last = first + length
            spans.append((first, min(last, week)))
            if last > week:
                spans.append((0, last - week))
        return tuple(spans)

    def contains(self, local: datetime) -> bool:
        minute = local.weekday() * _MINUTES_PER_DAY + local.hour * 60 + local.minute
        return any(first <= minute < last for first, last in self.segments())

    def overlaps(self, other: "TimeWindow") -> bool:
        return any(
            first < other_last and other_first < last
            for first, last in self.segments()
            for other_first, other_last in other.segments()
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the catalogue. None leaves a field open; a category or grid also covers everything below it."""

    id: str
    department_code: str
    category_code: str | None = None
    grid_code: str | None = None
    type: AppealType | None = None
    channel: Channel | None = None
    urgency: Urgency | None = None
    special_care: SpecialCare | None = None
    time_window: TimeWindow | None = None
    order: int = 0

    @property
    def conditions(self) -> int:
        """How many things besides category and area the rule asks for."""
        return sum(
            value is not None for value in (self.type, self.channel, self.urgency, self.special_care, self.time_window)
        )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of the catalogue; what was published is never edited again."""

    version: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What is known about an appeal when it is routed. Without `at` no rule with a time window matches."""

    type: AppealType
    category_code: str
    urgency: Urgency
    channel: Channel
    grid_code: str | None = None
    special_care: frozenset[SpecialCare] = frozenset()
    at: datetime | None = None


class Considered(NamedTuple):
    """One rule that was looked at, and why it won or lost."""

    rule_id: str
    department_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Who gets it and why. `department_code` None means triage; `fallback` that no rule named category or area."""

    department_code: str | None
    rule_id: str | None
    rule_set_version: int
    grid_path: tuple[str, ...]
    considered: tuple[Considered, ...]
    fallback: bool
    explanation: str


# --- compiling ------------------------------------------------------------------------------------------------------


class _Entry:
    """A rule with everything a decision can say about it made beforehand: a decision then only picks."""

    __slots__ = (
        "broader_area",
        "broader_category",
        "conditions",
        "fewer_conditions",
        "later",
        "mismatches",
        "rule",
        "won",
    )

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.conditions = rule.conditions
        self.won = self._say("won: the most specific match")
        self.broader_category = self._say("lost: its category is broader")
        self.broader_area = self._say("lost: its area is broader")
        self.fewer_conditions = self._say("lost: fewer conditions")
        self.later = self._say("lost: later in order")
        self.mismatches = (
            self._say(f"lost: only for type {rule.type}"),
            self._say(f"lost: only for channel {rule.channel}"),
            self._say(f"lost: only for urgency {rule.urgency}"),
            self._say(f"lost: only for special care {rule.special_care}"),
            self._say("lost: outside of its time window"),
        )

    def _say(self, reason: str) -> Considered:
        return Considered(self.rule.id, self.rule.department_code, reason)

    def mismatch(self, facts: RoutingFacts, local: datetime | None) -> Considered | None:
        """Name the first condition that the facts do not meet; None when all are met."""
        rule = self.rule
        if rule.type is not None and rule.type is not facts.type:
            return self.mismatches[0]
        if rule.channel is not None and rule.channel is not facts.channel:
            return self.mismatches[1]
        if rule.urgency is not None and rule.urgency is not facts.urgency:
            return self.mismatches[2]
        if rule.special_care is not None and rule.special_care not in facts.special_care:
            return self.mismatches[3]
        if rule.time_window is not None and (local is None or not rule.time_window.contains(local)):
            return self.mismatches[4]
        return None

    def why_lost(self, winner: "_Entry") -> Considered:
        if self.rule.category_code != winner.rule.category_code:
            return self.broader_category
        if self.rule.grid_code != winner.rule.grid_code:
            return self.broader_area
        if self.conditions != winner.conditions:
            return self.fewer_conditions
        return self.later


_Buckets = Mapping[str | None, Mapping[str | None, tuple[_Entry, ...]]]


@dataclass(frozen=True, slots=True)
class CompiledRuleSet:
    """A rule set indexed by category and area, so that a decision looks at the few rules that can match at all."""

    version: int
    time_zone: ZoneInfo
    size: int
    _buckets: _Buckets = field(repr=False)
    _category_paths: Mapping[str, tuple[str, ...]] = field(repr=False)

    def candidates(self, category_code: str, grid_path: tuple[str, ...]) -> Iterator[_Entry]:
        """The rules whose category and area cover the facts, the most specific first."""
        for category in (*self._category_paths.get(category_code, (category_code,)), None):
            by_area = self._buckets.get(category)
            if by_area is None:
                continue
            for area in (*grid_path, None):
                bucket = by_area.get(area)
                if bucket is not None:
                    yield from bucket


def compile_rules(
    rule_set: RuleSet, time_zone: ZoneInfo, category_parents: Mapping[str, str | None] | None = None
) -> CompiledRuleSet:
    """Index a rule set; the order in which rules are given makes no difference."""
    collected: dict[str | None, dict[str | None, list[_Entry]]] = {}
    for rule in rule_set.rules:
        area = None if rule.grid_code is None else grids.known_part(rule.grid_code)
        collected.setdefault(rule.category_code, {}).setdefault(area, []).append(_Entry(rule))
    buckets = {
        category: {area: tuple(sorted(entries, key=_precedence)) for area, entries in by_area.items()}
        for category, by_area in collected.items()
    }
    parents = category_parents or {}
    paths = {code: category_path(code, parents) for code in parents}
    return CompiledRuleSet(rule_set.version, time_zone, len(rule_set.rules), buckets, paths)


def category_path(code: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """The category and those above it, smallest first; a loop in the data ends the path."""
    path = [code]
    while (parent := parents.get(path[-1])) is not None and parent not in path:
        path.append(parent)
    return tuple(path)


def _precedence(entry: _Entry) -> tuple[int, int, str]:
    return (-entry.conditions, entry.rule.order, entry.rule.id)


# --- deciding -------------------------------------------------------------------------------------------------------


def route(facts: RoutingFacts, compiled: CompiledRuleSet) -> RoutingDecision:
    """Decide which department answers. Total: every input gets a decision; deterministic: the same input the same one.

    Rules are looked at from the most to the least specific and the first that matches wins. `considered` lists those in
    front of it, itself and those behind it, MAX_CONSIDERED at most, and the winner always.
    """
    path = grids.ancestors(facts.grid_code)
    local = None if facts.at is None else facts.at.astimezone(compiled.time_zone)
    candidates = compiled.candidates(facts.category_code, path)
    considered: list[Considered] = []
    for entry in candidates:
        mismatch = entry.mismatch(facts, local) if entry.conditions else None
        if mismatch is None:
            del considered[MAX_CONSIDERED - 1 :]
            considered.append(entry.won)
            room = MAX_CONSIDERED - len(considered)
            considered.extend([loser.why_lost(entry) for loser in islice(candidates, room)])
            return _taken(entry, compiled, path, considered)
        if len(considered) < MAX_CONSIDERED:
            considered.append(mismatch)
    return _not_taken(compiled, path, considered)


def _taken(
    winner: _Entry, compiled: CompiledRuleSet, path: tuple[str, ...], considered: list[Considered]
) -> RoutingDecision:
    rule = winner.rule
    return RoutingDecision(
        department_code=rule.department_code,
        rule_id=rule.id,
        rule_set_version=compiled.version,
        grid_path=path,
        considered=tuple(considered),
        fallback=rule.category_code is None and rule.grid_code is None,
        explanation=(
            f"rule {rule.id} of rule set {compiled.version} is the most specific match: category "
            f"{rule.category_code or 'any'}, area {rule.grid_code or 'any'}, {winner.conditions} further condition(s)"
        ),
    )


def _not_taken(compiled: CompiledRuleSet, path: tuple[str, ...], considered: list[Considered]) -> RoutingDecision:
    looked_at = f"{len(considered)} or more looked at" if considered else "none covers this category and area"
    return RoutingDecision(
        department_code=None,
        rule_id=None,
        rule_set_version=compiled.version,
        grid_path=path,
        considered=tuple(considered),
        fallback=True,
        explanation=f"no rule of rule set {compiled.version} matches ({looked_at}): a dispatcher decides",
    )


# --- conflicts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleConflict:
    """Two rules that can match the same facts with equal specificity and order: only chance would decide."""

    rule_id: str
    other_rule_id: str


def find_conflicts(rules: Iterable[Rule], limit: int = 50) -> tuple[RuleConflict, ...]:
    """Return up to `limit` pairs of equal specificity and order that can send the same facts to different departments.

    Two rules that send the same facts to the same department do not conflict: whichever wins, the answer is the same.
    """
    groups: dict[tuple[str | None, str | None, int, int], list[Rule]] = {}
    for rule in sorted(rules, key=lambda each: each.id):
        area = None if rule.grid_code is None else grids.known_part(rule.grid_code)
        groups.setdefault((rule.category_code, area, rule.conditions, rule.order), []).append(rule)
    found: list[RuleConflict] = []
    for group in groups.values():
        for index, rule in enumerate(group):
            for other in group[index + 1 :]:
                if rule.department_code != other.department_code and _can_both_match(rule, other):
                    found.append(RuleConflict(rule.id, other.id))
                    if len(found) >= limit:
                        return tuple(found)
    return tuple(found)


def _can_both_match(rule: Rule, other: Rule) -> bool:
    """Several kinds of special care can hold at once, so different ones never tell two rules apart."""
    for mine, theirs in ((rule.type, other.type), (rule.channel, other.channel), (rule.urgency, other.urgency)):
        if mine is not None and theirs is not None and mine is not theirs:
            return False
    if rule.time_window is not None and other.time_window is not None:
        return rule.time_window.overlaps(other.time_window)
    return True

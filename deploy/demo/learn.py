"""Learns routing rules from what a city did: majority by category and area, else by category, else triage.

Pure: the same observations in any order give the same rules.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observation:
    """One past request: what it was about, where (None if not recorded), and who had it in the end."""

    category: str
    area: str | None
    department: str


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """`area` None is the rule of the category alone; `support` of `seen` requests of that cell went to `department`."""

    category: str
    area: str | None
    department: str
    support: int
    seen: int

    @property
    def id(self) -> str:
        """The id of the rule in the catalogue: `L0412` for a category, `L0412-025025011` for a cell."""
        return f"L{self.category}" if self.area is None else f"L{self.category}-{self.area}"


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned, ready to be asked the way the dispatcher would be."""

    rules: tuple[LearnedRule, ...]
    by_category: Mapping[str, str]
    by_category_and_area: Mapping[tuple[str, str], str]

    def by_type_alone(self, category: str) -> str | None:
        """The department by category; None goes to triage."""
        return self.by_category.get(category)

    def by_type_and_area(self, category: str, area: str | None) -> str | None:
        """The department by category and area, else by category; None goes to triage."""
        if area is not None and (found := self.by_category_and_area.get((category, area))) is not None:
            return found
        return self.by_category.get(category)


def learn(observations: Iterable[Observation], *, least_support: int = 1) -> Learned:
    """Take the majority of each cell; ties go to the smaller code.

    A cell of category and area becomes a rule of its own only where it was seen at least `least_support` times and says
    something else than its category: a catalogue that people have to read should not repeat itself.
    """
    per_category: dict[str, Counter[str]] = defaultdict(Counter)
    per_cell: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in observations:
        per_category[each.category][each.department] += 1
        if each.area is not None:
            per_cell[each.category, each.area][each.department] += 1
    general = {category: _rule(category, None, counts) for category, counts in sorted(per_category.items())}
    special = []
    for (category, area), counts in sorted(per_cell.items()):
        rule = _rule(category, area, counts)
        if rule.seen >= least_support and rule.department != general[category].department:
            special.append(rule)
    return Learned(
        rules=(*general.values(), *special),
        by_category={rule.category: rule.department for rule in general.values()},
        by_category_and_area={(rule.category, rule.area): rule.department for rule in special if rule.area is not None},
    )


def _rule(category: str, area: str | None, counts: Counter[str]) -> LearnedRule:
    department, support = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return LearnedRule(category, area, department, support, counts.total())


def choose_least_support(
    observations: Sequence[tuple[bool, Observation]], candidates: Sequence[int] = (1, 2, 3, 5, 8)
) -> int:
    """Choose how often a cell must have been seen, on the learning months alone: earlier ones teach, later ones test.

    Each observation says whether it belongs to the later part. The smallest of equally good candidates wins.
    """
    earlier = [each for is_later, each in observations if not is_later]
    later = [each for is_later, each in observations if is_later]

    def hits(least_support: int) -> int:
        learned = learn(earlier, least_support=least_support)
        return sum(learned.by_type_and_area(each.category, each.area) == each.department for each in later)

    return max(candidates, key=lambda candidate: (hits(candidate), -candidate))

"""How long one routing decision takes, with 10,000 rules over 400 grids; no database, no network."""

import random
import time
from zoneinfo import ZoneInfo

from deploy.bench.report import Figure
from services.dispatch.domain.routing import RoutingFacts, Rule, RuleSet, compile_rules, route
from shared.vocabulary import AppealType, Channel, Urgency

RULES, GRIDS, CATEGORIES, DECISIONS = 10_000, 400, 119, 20_000
BAR_MICROSECONDS = 50.0


def routing_figure(rounds: int) -> Figure:
    """The median over rounds of the mean decision."""
    chance = random.Random(7)  # noqa: S311 - a load pattern
    categories = [f"{1 + number // 10:02d}{1 + number % 10:02d}" for number in range(CATEGORIES)]
    grids = [f"411002{1 + number // 28:03d}{1 + number // 4 % 7:03d}{1 + number % 4:03d}" for number in range(GRIDS)]
    compiled = compile_rules(RuleSet(1, tuple(_rules(chance, categories, grids))), ZoneInfo("Asia/Shanghai"))
    facts = [
        RoutingFacts(
            type=chance.choice(list(AppealType)),
            category_code=chance.choice(categories),
            urgency=chance.choice(list(Urgency)),
            channel=chance.choice(list(Channel)),
            grid_code=chance.choice(grids),
        )
        for _ in range(DECISIONS)
    ]
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        for each in facts:
            route(each, compiled)
        found.append((time.perf_counter() - began) / DECISIONS * 1e6)
    value = sorted(found)[len(found) // 2]
    name = f"one routing decision, {RULES:,} rules, {GRIDS} grids"
    return Figure(name, value, "µs", BAR_MICROSECONDS, "lower", tuple(found))


def _rules(chance: random.Random, categories: list[str], grids: list[str]) -> list[Rule]:
    """A catalogue as a city would have one: a rule per category, many by area, some by urgency or channel."""
    rules = [Rule(f"R{number}", f"D{number % 50}", category_code=code) for number, code in enumerate(categories)]
    while len(rules) < RULES:
        number = len(rules)
        rules.append(
            Rule(
                f"R{number}",
                f"D{number % 50}",
                category_code=chance.choice(categories),
                grid_code=chance.choice(grids)[: chance.choice((9, 12, 15))],
                urgency=chance.choice((None, None, *Urgency)),
                channel=chance.choice((None, None, None, Channel.PHONE, Channel.APP)),
                order=number,
            )
        )
    return rules

"""Routing: total, deterministic, explained; the more specific rule wins and chance never does."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.grid import ancestors
from services.dispatch.domain.routing import (
    MAX_CONSIDERED,
    CompiledRuleSet,
    RoutingDecision,
    RoutingFacts,
    Rule,
    RuleSet,
    TimeWindow,
    category_path,
    compile_rules,
    find_conflicts,
    route,
)
from shared.vocabulary import AppealType, Channel, SpecialCare, Urgency
from tests.support.registry import SHANGHAI

PARENTS = {"01": None, "0101": "01", "010101": "0101", "0102": "01", "02": None, "0201": "02"}
BEAT = "411002001001001"


def facts(**changes: object) -> RoutingFacts:
    values: dict[str, object] = {
        "type": AppealType.COMPLAINT,
        "category_code": "0101",
        "urgency": Urgency.P3,
        "channel": Channel.PHONE,
        "grid_code": BEAT,
        **changes,
    }
    return RoutingFacts(**values)  # type: ignore[arg-type]


def compiled(*rules: Rule) -> CompiledRuleSet:
    return compile_rules(RuleSet(7, rules), SHANGHAI, PARENTS)


def decide(*rules: Rule, **changes: object) -> RoutingDecision:
    return route(facts(**changes), compiled(*rules))


# --- who wins -------------------------------------------------------------------------------------------------------


def test_no_rule_is_triage_and_says_so() -> None:
    decision = decide()
    assert decision.department_code is None
    assert decision.rule_id is None
    assert decision.fallback
    assert decision.rule_set_version == 7
    assert "a dispatcher decides" in decision.explanation


def test_a_rule_covers_the_categories_below_its_own() -> None:
    assert decide(Rule("r", "D", "01"), category_code="010101").department_code == "D"
    assert decide(Rule("r", "D", "0101"), category_code="01").department_code is None


def test_a_rule_covers_the_areas_inside_its_own() -> None:
    assert decide(Rule("r", "D", grid_code="411002001")).department_code == "D"
    assert decide(Rule("r", "D", grid_code="411002001000000")).department_code == "D"
    assert decide(Rule("r", "D", grid_code="411002002")).department_code is None
    assert decide(Rule("r", "D", grid_code=BEAT), grid_code="411002001000000").department_code is None
    assert decide(Rule("r", "D", grid_code=BEAT), grid_code=None).department_code is None


def test_the_category_counts_more_than_the_area() -> None:
    decision = decide(Rule("by-area", "A", "01", BEAT), Rule("by-category", "C", "0101"))
    assert decision.department_code == "C"


def test_the_smaller_area_wins_within_a_category() -> None:
    decision = decide(Rule("beat", "B", "0101", BEAT), Rule("street", "S", "0101", "411002001"))
    assert decision.department_code == "B"


def test_more_conditions_win_within_category_and_area() -> None:
    rules = (Rule("any", "A", "0101"), Rule("reports", "R", "0101", type=AppealType.REPORT))
    assert decide(*rules, type=AppealType.REPORT).department_code == "R"
    assert decide(*rules, type=AppealType.HELP).department_code == "A"


def test_the_explicit_order_decides_between_equals_then_the_id() -> None:
    assert decide(Rule("a", "A", "0101", order=2), Rule("b", "B", "0101", order=1)).department_code == "B"
    assert decide(Rule("b", "B", "0101"), Rule("a", "A", "0101")).department_code == "A"


@pytest.mark.parametrize(
    ("rule", "match", "other"),
    [
        (Rule("r", "D", type=AppealType.REPORT), {"type": AppealType.REPORT}, {"type": AppealType.HELP}),
        (Rule("r", "D", channel=Channel.APP), {"channel": Channel.APP}, {"channel": Channel.WEB}),
        (Rule("r", "D", urgency=Urgency.P1), {"urgency": Urgency.P1}, {"urgency": Urgency.P2}),
        (
            Rule("r", "D", special_care=SpecialCare.ELDERLY),
            {"special_care": frozenset({SpecialCare.ELDERLY, SpecialCare.MINOR})},
            {"special_care": frozenset({SpecialCare.MINOR})},
        ),
    ],
)
def test_conditions(rule: Rule, match: dict[str, object], other: dict[str, object]) -> None:
    assert decide(rule, **match).department_code == "D"
    assert decide(rule, **other).department_code is None


def test_only_a_rule_for_everything_is_a_fallback() -> None:
    assert decide(Rule("all", "HOTLINE")).fallback
    assert not decide(Rule("area", "STREET", grid_code="411002")).fallback


def test_a_category_nobody_told_us_about_can_still_match_a_general_rule() -> None:
    assert decide(Rule("all", "HOTLINE"), category_code="77").department_code == "HOTLINE"


def test_a_loop_in_the_categories_ends() -> None:
    assert category_path("a", {"a": "b", "b": "a"}) == ("a", "b")


# --- time windows ---------------------------------------------------------------------------------------------------

NIGHT = TimeWindow(time(18), time(8, 30))
FRIDAY_NIGHT = TimeWindow(time(22), time(6), frozenset({4}))


@pytest.mark.parametrize(
    ("window", "at", "inside"),
    [
        (NIGHT, "2026-03-02T18:00", True),
        (NIGHT, "2026-03-02T08:29", True),
        (NIGHT, "2026-03-02T08:30", False),
        (FRIDAY_NIGHT, "2026-03-07T05:59", True),
        (FRIDAY_NIGHT, "2026-03-08T05:59", False),
        (TimeWindow(time(22), time(6), frozenset({6})), "2026-03-09T05:00", True),
        (TimeWindow(time(0), time(0)), "2026-03-09T23:59", True),
    ],
)
def test_windows_are_in_local_time_and_may_pass_midnight(window: TimeWindow, at: str, inside: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI).astimezone(UTC)
    decision = decide(Rule("night", "N", time_window=window), at=moment)
    assert (decision.department_code == "N") is inside


def test_without_a_time_no_window_matches() -> None:
    assert decide(Rule("night", "N", time_window=NIGHT)).department_code is None


# --- the explanation ------------------------------------------------------------------------------------------------


def test_every_rule_looked_at_says_why_it_won_or_lost() -> None:
    decision = decide(
        Rule("exact-report", "R", "0101", BEAT, type=AppealType.REPORT),
        Rule("exact", "E", "0101", BEAT),
        Rule("exact-later", "L", "0101", BEAT, order=5),
        Rule("street", "S", "0101", "411002001"),
        Rule("parent", "P", "01"),
        Rule("elsewhere", "X", "0102"),
    )
    assert [(each.rule_id, each.reason) for each in decision.considered] == [
        ("exact-report", "lost: only for type report"),
        ("exact", "won: the most specific match"),
        ("exact-later", "lost: later in order"),
        ("street", "lost: its area is broader"),
        ("parent", "lost: its category is broader"),
    ]
    assert decision.grid_path == ancestors(BEAT)


def test_the_explanation_is_bounded_and_always_names_the_winner() -> None:
    losers = [Rule(f"l{number:03d}", "X", "0101", type=AppealType.REPORT, order=number) for number in range(50)]
    decision = decide(*losers, Rule("winner", "W", "0101"), *[Rule(f"t{n}", "T", "01", order=n) for n in range(50)])
    assert len(decision.considered) == MAX_CONSIDERED
    assert decision.department_code == "W"
    assert "winner" in [each.rule_id for each in decision.considered]


# --- conflicts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "conflict"),
    [
        (Rule("a", "A", "01"), Rule("b", "B", "01"), True),
        (Rule("a", "A", "01"), Rule("b", "A", "01"), False),
        (Rule("a", "A", "01"), Rule("b", "B", "01", order=1), False),
        (Rule("a", "A", "01"), Rule("b", "B", "0101"), False),
        (Rule("a", "A", grid_code="411002000000"), Rule("b", "B", grid_code="411002"), True),
        (Rule("a", "A", type=AppealType.HELP), Rule("b", "B", type=AppealType.REPORT), False),
        (Rule("a", "A", type=AppealType.HELP), Rule("b", "B", channel=Channel.APP), True),
        (Rule("a", "A", type=AppealType.HELP), Rule("b", "B"), False),
        (Rule("a", "A", special_care=SpecialCare.MINOR), Rule("b", "B", special_care=SpecialCare.ELDERLY), True),
        (
            Rule("a", "A", time_window=TimeWindow(time(8), time(18))),
            Rule("b", "B", time_window=TimeWindow(time(18), time(8))),
            False,
        ),
        (Rule("a", "A", time_window=NIGHT), Rule("b", "B", time_window=FRIDAY_NIGHT), True),
    ],
)
def test_two_rules_conflict_when_only_chance_would_decide(one: Rule, other: Rule, conflict: bool) -> None:
    assert bool(find_conflicts([one, other])) is conflict
    assert find_conflicts([one, other]) == find_conflicts([other, one])


def test_conflicts_are_reported_up_to_a_bound() -> None:
    assert len(find_conflicts([Rule(f"r{n}", f"D{n}", "01") for n in range(30)], limit=5)) == 5


# --- for every input ------------------------------------------------------------------------------------------------

CATEGORIES = st.sampled_from([*PARENTS, None])
AREAS = st.sampled_from([None, "411002", "411002001", "411002001001", BEAT, "411002002"])
RULES = st.lists(
    st.builds(
        Rule,
        id=st.integers(0, 10_000).map(lambda number: f"r{number}"),
        department_code=st.sampled_from(["A", "B", "C"]),
        category_code=CATEGORIES,
        grid_code=AREAS,
        type=st.none() | st.sampled_from(list(AppealType)),
        channel=st.none() | st.sampled_from([Channel.APP, Channel.PHONE]),
        urgency=st.none() | st.sampled_from(list(Urgency)),
        special_care=st.none() | st.sampled_from(list(SpecialCare)),
        time_window=st.none() | st.sampled_from([NIGHT, FRIDAY_NIGHT]),
        order=st.integers(0, 3),
    ),
    unique_by=lambda rule: rule.id,
    max_size=30,
)
FACTS = st.builds(
    RoutingFacts,
    type=st.sampled_from(list(AppealType)),
    category_code=st.sampled_from([*PARENTS, "99"]),
    urgency=st.sampled_from(list(Urgency)),
    channel=st.sampled_from(list(Channel)),
    grid_code=AREAS | st.just("411002001000000"),
    special_care=st.frozensets(st.sampled_from(list(SpecialCare)), max_size=2),
    at=st.none() | st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1), max_value=datetime(2026, 2, 1)),  # noqa: DTZ001
)


@given(RULES, FACTS, st.randoms(use_true_random=False))
def test_every_input_has_one_answer_whatever_order_the_rules_came_in(
    rules: list[Rule], question: RoutingFacts, shuffler: random.Random
) -> None:
    shuffled = list(rules)
    shuffler.shuffle(shuffled)
    assert route(question, compiled(*rules)) == route(question, compiled(*shuffled))


def matches(rule: Rule, question: RoutingFacts) -> bool:
    """The meaning of a rule, written down a second time without any index."""
    local = None if question.at is None else question.at.astimezone(SHANGHAI)
    return (
        (rule.category_code is None or rule.category_code in category_path(question.category_code, PARENTS))
        and (rule.grid_code is None or rule.grid_code in ancestors(question.grid_code))
        and rule.type in (None, question.type)
        and rule.channel in (None, question.channel)
        and rule.urgency in (None, question.urgency)
        and (rule.special_care is None or rule.special_care in question.special_care)
        and (rule.time_window is None or (local is not None and rule.time_window.contains(local)))
    )


@given(RULES, FACTS)
def test_the_index_decides_what_looking_at_every_rule_would(rules: list[Rule], question: RoutingFacts) -> None:
    def rank(rule: Rule) -> tuple[int, int, int, int, str]:
        return (-len(rule.category_code or ""), -len(rule.grid_code or ""), -rule.conditions, rule.order, rule.id)

    best = min((rule for rule in rules if matches(rule, question)), key=rank, default=None)
    decision = route(question, compiled(*rules))
    assert decision.rule_id == (None if best is None else best.id)
    assert decision.department_code == (None if best is None else best.department_code)


@given(RULES, FACTS)
def test_a_set_without_conflicts_never_leaves_the_department_to_the_id(
    rules: list[Rule], question: RoutingFacts
) -> None:
    renamed = [replace(rule, id=f"z{index}") for index, rule in enumerate(reversed(rules))]
    if not find_conflicts(rules, 1):
        assert route(question, compiled(*rules)).department_code == route(question, compiled(*renamed)).department_code

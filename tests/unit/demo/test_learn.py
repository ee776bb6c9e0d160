"""Rules are the majority of what was seen, area by area where an area differs, and never a guess."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.learn import Observation, choose_least_support, learn


def seen(category: str, area: str | None, department: str, times: int = 1) -> list[Observation]:
    return [Observation(category, area, department)] * times


def test_the_majority_of_a_category_wins() -> None:
    learned = learn(seen("0101", None, "A", 2) + seen("0101", None, "B", 3))

    assert learned.by_type_alone("0101") == "B"
    assert [(rule.department, rule.support, rule.seen) for rule in learned.rules] == [("B", 3, 5)]


def test_an_area_that_differs_gets_a_rule_of_its_own_and_others_back_off() -> None:
    learned = learn(seen("0101", "1", "A", 5) + seen("0101", "2", "B", 3) + seen("0101", "3", "A"))

    assert learned.by_type_and_area("0101", "2") == "B"
    assert learned.by_type_and_area("0101", "9") == "A"
    assert learned.by_type_and_area("0101", None) == "A"
    assert [rule.id for rule in learned.rules] == ["L0101", "L0101-2"]


def test_a_category_never_seen_goes_to_triage() -> None:
    assert learn(seen("0101", "1", "A")).by_type_and_area("0202", "1") is None


def test_a_cell_seen_too_seldom_gets_no_rule() -> None:
    observations = seen("0101", "1", "A", 5) + seen("0101", "2", "B", 2)

    assert learn(observations, least_support=3).by_type_and_area("0101", "2") == "A"
    assert learn(observations, least_support=2).by_type_and_area("0101", "2") == "B"


def test_ties_go_to_the_smaller_code() -> None:
    assert learn(seen("0101", None, "B") + seen("0101", None, "A")).by_type_alone("0101") == "A"


def test_the_least_support_is_chosen_on_the_later_learning_months() -> None:
    earlier = seen("0101", "1", "A", 9) + seen("0101", "2", "B", 1)
    later = seen("0101", "2", "A", 4)
    months = [(False, each) for each in earlier] + [(True, each) for each in later]

    assert choose_least_support(months, (1, 2)) == 2
    assert choose_least_support([(False, each) for each in earlier], (1, 2)) == 1


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["1", "2", None]), st.sampled_from("ABC"))))
def test_the_order_of_observations_makes_no_difference(found: list[tuple[str, str | None, str]]) -> None:
    observations = [Observation(*each) for each in found]

    assert learn(observations) == learn(reversed(observations))
    assert learn(observations) == learn(sorted(observations, key=repr))

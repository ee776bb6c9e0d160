"""T43: which of the four fields change with which, what stays an agent's decision, and when a reason is needed."""

from typing import Any

import pytest

from services.intake.domain.appeals import Classification
from services.intake.domain.categories import Category
from services.intake.domain.reclassification import NothingChanges, Present, Reclassified, Wanted, reclassify
from shared.errors import InvalidInput
from shared.vocabulary import AppealType, HandlingMode, SpecialCare, Urgency

GARBAGE = Category("0101", "Garbage", urgency=Urgency.P3, mode=HandlingMode.COMMITTED)
COVER = Category("0203", "Manhole", urgency=Urgency.P1, mode=HandlingMode.COMMITTED)
DISPUTE = Category("0501", "Dispute", urgency=Urgency.P4, mode=HandlingMode.ESCALATED)
ELSEWHERE = Category("1604", "Integrity", urgency=Urgency.P3, mode=HandlingMode.ADVISORY)
P = Urgency
M = HandlingMode


def now(category: Category | None = GARBAGE, urgency: Any = P.P3, mode: Any = M.COMMITTED, **other: Any) -> Present:
    return Present(AppealType.COMPLAINT, Classification(category, urgency, mode), **other)


def found(present: Present, **wanted: Any) -> Reclassified:
    return reclassify(present, Wanted(**{"reason": "heard again", **wanted}))


@pytest.mark.parametrize(
    ("present", "to", "urgency", "mode"),
    [
        (now(), COVER, P.P1, M.COMMITTED),
        (now(), DISPUTE, P.P4, M.ESCALATED),
        (now(urgency=P.P2), DISPUTE, P.P2, M.ESCALATED),
        (now(urgency=P.P2), COVER, P.P1, M.COMMITTED),
        (now(urgency=P.P4), DISPUTE, P.P4, M.ESCALATED),
        (now(mode=M.SUPPLEMENT), DISPUTE, P.P4, M.SUPPLEMENT),
        (now(None, None, None), GARBAGE, P.P3, M.COMMITTED),
        (now(None, P.P1, None), GARBAGE, P.P1, M.COMMITTED),
        (now(ELSEWHERE, P.P3, M.ADVISORY), GARBAGE, P.P3, M.COMMITTED),
        (now(special_care=(SpecialCare.MINOR,), urgency=P.P2), DISPUTE, P.P2, M.ESCALATED),
        (now(floor=P.P2, urgency=P.P2), DISPUTE, P.P2, M.ESCALATED),
    ],
)
def test_what_came_by_rule_follows_the_category_and_what_was_decided_stays(
    present: Present, to: Category, urgency: Urgency, mode: HandlingMode
) -> None:
    after = found(present, category=to).classification

    assert (after.category, after.urgency, after.mode) == (to, urgency, mode)


def test_each_field_changes_by_itself() -> None:
    assert set(found(now(), urgency=P.P1).changes) == {"urgency"}
    assert set(found(now(), mode=M.ESCALATED).changes) == {"mode"}
    assert set(found(now(), type=AppealType.REPORT).changes) == {"type"}
    assert set(found(now(), category=DISPUTE, urgency=P.P3, mode=M.COMMITTED).changes) == {"category_code"}


def test_no_choice_goes_below_the_rule_and_what_was_asked_for_is_kept() -> None:
    changes = found(now(special_care=(SpecialCare.MINOR,), urgency=P.P1), urgency=P.P4).changes

    assert changes == {"urgency": {"from": "P1", "to": "P2", "asked_for": "P4"}}


@pytest.mark.parametrize(
    "wanted",
    [{"category": GARBAGE}, {"urgency": P.P3}, {"mode": M.COMMITTED}, {"type": AppealType.COMPLAINT}],
)
def test_a_change_to_what_it_is_already_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(NothingChanges):
        found(now(), **wanted)


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        (now(), {"category": COVER}),
        (now(), {"urgency": P.P1}),
        (now(), {"mode": M.ESCALATED}),
        (now(), {"type": AppealType.HELP}),
        (now(None, None, None), {"urgency": P.P1}),
        (now(None, None, None), {"category": GARBAGE, "urgency": P.P1}),
    ],
)
def test_a_change_needs_a_reason(present: Present, wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        found(present, **wanted, reason="")

    assert [problem.field for problem in refused.value.problems] == ["/reason"]


def test_the_first_category_needs_none() -> None:
    assert found(now(None, None, None), category=GARBAGE, reason="").accepts(papers_complete=False)


@pytest.mark.parametrize(
    ("present", "wanted", "accepted"),
    [
        (now(None, None, None), {"category": GARBAGE}, True),
        (now(None, None, None), {"category": ELSEWHERE}, False),
        (now(None, None, None), {"category": GARBAGE, "mode": M.IMMEDIATE}, False),
        (now(None, None, None), {"urgency": P.P1}, False),
        (now(ELSEWHERE, P.P3, M.ADVISORY), {"mode": M.COMMITTED}, True),
        (now(ELSEWHERE, P.P3, M.ADVISORY), {"urgency": P.P2}, False),
        (now(mode=M.IMMEDIATE), {"urgency": P.P2}, False),
        (now(mode=M.IMMEDIATE), {"category": COVER}, False),
        (now(mode=M.IMMEDIATE), {"mode": M.COMMITTED}, True),
    ],
)
def test_only_a_decision_about_scope_accepts(present: Present, wanted: dict[str, Any], accepted: bool) -> None:
    assert found(present, **wanted).accepts(papers_complete=False) is accepted


def test_with_all_papers_there_a_category_is_enough() -> None:
    after = found(now(None, None, M.SUPPLEMENT), category=GARBAGE)

    assert (after.accepts(papers_complete=False), after.accepts(papers_complete=True)) == (False, True)

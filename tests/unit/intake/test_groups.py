"""Who may be attached to whom, when a group is a risk, and how a list of signatories is sealed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.intake.domain.groups import (
    CannotAttach,
    Contribution,
    RiskReason,
    Voice,
    check_attachable,
    list_content,
    persons_of,
    problems_of_joint,
    risk_of,
    seal_of,
)
from services.intake.domain.people import Joint, Person
from shared.errors import InvalidInput
from shared.vocabulary import AppealStatus, AppealType

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MASTER = Voice(UUID(int=1), "1", AppealType.COMPLAINT, AppealStatus.IN_PROGRESS)
MEMBER = Voice(UUID(int=2), "2", AppealType.HELP, AppealStatus.REGISTERED)


def test_an_open_appeal_can_be_a_master() -> None:
    check_attachable(MEMBER, MASTER)


@pytest.mark.parametrize(
    ("member", "master", "reason"),
    [
        (MEMBER, replace(MASTER, master_id=UUID(int=9)), "master_is_attached"),
        (MEMBER, replace(MASTER, status=AppealStatus.CLOSED), "master_has_ended"),
        (MEMBER, replace(MASTER, status=AppealStatus.ATTACHED), "master_has_ended"),
        (MEMBER, replace(MASTER, is_classified=False), "master_without_category"),
        (replace(MEMBER, members=2), MASTER, "has_members"),
        (replace(MEMBER, type=AppealType.REPORT), MASTER, "report"),
        (MEMBER, replace(MASTER, type=AppealType.REPORT), "report"),
    ],
)
def test_what_cannot_be_attached_is_told_why(member: Voice, master: Voice, reason: str) -> None:
    with pytest.raises(CannotAttach) as refused:
        check_attachable(member, master)
    assert refused.value.extra["reason"] == reason


def test_reports_go_with_reports() -> None:
    check_attachable(replace(MEMBER, type=AppealType.REPORT), replace(MASTER, type=AppealType.REPORT))


def test_an_appeal_is_not_attached_to_itself() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_attachable(MASTER, MASTER)
    assert refused.value.problems[0].field == "/master_id"


def test_five_representatives_may_come_and_six_may_not() -> None:
    people = tuple(Person(name=f"代表{number}") for number in range(6))
    assert list(problems_of_joint(Joint(209, representatives=people[:5]))) == []
    [problem] = problems_of_joint(Joint(209, representatives=people))
    assert problem.field == "/joint/representatives"


def test_persons_are_those_listed_unless_more_are_declared() -> None:
    listed = tuple(Person(name=f"住户{number}") for number in range(3))
    assert persons_of(None) == 0
    assert persons_of(Joint(2, listed)) == 3
    assert persons_of(Joint(2, listed, persons=40)) == 40
    [problem] = problems_of_joint(Joint(2, listed, persons=2))
    assert problem.field == "/joint/persons"


def voices(count: int, *, hours_ago: float = 1, persons: int = 0) -> list[Contribution]:
    return [Contribution(NOW - timedelta(hours=hours_ago), persons, 0) for _ in range(count)]


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (voices(2), []),
        (voices(3), [RiskReason.APPEALS]),
        (voices(1, persons=4), []),
        (voices(1, persons=5), [RiskReason.PERSONS]),
        (voices(4) + voices(1), [RiskReason.PERSONS, RiskReason.APPEALS]),
        (voices(2) + voices(9, hours_ago=24), []),
        (voices(1, persons=2) + voices(2, persons=1), [RiskReason.APPEALS]),
    ],
)
def test_five_persons_or_three_appeals_in_a_day_are_a_risk(
    found: list[Contribution], reasons: list[RiskReason]
) -> None:
    assert [risk.reason for risk in risk_of(found, NOW)] == reasons


def test_two_hundred_and_nine_households_are_one_appeal() -> None:
    [risk] = risk_of([Contribution(NOW, 209, 209)], NOW)
    assert (risk.reason, risk.appeals, risk.persons, risk.households) == (RiskReason.PERSONS, 1, 209, 209)


def test_a_seal_changes_with_whatever_it_seals() -> None:
    content = list_content(Joint(1, (Person(name="甲"), Person(name="乙"))))
    seal = seal_of(content, appeal_id=UUID(int=1), version=1, previous=bytes(32))
    swapped = {**content, "signatories": list(reversed(content["signatories"]))}

    assert seal == seal_of(dict(reversed(content.items())), appeal_id=UUID(int=1), version=1, previous=bytes(32))
    others = {
        seal_of(swapped, appeal_id=UUID(int=1), version=1, previous=bytes(32)),
        seal_of(content, appeal_id=UUID(int=2), version=1, previous=bytes(32)),
        seal_of(content, appeal_id=UUID(int=1), version=2, previous=bytes(32)),
        seal_of(content, appeal_id=UUID(int=1), version=1, previous=seal),
    }
    assert len(others | {seal}) == 5

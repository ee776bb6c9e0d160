"""Registering by the rules: who decides urgency, what keeps an appeal from being accepted, what may leave the vault."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.domain.appeals import Submission, classify, missing_for_acceptance, register
from services.intake.domain.categories import Category, check_change, usable_category
from services.intake.domain.machine import IN_HAND, UNTAKEN, Move, allowed_moves, decide
from services.intake.domain.people import Reporter, normalise_phone
from services.intake.domain.places import Location
from services.intake.domain.texts import mask_email, mask_name, mask_person, mask_phone, street_of
from services.intake.domain.timeline import _TEXTS, AnyCode, EntryCode, StepCode, entry
from shared.errors import IllegalMove, InvalidInput
from shared.vocabulary import AppealStatus, AppealType, Channel, HandlingMode, SpecialCare, Urgency

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
GARBAGE = Category("0101", "Garbage", urgency=Urgency.P3, mode=HandlingMode.COMMITTED)


def said(**changes: object) -> Submission:
    values: dict[str, object] = {"type": AppealType.COMPLAINT, "channel": Channel.PHONE, "title": "Garbage"}
    return Submission(**{**values, **changes})  # type: ignore[arg-type]


def test_with_everything_known_it_is_accepted_at_once() -> None:
    found = register(said(), category=GARBAGE, area=None, now=NOW)

    assert (found.status, found.rules) == (AppealStatus.AWAITING_DISPATCH, ("T1", "T10"))
    assert found.accepted_at == NOW


def test_without_a_category_it_is_only_registered() -> None:
    found = register(said(), category=None, area=None, now=NOW)

    assert (found.status, found.rules, found.accepted_at) == (AppealStatus.REGISTERED, ("T1",), None)
    assert missing_for_acceptance(found.classification) == ("category_code", "urgency", "mode")


@pytest.mark.parametrize(
    ("category", "care", "urgency"),
    [
        (GARBAGE, (), Urgency.P3),
        (GARBAGE, (SpecialCare.ELDERLY,), Urgency.P3),
        (GARBAGE, (SpecialCare.MINOR,), Urgency.P2),
        (Category("1", "Collapse", urgency=Urgency.P1), (SpecialCare.MINOR,), Urgency.P1),
        (Category("2", "Heading"), (), Urgency.P3),
    ],
)
def test_urgency_comes_from_the_category_and_from_minors(
    category: Category, care: tuple[SpecialCare, ...], urgency: Urgency
) -> None:
    assert classify(category, care).urgency is urgency


@pytest.mark.parametrize(
    ("type_", "category", "reporter", "confidential"),
    [
        (AppealType.COMPLAINT, GARBAGE, None, False),
        (AppealType.REPORT, GARBAGE, Reporter(confidential=False), True),
        (AppealType.REPORT, None, None, True),
        (AppealType.COMPLAINT, Category("1", "x", confidential=True), None, True),
        (AppealType.COMPLAINT, GARBAGE, Reporter(confidential=True), True),
    ],
)
def test_who_is_protected(
    type_: AppealType, category: Category | None, reporter: Reporter | None, confidential: bool
) -> None:
    found = register(said(type=type_, reporter=reporter), category=category, area=None, now=NOW)

    assert found.confidential is confidential


def test_of_a_report_the_vault_keeps_the_words() -> None:
    found = register(
        said(type=AppealType.REPORT, description="My boss at number 7 …", location=Location(address="Road 7")),
        category=GARBAGE,
        area=None,
        now=NOW,
    )

    assert (found.public.title, found.public.description, found.public.place) == ("Report: Garbage", "", "")
    assert found.secrets["original"] == {
        "title": "Garbage",
        "description": "My boss at number 7 …",
        "address": "Road 7",
    }


def test_times_of_the_past_are_kept_and_a_small_skew_is_cut_off() -> None:
    found = register(
        said(occurred_at=NOW + timedelta(seconds=30), received_at=NOW + timedelta(seconds=60)),
        category=None,
        area=None,
        now=NOW,
    )

    assert (found.occurred_at, found.received_at) == (NOW, NOW)


def test_the_machine_tells_what_is_possible_instead() -> None:
    assert decide(AppealStatus.REGISTERED, Move.ANSWER).rule_id == "T2"
    with pytest.raises(IllegalMove) as refused:
        decide(AppealStatus.ATTACHED, Move.ANSWER)
    assert refused.value.extra == {
        "move": "answer",
        "state": "attached",
        "allowed_moves": ["detach", "urge", "withdraw"],
    }


@pytest.mark.parametrize("status", [*UNTAKEN, AppealStatus.REGISTERED])
def test_what_nobody_has_in_hand_intake_may_end(status: AppealStatus) -> None:
    assert {Move.ANSWER, Move.REFER, Move.DECLINE, Move.HAND_OVER} <= set(allowed_moves(status))


@pytest.mark.parametrize("status", IN_HAND)
def test_what_a_department_has_in_hand_only_its_citizen_ends(status: AppealStatus) -> None:
    assert set(allowed_moves(status)) == {
        Move.ATTACH, Move.RECATEGORIZE, Move.CHANGE_URGENCY, Move.URGE, Move.WITHDRAW,
    }  # fmt: skip


@pytest.mark.parametrize("status", ["closed", "referred", "not_accepted", "withdrawn", "on_ledger", "archived"])
def test_nothing_leads_out_of_an_end(status: str) -> None:
    assert allowed_moves(AppealStatus(status)) == ()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("13812345678", "+8613812345678"),
        ("+86 138-1234-5678", "+8613812345678"),
        ("0086 138 1234 5678", "+8613812345678"),
        ("１３８１２３４５６７８", "+8613812345678"),
        ("0374-3112345", "03743112345"),
        ("(617) 555-0142", "6175550142"),
        ("+1 617 555 0142", "+16175550142"),
        ("123", None),
        ("12345678901234567", None),
        ("call me", None),
        ("", None),
        ("+", None),
    ],
)
def test_phone_numbers_have_one_form(typed: str, stored: str | None) -> None:
    assert normalise_phone(typed) == stored


@pytest.mark.parametrize(
    ("address", "street"),
    [
        ("文峰路88号阳光小区3号楼2单元501", "文峰路88号阳光小区"),
        ("建设路12号", "建设路12号"),
        ("幸福家园7栋", "幸福家园"),
        ("12 Main St, Apt 4B", "12 Main St"),
        ("12 Main St Unit 4", "12 Main St"),
        ("12 Main St #4", "12 Main St"),
        ("Unity Square", "Unity Square"),
        ("3号楼", ""),
    ],
)
def test_a_place_loses_what_tells_the_dwelling(address: str, street: str) -> None:
    assert street_of(address) == street


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("王小明来电", "[name]来电"),
        ("call 617 555 0142 or 617.555.0142", "call [phone] or [phone]"),
        ("John Smith said; Smithson did not", "[name] said; Smithson did not"),
        ("mail a@b.example", "mail [email]"),
        ("nothing here", "nothing here"),
    ],
)
def test_people_of_the_matter_are_not_named_outside_the_vault(text: str, masked: str) -> None:
    assert mask_person(text, names=("王小明", "John Smith", "A"), phones=("6175550142",)) == masked


def test_hints_tell_little() -> None:
    assert (mask_name("王小明"), mask_name("王"), mask_name("")) == ("王**", "王*", "")
    assert mask_phone("+8613812345678") == "**********5678"
    assert mask_email("ming@example.org") == "m***@***.org"


TREE = {
    "01": Category("01", "Top", level=1),
    "0101": Category("0101", "Below", parent_code="01"),
    "0102": Category("0102", "Old", parent_code="01", retired=True, successor_code="0103"),
    "0103": Category("0103", "Older", parent_code="01", retired=True, successor_code="0101"),
    "0104": Category("0104", "Gone", parent_code="01", retired=True),
}


def test_the_successor_in_use_is_told() -> None:
    with pytest.raises(InvalidInput) as refused:
        usable_category(TREE, "0102")

    [problem] = refused.value.problems
    assert (problem.field, problem.allowed) == ("/category_code", ["0101"])
    with pytest.raises(InvalidInput, match="retired"):
        usable_category(TREE, "0104")
    with pytest.raises(InvalidInput, match="not exist"):
        usable_category(TREE, "9")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (Category("0105", "x", parent_code="77"), "/parent_code"),
        (Category("01", "x", parent_code="0101"), "/parent_code"),
        (Category("01", "x", parent_code="01"), "/parent_code"),
        (Category("0101", "x", successor_code="01"), "/successor_code"),
        (Category("0101", "x", retired=True, successor_code="77"), "/successor_code"),
        (Category("0101", "x", retired=True, successor_code="0103"), "/successor_code"),
        (Category("01", "x", retired=True), "/retired"),
    ],
)
def test_a_change_must_fit_into_the_tree(changed: Category, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_change(TREE, changed)

    assert field in {problem.field for problem in refused.value.problems}


@pytest.mark.parametrize("code", list(_TEXTS))
def test_every_line_speaks_both_languages(code: AnyCode) -> None:
    line = entry(code, AppealStatus.IN_PROGRESS, note="N")

    assert line.text_en
    assert line.text_zh


def test_every_kind_of_line_has_a_text() -> None:
    assert set(_TEXTS) == {*EntryCode, *StepCode}


@pytest.mark.parametrize("code", list(EntryCode))
def test_what_the_other_services_tell_leaves_no_blank(code: EntryCode) -> None:
    line = entry(code, AppealStatus.IN_PROGRESS, department="D", note="N", reply="R", date="2026-01-01")

    assert "{" not in line.text_en + line.text_zh


def test_a_fact_is_never_read_as_a_format() -> None:
    assert entry(EntryCode.PROGRESS, AppealStatus.IN_PROGRESS, note="{0} {department} %s").text_en == (
        "{0} {department} %s"
    )

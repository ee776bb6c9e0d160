"""Rules of the moves that end an appeal: grounds, danger to others, latency, validity, and the reader's language."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.intake.api.languages import choose_language
from services.intake.domain.categories import Category
from services.intake.domain.hand_overs import SERVICE_NAMES, EmergencyService, latency, problems_of_time
from services.intake.domain.knowledge import Article, problems_of_citing
from services.intake.domain.machine import Move
from services.intake.domain.own_steps import Step, lines_of
from services.intake.domain.refusals import (
    CHANNEL_NAMES,
    GROUND_TEXTS,
    Ground,
    LegalChannel,
    Refusal,
    problems_of,
    told,
)
from services.intake.domain.withdrawals import endangers_others
from shared.vocabulary import AppealStatus, AppealType, Urgency

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
COVER = Category("0203", "Missing manhole cover", urgency=Urgency.P1)
GARBAGE = Category("0101", "Garbage", urgency=Urgency.P3)


def test_the_list_of_grounds_is_closed_and_spoken() -> None:
    assert set(GROUND_TEXTS) == set(Ground)
    assert set(CHANNEL_NAMES) == set(LegalChannel)
    assert set(SERVICE_NAMES) == set(EmergencyService)


@pytest.mark.parametrize("channel", list(LegalChannel))
def test_who_is_sent_to_a_legal_channel_is_told_which(channel: LegalChannel) -> None:
    english, chinese = told(Ground.IN_LEGAL_CHANNEL, channel)

    assert CHANNEL_NAMES[channel][0] in english
    assert CHANNEL_NAMES[channel][1] in chinese


@pytest.mark.parametrize(
    ("refusal", "fields"),
    [
        (Refusal(Ground.UNLAWFUL, "x"), []),
        (Refusal(Ground.IN_LEGAL_CHANNEL, "x"), ["/legal_channel"]),
        (Refusal(Ground.IN_LEGAL_CHANNEL, "x", LegalChannel.PETITION), []),
        (Refusal(Ground.ALREADY_HANDLED, "x"), ["/other_receipt_number"]),
        (Refusal(Ground.UNLAWFUL, "x", LegalChannel.PETITION, "26"), ["/legal_channel", "/other_receipt_number"]),
    ],
)
def test_a_ground_comes_with_what_the_citizen_needs(refusal: Refusal, fields: list[str]) -> None:
    assert [problem.field for problem in problems_of(refusal)] == fields


@pytest.mark.parametrize(
    ("type_", "urgency", "category", "refused"),
    [
        (AppealType.COMPLAINT, Urgency.P3, GARBAGE, False),
        (AppealType.COMPLAINT, None, None, False),
        (AppealType.COMPLAINT, Urgency.P1, GARBAGE, True),
        (AppealType.COMPLAINT, Urgency.P3, COVER, True),
        (AppealType.REPORT, Urgency.P4, GARBAGE, True),
    ],
)
def test_what_endangers_others_is_not_its_authors_alone(
    type_: AppealType, urgency: Urgency | None, category: Category | None, *, refused: bool
) -> None:
    assert endangers_others(type_, urgency, category) is refused


def test_latency_is_never_less_than_nothing() -> None:
    assert latency(NOW, NOW + timedelta(minutes=3)) == timedelta(minutes=3)
    assert latency(NOW, NOW - timedelta(seconds=5)) == timedelta()


@pytest.mark.parametrize(("minutes", "count"), [(-3, 1), (-1, 0), (0, 0), (9, 0), (11, 0), (13, 1)])
def test_clocks_may_differ_by_two_minutes(minutes: int, count: int) -> None:
    at = NOW + timedelta(minutes=minutes)

    problems = list(problems_of_time("/at", at, not_before=NOW, now=NOW + timedelta(minutes=10)))

    assert len(problems) == count


def article(first: date, last: date | None, *, retired: bool = False) -> Article:
    return Article(UUID(int=1), "a", "t", "", "x", (), first, last, "s", retired)


@pytest.mark.parametrize(
    ("first", "last", "holds"),
    [
        (DAY, DAY, True),
        (DAY, None, True),
        (DAY + timedelta(days=1), None, False),
        (DAY - timedelta(days=9), DAY - timedelta(days=1), False),
    ],
)
def test_an_article_holds_from_its_first_day_to_its_last(first: date, last: date | None, *, holds: bool) -> None:
    assert article(first, last).is_valid_on(DAY) is holds


def test_each_citation_that_does_not_hold_is_named() -> None:
    found = {"old": article(DAY, DAY - timedelta(days=1)), "gone": article(DAY, None, retired=True)}

    problems = list(problems_of_citing(["old", "gone", "nothing"], found, DAY))

    assert [problem.field for problem in problems] == [f"/article_ids/{index}" for index in range(3)]


def step(move: Move, to: AppealStatus, *, with_words: bool = True, **details: object) -> Step:
    return Step(move, ("T",), AppealStatus.REGISTERED, to, details, with_words)


def test_a_proposed_or_rejected_refusal_is_not_told() -> None:
    assert lines_of(step(Move.DECLINE, AppealStatus.AWAITING_DISPATCH, proposed=True, ground="unlawful")) == []


@pytest.mark.parametrize(
    "silent",
    [
        step(Move.ANSWER, AppealStatus.CLOSED, with_words=False, text="SECRET"),
        step(Move.REFER, AppealStatus.REFERRED, with_words=False, explanation="SECRET", target_body="SECRET"),
        step(Move.DECLINE, AppealStatus.NOT_ACCEPTED, with_words=False, explanation="SECRET", ground="unlawful"),
        step(Move.HAND_OVER, AppealStatus.REFERRED, with_words=False, service="fire", result="SECRET"),
    ],
)
def test_without_words_the_step_remains(silent: Step) -> None:
    lines = lines_of(silent)

    assert lines
    for line in lines:
        assert "SECRET" not in line.text_en + line.text_zh
        assert "{" not in line.text_en + line.text_zh


def test_what_was_written_is_never_read_as_a_format() -> None:
    [line] = lines_of(step(Move.ANSWER, AppealStatus.CLOSED, text="{0} {target} %s"))

    assert line.text_zh == "答复：{0} {target} %s"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("ZH-tw;q=0.5", "zh"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("zh;q=0.3, en;q=0.7", "en"),
        ("en, zh", "en"),
        ("*, en;q=0", "zh"),
        ("fr", "en"),
        ("zh;q=abc", "en"),
        ("zh;q=2", "en"),
        ("；；；", "en"),
        ("zh;q=0", "en"),
    ],
)
def test_the_language_rated_highest_is_chosen(header: str | None, language: str) -> None:
    assert choose_language(header) == language

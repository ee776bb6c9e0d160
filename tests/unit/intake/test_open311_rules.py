"""Which categories are GeoReport services, how states and texts are told, which span of time is meant."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain import open311
from services.intake.domain.categories import Category
from services.intake.domain.open311 import services_of
from shared.errors import InvalidInput
from shared.vocabulary import AppealStatus

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
CITY = ZoneInfo("Asia/Shanghai")


def tree_of(*categories: Category) -> dict[str, Category]:
    return {category.code: category for category in categories}


def first(code: str, name: str = "Streets", **changes: Any) -> Category:
    return Category(code, name, level=1, **changes)


def second(code: str, name: str = "Pothole", **changes: Any) -> Category:
    fields: dict[str, Any] = {"level": 2, "parent_code": code[:2], "location_required": True, **changes}
    return Category(code, name, **fields)


def codes_of(tree: dict[str, Category], *hidden: str) -> list[str]:
    return [service.code for service in services_of(tree, hidden).offered]


def test_only_what_needs_a_place_is_a_service_where_the_taxonomy_says_so() -> None:
    assert codes_of(tree_of(first("01"), second("0101"), second("0102", location_required=False))) == ["0101"]


def test_a_taxonomy_that_says_nothing_of_places_is_not_silenced() -> None:
    assert codes_of(tree_of(first("01"), second("0101", location_required=False))) == ["0101"]


def test_a_taxonomy_of_one_level_offers_that_one() -> None:
    assert codes_of(tree_of(first("01", location_required=True), first("02", location_required=True))) == ["01", "02"]


def test_what_is_confidential_is_no_service_nor_what_lies_below_it() -> None:
    tree = tree_of(first("01", confidential=True), second("0101"), first("02"), second("0201", confidential=True))

    assert codes_of(tree) == []
    assert services_of(tree).of_category == {}


@pytest.mark.parametrize("name", ["Health & medical insurance", "Public health", "医疗卫生与医疗保障", "卫生健康"])
def test_health_is_no_service_under_any_name(name: str) -> None:
    assert codes_of(tree_of(first("10", name), second("1001", "Queue"), first("01"), second("0101"))) == ["0101"]
    assert codes_of(tree_of(first("10"), second("1001", name), second("1002"))) == ["1002"]


@pytest.mark.parametrize("name", ["环境卫生", "市容环境与城市管理", "Healthy trees", "Street cleaning"])
def test_a_clean_street_is_not_somebodys_health(name: str) -> None:
    assert codes_of(tree_of(first("01"), second("0101", name))) == ["0101"]


def test_the_city_hides_a_category_with_all_below_it() -> None:
    tree = tree_of(first("01"), second("0101"), first("02"), second("0201"), second("0202"))

    assert codes_of(tree, "01", "0202") == ["0201"]


def test_deeper_categories_are_shown_under_their_service() -> None:
    deeper = second("010101", level=3, parent_code="0101")
    secret = second("010102", level=3, parent_code="0101", confidential=True)
    services = services_of(tree_of(first("01"), second("0101"), deeper, secret))

    assert {code: service.code for code, service in services.of_category.items()} == {"0101": "0101", "010101": "0101"}
    assert services.find("010101") is None


def test_a_retired_category_stays_shown_and_takes_nothing_new() -> None:
    services = services_of(tree_of(first("01"), second("0101"), second("0102", retired=True)))

    assert sorted(services.of_category) == ["0101", "0102"]
    assert [service.code for service in services.offered] == ["0101"]


def test_a_circle_of_parents_does_not_hang() -> None:
    tree = tree_of(second("0101", parent_code="0102"), second("0102", parent_code="0101"))

    assert len(codes_of(tree)) == 2


@pytest.mark.parametrize("status", list(AppealStatus))
def test_every_state_is_told_in_words_and_as_open_or_closed(status: AppealStatus) -> None:
    ended = {"closed", "archived", "referred", "not_accepted", "withdrawn"}

    assert open311.is_closed(status) == (status.value in ended)
    assert open311.status_notes(status, chinese=False).isascii()
    assert not open311.status_notes(status, chinese=True).isascii()


def test_open_and_closed_share_all_states_but_the_draft() -> None:
    assert {*open311.OPEN_STATES, *open311.CLOSED_STATES} == set(AppealStatus) - {AppealStatus.DRAFT}
    assert not set(open311.OPEN_STATES) & set(open311.CLOSED_STATES)


def test_a_title_that_the_description_repeats_is_told_once() -> None:
    assert open311.public_description("Bins", "Bins overflow") == "Bins overflow"
    assert open311.public_description("Bins", "They overflow") == "Bins\n\nThey overflow"
    assert open311.public_description("Bins", "") == "Bins"


def test_a_description_never_exceeds_what_the_specification_allows() -> None:
    text = open311.public_description("x" * 200, "y" * 20_000)

    assert len(text) == 4_000
    assert text.endswith("…")


def test_a_title_is_a_whole_line_or_the_name_of_the_service() -> None:
    assert open311.title_of("\n  Bins overflow \nsince Monday", "Garbage") == "Bins overflow"
    assert open311.title_of("x" * 101, "Garbage") == "Garbage"
    assert open311.title_of("", "Garbage") == "Garbage"


@pytest.mark.parametrize(
    ("first_name", "last_name", "whole"),
    [("小明", "王", "王小明"), ("Ann", "Lee", "Ann Lee"), ("", "Lee", "Lee"), ("Ann", "", "Ann"), ("", "", "")],
)
def test_names_are_joined_as_they_are_written(first_name: str, last_name: str, whole: str) -> None:
    assert open311.full_name(first_name, last_name) == whole


def test_the_window_is_90_days_whatever_is_left_open() -> None:
    start, end = NOW - timedelta(days=200), NOW - timedelta(days=150)

    assert open311.window_of(None, None, NOW) == (NOW - timedelta(days=90), None)
    assert open311.window_of(start, None, NOW) == (start, start + timedelta(days=90))
    assert open311.window_of(None, end, NOW) == (end - timedelta(days=90), end)
    assert open311.window_of(start, end, NOW) == (start, end)


def test_whole_days_at_both_ends_still_are_90_days() -> None:
    start = datetime(2026, 1, 1, tzinfo=CITY)
    end = datetime(2026, 4, 1, 23, 59, 59, 999_999, tzinfo=CITY)

    assert open311.window_of(start, end, NOW) == (start, end)


@pytest.mark.parametrize("days", [91, 365])
def test_more_than_that_is_refused(days: int) -> None:
    with pytest.raises(InvalidInput):
        open311.window_of(NOW - timedelta(days=days), NOW, NOW)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-03-02T09:30:00Z", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("2026-03-02T09:30:00.123456+08:00", datetime(2026, 3, 2, 9, 30, 0, 123_456, tzinfo=CITY)),
        ("2026-03-02T09:30:00 08:00", datetime(2026, 3, 2, 9, 30, tzinfo=CITY)),
        ("2026-03-02 09:30:00-05:00", datetime(2026, 3, 2, 14, 30, tzinfo=UTC)),
        ("2026-03-02T09:30:00", datetime(2026, 3, 2, 9, 30, tzinfo=CITY)),
        ("2026-03-02T09:30", datetime(2026, 3, 2, 9, 30, tzinfo=CITY)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=CITY)),
        ("20260302", datetime(2026, 3, 2, tzinfo=CITY)),
    ],
)
def test_times_are_read_as_clients_write_them(text: str, meant: datetime) -> None:
    assert open311.parse_moment(text, CITY) == meant


def test_a_bare_date_at_the_end_is_the_whole_day() -> None:
    assert open311.parse_moment("2026-03-02", CITY, ends=True) == datetime(2026, 3, 2, 23, 59, 59, 999_999, tzinfo=CITY)


@pytest.mark.parametrize(
    "text", ["", "today", "2026-02-30", "1066-01-01", "9999-12-31T23:59:59-12:00", "1e9", "２０２６"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert open311.parse_moment(text, CITY) is None


def test_tokens_are_known_by_their_form() -> None:
    assert open311.is_token(open311.new_token())
    assert not open311.is_token("\x00" * 32)

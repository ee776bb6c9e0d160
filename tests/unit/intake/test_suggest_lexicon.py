"""The lexicon: which categories the words of a text speak for, without a segmenter and without training."""

import csv
from pathlib import Path

import pytest

from services.intake.domain.categories import Category
from services.intake.domain.suggestion import Advice, Question
from services.intake.suggestion.lexicon import Lexicon
from services.intake.suggestion.synonyms import default_words, words_of
from shared.vocabulary import AppealType

CITIES = Path(__file__).parents[3] / "deploy" / "cities"


def category_of(row: dict[str, str]) -> Category:
    code = row["code"]
    english = row.get("name_en", "")
    return Category(
        code,
        english or row["name"],
        row["name"] if english else "",
        parent_code=code[:2] if len(code) > 2 else None,
        location_required=row.get("location_required") == "1",
    )


def tree_of(city: str) -> dict[str, Category]:
    with (CITIES / city / "categories.csv").open(encoding="utf-8", newline="") as stream:
        return {row["code"]: category_of(row) for row in csv.DictReader(stream)}


def lexicon_of(tree: dict[str, Category]) -> Lexicon:
    return Lexicon(tree, {code: words_of(category) for code, category in tree.items()})


WEIDU = tree_of("weidu")
BOSTON = tree_of("boston")
OF_WEIDU = lexicon_of(WEIDU)
OF_BOSTON = lexicon_of(BOSTON)


def first(advice: Advice) -> str | None:
    return advice.top.category_code if advice.top else None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("小区门口垃圾堆积，没人清运", "0101"),
        ("建设路的路灯不亮了", "0204"),
        ("井盖没了，很危险", "0203"),
        ("家里暖气不热，室温只有十四度", "0306"),
        ("楼顶违建，私搭乱建", "0501"),
        ("广场舞太吵，噪音到半夜", "0701"),
        ("老板拖欠工资三个月", "0901"),
        ("饭店油烟直排", "0703"),
        ("接到诈骗电话，转账被骗", "1306"),
        ("公交车司机不停车", "0604"),
        ("幼儿园怎么报名入园", "1106"),
        ("孩子小升初划片和学区问题", "1101"),
        ("电动车进楼飞线充电", "1303"),
        ("自来水发黄，有异味", "0302"),
        ("Manhole cover is missing on the corner", "0203"),
        ("The street lights are out", "0204"),
        ("No heating since Monday", "0306"),
        ("potholes everywhere", "0201"),
        ("The neighbours' barking dogs", "0109"),
        ("My employer owes me unpaid wages", "0901"),
    ],
)
def test_the_default_taxonomy_is_understood_from_the_first_day(text: str, code: str) -> None:
    assert first(OF_WEIDU.advise(Question(text))) == code


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Rats in the alley", "Rat Bite"),
        ("no heat in my apartment", "Heat - Excessive  Insufficient"),
        ("dead animal on the road", "Pick up Dead Animal"),
    ],
)
def test_a_city_with_other_categories_gets_along_on_their_names(text: str, name: str) -> None:
    code = first(OF_BOSTON.advise(Question(text)))
    assert code is not None
    assert BOSTON[code].name == name


def test_no_city_gets_the_words_of_another_citys_code() -> None:
    assert WEIDU["0101"].name_zh == "暴露垃圾与垃圾清运"
    assert "garbage" in words_of(WEIDU["0101"])
    assert {words_of(category) for category in BOSTON.values()} == {()}


def test_every_category_of_the_default_taxonomy_has_words() -> None:
    headings = {category.parent_code for category in WEIDU.values()}
    leaves = {code: category for code, category in WEIDU.items() if code not in headings}

    assert {category.name_zh for category in leaves.values()} == set(default_words())
    assert [code for code, category in leaves.items() if not words_of(category)] == []


def test_the_categories_of_education_are_found() -> None:
    """HZ-15: enrolment, schools, training and pre-school each have a category and words."""
    texts = {"1101": "初中招生报名", "1102": "班主任体罚学生", "1103": "培训机构退学费", "1106": "公办幼儿园"}

    assert {code: first(OF_WEIDU.advise(Question(text))) for code, text in texts.items()} == {c: c for c in texts}


def test_a_word_of_few_categories_weighs_more() -> None:
    tree = {
        "a": Category("a", "Street lamp", level=1),
        "b": Category("b", "Street sweeping", level=1),
        "c": Category("c", "Street sign", level=1),
    }
    found = Lexicon(tree, {}).advise(Question("street lamp"))

    assert [each.category_code for each in found.suggestions] == ["a", "b", "c"]
    assert found.suggestions[0].confidence > 3 * found.suggestions[1].confidence


def test_a_piece_of_a_longer_word_does_not_count_again() -> None:
    found = OF_WEIDU.advise(Question("暖气不热")).suggestions[0]

    assert [each.word for each in found.words] == ["暖气不热"]


def test_the_title_counts_more_than_the_rest() -> None:
    first_in_title = OF_WEIDU.advise(Question("路灯", "井盖"))
    first_in_text = OF_WEIDU.advise(Question("井盖", "路灯"))

    assert (first(first_in_title), first(first_in_text)) == ("0204", "0203")


def test_a_type_that_names_its_category_is_read_like_a_word() -> None:
    assert OF_WEIDU.advise(Question("社区工作者小王")).suggestions[0].category_code != "9901"
    praised = OF_WEIDU.advise(Question("小王", type=AppealType.PRAISE))

    assert first(praised) == "9901"


def test_a_place_speaks_for_what_needs_one() -> None:
    text = "停水，没水；低保"
    without = {each.category_code: each.confidence for each in OF_WEIDU.advise(Question(text)).suggestions}
    placed = {each.category_code: each.confidence for each in OF_WEIDU.advise(Question(text, located=True)).suggestions}

    assert placed["0301"] > without["0301"]
    assert placed["1201"] < without["1201"]


@pytest.mark.parametrize("text", ["", " ", "xyzzy", "？？？", "\U0001f600", "的 了 是", "the and of"])
def test_nothing_known_suggests_nothing(text: str) -> None:
    assert OF_WEIDU.advise(Question(text)).suggestions == ()


def test_widths_cases_and_spaces_make_no_difference() -> None:
    plain = OF_WEIDU.advise(Question("ktv 太吵")).suggestions
    assert plain
    assert OF_WEIDU.advise(Question("ＫＴＶ 太 吵")).suggestions == plain
    assert OF_WEIDU.advise(Question("Ktv 太吵")).suggestions == plain


def test_confidences_fall_and_stay_below_certainty() -> None:
    words = " ".join(default_words()["井盖缺失破损"])
    found = [each.confidence for each in OF_WEIDU.advise(Question(words[:200], words)).suggestions]

    assert found == sorted(found, reverse=True)
    assert found[0] <= 0.9


def test_a_very_long_text_is_judged_by_its_beginning() -> None:
    found = OF_WEIDU.advise(Question("路灯不亮", "井盖" + "啊" * 20_000 + "电梯故障"))

    assert "0404" not in [each.category_code for each in found.suggestions]


def test_an_empty_taxonomy_suggests_nothing() -> None:
    assert Lexicon({}, {}).advise(Question("井盖")).suggestions == ()

"""A mapping turns what another system says into the body of an appeal."""

import pytest

from services.intake.domain.inbound import MappingRule, apply_rules, check_rules, resolve
from shared.errors import InvalidInput

PAYLOAD = {
    "msg": {"id": 7, "title": "路灯不亮", "parts": ["三号楼前", "已经一周"], "kind": "投诉", "empty": ""},
    "place": {"lon": "113.82", "lat": 34.02, "odd": "north"},
    "a/b": {"m~n": "escaped"},
}
TITLE, TYPE = MappingRule("title", ("/msg/title",)), MappingRule("type", default="help")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/msg/title", "路灯不亮"),
        ("/msg/parts/1", "已经一周"),
        ("/msg/parts/2", None),
        ("/msg/parts/-1", None),
        ("/msg/parts/x", None),
        ("/msg/parts", None),
        ("/nothing/here", None),
        ("/msg/title/deeper", None),
        ("/a~1b/m~0n", "escaped"),
    ],
)
def test_a_pointer_names_one_value(pointer: str, value: object) -> None:
    assert resolve(PAYLOAD, pointer) == value


def test_fields_are_found_translated_joined_and_filled() -> None:
    body = apply_rules(
        [
            TITLE,
            MappingRule("type", ("/msg/kind",), {"投诉": "complaint"}, "help"),
            MappingRule("description", ("/msg/parts/0", "/msg/parts/1", "/msg/nothing")),
            MappingRule("location.longitude", ("/place/lon",)),
            MappingRule("location.latitude", ("/place/lat",)),
            MappingRule("reporter.name", ("/msg/empty",)),
            MappingRule("attributes.kind", ("/msg/kind",)),
        ],
        PAYLOAD,
    )
    assert body == {
        "title": "路灯不亮",
        "type": "complaint",
        "description": "三号楼前\n已经一周",
        "location": {"longitude": 113.82, "latitude": 34.02},
        "attributes": {"kind": "投诉"},
    }


def test_a_word_that_is_not_in_the_table_takes_the_default() -> None:
    rule = MappingRule("type", ("/msg/kind",), {"咨询": "consultation"}, "other")
    assert apply_rules([rule], PAYLOAD) == {"type": "other"}


def test_what_is_no_number_is_left_for_the_body_to_refuse() -> None:
    assert apply_rules([MappingRule("location.longitude", ("/place/odd",))], PAYLOAD) == {
        "location": {"longitude": "north"}
    }


@pytest.mark.parametrize("payload", [None, 3, "text", [], [1], {}])
def test_any_json_can_be_read(payload: object) -> None:
    assert apply_rules([TITLE, TYPE], payload) == {"type": "help"}


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([TITLE], "/mapping/type"),
        ([TYPE], "/mapping/title"),
        ([TITLE, TYPE, MappingRule("status", ("/x",))], "/mapping/status"),
        ([TITLE, TYPE, MappingRule("urgency", ("/x",))], "/mapping/urgency"),
        ([TITLE, TYPE, MappingRule("description")], "/mapping/description"),
        ([TITLE, TYPE, MappingRule("description", ("x",))], "/mapping/description"),
        ([TITLE, TYPE, *(MappingRule(f"attributes.a{n}", ("/x",)) for n in range(59))], "/mapping"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(rules: list[MappingRule], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_rules(rules)
    assert [problem.field for problem in refused.value.problems] == [field]

"""Masking: personal numbers go, everything that only looks like one stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability.redaction import mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("联系电话13800138000。", "联系电话[phone]。"),
        ("我的号码是 138 0013 8000,请回电", "我的号码是 [phone],请回电"),
        ("138-0013-8000", "[phone]"),
        ("+8613800138000", "[phone]"),
        ("+86 138-0013-8000", "[phone]"),
        ("008613800138000", "[phone]"),
        ("手机１３８００１３８０００", "手机[phone]"),
        ("tel:13800138000;ext", "tel:[phone];ext"),
        ("0374-2334567", "[phone]"),
        ("(0374)2334567", "[phone]"),
        ("010-12345678", "010-12345678"),
        ("010-62345678转123", "[phone]"),
        ("+44 20 7946 0958", "[phone]"),
        ("+1 (617) 555-0123", "[phone]"),
        ("身份证410105199003078519", "身份证[id]"),
        ("41010519900307851X", "[id]"),
        ("410105 19900307 851x", "[id]"),
        ("zhang.san@example.com.cn 收", "[email] 收"),
        ("卡号6222 0212 3456 7890 128", "卡号[card]"),
        ("卡号 4111 1111 1111 1111", "卡号 [card]"),
        ("两个:13800138000、13900139000", "两个:[phone]、[phone]"),
    ],
)
def test_personal_numbers_are_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "路灯不亮三天了",
        "2026年3月2日14时30分",
        "2026-03-02T09:30:00+08:00",
        "3号楼2单元501室",
        "网格411002003007012",
        "MQ20260302000017",
        "4f9c1e0e-7a44-7b6e-9a52-1c2d3e4f5a6b",
        "价格 12800 元,共 13 户",
        "12345热线",
        "车牌豫K12345",
        "113.8526, 34.0357",
        "邮编461000",
        "第13800138000123456号文件编码",
        "流水号6222021234567890129",
        "a@b",
        "1+1=2",
    ],
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert mask_text(text) == text


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_planted_phone_never_survives_and_masking_twice_changes_nothing(before: str, after: str) -> None:
    masked = mask_text(f"{before} 13800138000 {after}")

    assert "13800138000" not in masked
    assert mask_text(masked) == masked


def test_a_long_text_is_masked_in_time_proportional_to_its_length() -> None:
    import time

    for hostile in ("1" * 200_000, "1 " * 100_000, "a@" * 100_000, "+1" * 100_000, "a." * 100_000, "010-" * 50_000):
        started = time.perf_counter()
        mask_text(hostile)
        assert time.perf_counter() - started < 2.0

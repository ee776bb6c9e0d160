"""Rules of attachments: names, distances, counts, bounds, and what is left out in place."""

import pytest

from services.intake.attachment_settings import AttachmentSettings
from services.intake.domain.attachments import (
    DamagedFile,
    FileTooLarge,
    MediaKind,
    SizeBounds,
    TooManyAttachments,
    check_room,
    distance_metres,
    safe_name,
)
from services.intake.media.patches import Patch, apply, from_json, merged, to_json
from services.intake.settings import Settings
from shared.settings import SettingsError


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("照片.jpg", "照片.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\me\\photo.png", "photo.jpg"),
        ("photo.jpg.exe", "photo.jpg.jpg"),
        ('a"b\r\nSet-Cookie: x.jpg', "a_b__Set-Cookie_ x.jpg"),
        ("photo\u202egpj.exe", "photo_gpj.jpg"),
        ("", "file.jpg"),
        (".jpg", "jpg.jpg"),
        ("a" * 500 + ".jpg", "a" * 120 + ".jpg"),
        ("half\ud800.jpg", "half_.jpg"),
    ],
)
def test_a_file_name_is_made_safe(given: str, safe: str) -> None:
    assert safe_name(given, "jpg") == safe


def test_a_distance_is_told_in_tens_of_metres() -> None:
    assert distance_metres((113.82, 34.02), (113.82, 34.02)) == 0
    assert distance_metres((113.82, 34.02), (113.82, 34.03)) == 1_110
    assert distance_metres((0.0, 0.0), (180.0, 0.0)) == pytest.approx(20_015_090, abs=20)


@pytest.mark.parametrize(("held", "ever", "wanted"), [(20, 20, 1), (18, 18, 3), (0, 100, 1), (1, 98, 3)])
def test_there_is_no_room_over_the_bounds(held: int, ever: int, wanted: int) -> None:
    with pytest.raises(TooManyAttachments):
        check_room(held=held, ever=ever, wanted=wanted)


@pytest.mark.parametrize(("held", "ever", "wanted"), [(0, 0, 20), (19, 99, 1)])
def test_there_is_room_up_to_the_bounds(held: int, ever: int, wanted: int) -> None:
    check_room(held=held, ever=ever, wanted=wanted)


def test_a_file_of_an_open_kind_may_be_as_large_as_the_larger_one() -> None:
    bounds = SizeBounds(photo=10, audio=30, video=200, document=20)
    either = frozenset({MediaKind.AUDIO, MediaKind.VIDEO})
    bounds.check(200, either)
    with pytest.raises(FileTooLarge, match="larger than 200 bytes"):
        bounds.check(201, either)
    with pytest.raises(FileTooLarge):
        bounds.check(31, frozenset({MediaKind.AUDIO}))


def test_patches_show_the_same_whatever_the_pieces() -> None:
    content = bytes(range(1, 101))
    patches = merged([Patch(90, 10), Patch(10, 4, b"free"), Patch(14, 30), Patch(40, 10), Patch(60, 0)])
    whole = apply(patches, content, 0)
    assert whole == content[:10] + b"free" + bytes(36) + content[50:90] + bytes(10)
    for size in (1, 3, 7, 64):
        parts = [apply(patches, content[start : start + size], start) for start in range(0, 100, size)]
        assert b"".join(parts) == whole
    assert from_json(to_json(patches)) == patches


def test_bytes_that_are_named_twice_are_an_odd_file() -> None:
    with pytest.raises(DamagedFile):
        merged([Patch(0, 10), Patch(5, 4, b"free")])


def test_a_file_with_endless_descriptions_is_refused() -> None:
    with pytest.raises(DamagedFile):
        merged(Patch(place * 2, 1) for place in range(20_001))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("INTAKE_ATTACHMENT_STORE", "/srv/files"),
        ("INTAKE_ATTACHMENT_STORE", "s3://"),
        ("INTAKE_ATTACHMENT_S3_ENDPOINT", "minio:9000"),
        ("INTAKE_ATTACHMENT_S3_ACCESS_KEY_ID", "half-a-key"),
        ("INTAKE_CLAMD_URL", "127.0.0.1:3310"),
        ("INTAKE_CLAMD_URL", "tcp://127.0.0.1"),
        ("INTAKE_CLAMD_URL", "unix://relative"),
        ("INTAKE_ATTACHMENT_PHOTO_MEGABYTES", "0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv("INTAKE_DATABASE_URL", "postgresql://intake@127.0.0.1/x")
    monkeypatch.setenv("MINQING_MASTER_KEY", "k" * 40)
    assert isinstance(Settings.load(), AttachmentSettings)
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable.removeprefix("INTAKE_")):
        Settings.load()

"""What a file is told by its content, what is refused, and what is left out of what others get (WD-07, trap 28)."""

import io
import struct
import zipfile
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from services.intake.domain.attachments import DamagedFile, DisguisedFile, MediaKind, UnsupportedFile
from services.intake.media import patches
from services.intake.media.examine import HEAD, Examined, ExamineLimits, examine, first_guess
from services.intake.media.sound import ogg_checksum
from shared.errors import InvalidInput
from tests.support import media_samples as samples
from tests.support.heic_sample import HEIC
from tests.support.media_samples import SECRET

LIMITS = ExamineLimits(most_pixels=1_000_000, zone=ZoneInfo("Asia/Shanghai"))
EVERY_TYPE = {
    "jpeg": samples.jpeg(),
    "png": samples.png(),
    "webp": samples.webp(),
    "gif": samples.gif(),
    "mp4": samples.movie(),
    "mov": samples.movie(b"qt  "),
    "3gp": samples.movie(b"3gp4"),
    "m4a": samples.movie(b"M4A ", handlers=(b"soun",)),
    "3gp_audio": samples.movie(b"3gp4", handlers=(b"soun",)),
    "webm": samples.webm(),
    "webm_audio": samples.webm(track_type=2),
    "mp3": samples.mp3(),
    "wav": samples.wav(),
    "ogg": samples.ogg(),
    "amr": samples.amr(),
    "pdf": samples.pdf(),
    "docx": samples.docx(),
    "xlsx": samples.xlsx(),
    "odt": samples.odt(),
    "txt": samples.text(),
}
HIDING = sorted(code for code, content in EVERY_TYPE.items() if SECRET in content)
EVERY_FILE = pytest.mark.parametrize("code", sorted(EVERY_TYPE))


def look(content: bytes, limits: ExamineLimits = LIMITS) -> Examined:
    return examine(io.BytesIO(content), len(content), first_guess(content[:HEAD]), limits)


def shown(content: bytes) -> bytes:
    """What others get of a file."""
    examined = look(content)
    return examined.clean if examined.clean is not None else patches.apply(examined.patches, content, 0)


@EVERY_FILE
def test_a_file_is_known_by_its_content(code: str) -> None:
    assert look(EVERY_TYPE[code]).file_type.code == code


@EVERY_FILE
def test_the_first_bytes_tell_the_kinds_it_may_be(code: str) -> None:
    content = EVERY_TYPE[code]
    assert look(content).file_type.kind in first_guess(content[:HEAD]).kinds


@pytest.mark.parametrize("code", HIDING)
def test_what_is_hidden_in_a_file_does_not_reach_others(code: str) -> None:
    assert SECRET not in shown(EVERY_TYPE[code])


def test_the_samples_hide_something_in_every_type_that_is_cleaned() -> None:
    assert {"jpeg", "png", "webp", "gif", "mp4", "mov", "3gp", "m4a", "webm", "mp3", "wav", "ogg"} <= set(HIDING)


@pytest.mark.parametrize("code", [*HIDING, "amr"])
def test_what_others_get_is_still_a_file_of_its_type(code: str) -> None:
    again = look(shown(EVERY_TYPE[code]))
    assert again.file_type.code == {"gif": "png"}.get(code, code)


def test_a_photograph_is_turned_as_the_camera_was_held() -> None:
    clean = Image.open(io.BytesIO(shown(samples.jpeg((64, 48), orientation=6))))
    assert clean.size == (48, 64)
    red, _, blue = clean.convert("RGB").getpixel((24, 5))  # type: ignore[misc]
    assert red > 200
    assert blue < 50
    assert not clean.getexif()
    assert set(clean.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_large_photograph_is_shown_smaller() -> None:
    limits = ExamineLimits(most_pixels=20_000_000, zone=LIMITS.zone)
    clean = look(samples.jpeg((5_000, 2_500)), limits).clean
    assert clean is not None
    assert max(Image.open(io.BytesIO(clean)).size) == 4_096


def test_a_photograph_says_where_and_when_it_was_taken() -> None:
    examined = look(samples.jpeg())
    assert examined.position == pytest.approx((samples.LONGITUDE, samples.LATITUDE))
    assert examined.taken_at is not None
    assert examined.taken_at.isoformat() == "2026-03-01T00:30:00+00:00"
    assert examined.camera == SECRET.decode()


def test_sound_and_pictures_of_a_film_stay_where_they_were() -> None:
    film = samples.movie()
    clean = shown(film)
    assert len(clean) == len(film)
    for frame in (b"frame-of-vide", b"frame-of-soun"):
        assert clean.find(frame) == film.find(frame) > 0


def test_a_recording_of_a_browser_without_sizes_is_read() -> None:
    assert look(samples.webm(unknown=True)).file_type.code == "webm"
    assert SECRET not in shown(samples.webm(unknown=True))


def test_pages_of_ogg_keep_a_right_checksum() -> None:
    clean = bytearray(shown(samples.ogg()))
    second = clean.find(b"OggS", 4)
    third = clean.find(b"OggS", second + 4)
    page = clean[second:third]
    said = struct.unpack_from("<I", page, 22)[0]
    page[22:26] = bytes(4)
    assert said == samples.slow_ogg_checksum(bytes(page)) == ogg_checksum(bytes(page))


def test_only_zeros_lie_around_the_frames_of_an_mp3() -> None:
    clean = shown(samples.mp3())
    assert clean[:6] == b"ID3\x03\x00\x00"
    assert clean[10:].strip(b"\x00") == samples.MP3_FRAME * 5


def test_heic_is_shown_as_jpeg() -> None:
    examined = look(HEIC)
    assert (examined.file_type.code, examined.file_type.kind) == ("heic", MediaKind.PHOTO)
    assert examined.clean_type is not None
    assert examined.clean_type.code == "jpeg"
    assert examined.position == pytest.approx((samples.LONGITUDE, samples.LATITUDE))
    assert SECRET in HEIC
    assert SECRET not in shown(HEIC)


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        ("建设路12号".encode(), "utf-8"),
        ("\ufeff建设路12号".encode(), "utf-8"),
        ("建设路12号".encode("gb18030"), "gb18030"),
        ("建设路12号".encode("utf-16"), "utf-16"),
        (b"MZ is how this text begins", "utf-8"),
    ],
)
def test_a_text_is_told_its_encoding(content: bytes, charset: str) -> None:
    assert look(content).charset == charset


REFUSED = {
    "html": (b"<html><script>alert(1)</script>", UnsupportedFile),
    "html after a mark": ("\ufeff <!DOCTYPE html>".encode(), UnsupportedFile),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', UnsupportedFile),
    "script": (b"#!/bin/sh\nrm -rf /\n", UnsupportedFile),
    "rtf": (b"{\\rtf1 hello}", UnsupportedFile),
    "windows program": (b"MZ\x90\x00\x03" + bytes(200), UnsupportedFile),
    "linux program": (b"\x7fELF\x02\x01\x01" + bytes(200), UnsupportedFile),
    "avif": (samples.box(b"ftyp", b"avif", bytes(8)), UnsupportedFile),
    "tiff": (b"II*\x00" + bytes(100), UnsupportedFile),
    "old word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), UnsupportedFile),
    "archive": (samples.packed({"a.txt": "x"}), UnsupportedFile),
    "macros": (samples.docx(**{"word/vbaProject.bin": "x"}), UnsupportedFile),
    "matroska": (samples.webm(doc_type=b"matroska"), UnsupportedFile),
    "theora": (samples.ogg_page(1, 0, [b"\x80theora" + bytes(40)], flags=2), UnsupportedFile),
    "binary": (bytes(range(256)) * 4, UnsupportedFile),
    "jpeg cut off": (samples.jpeg((400, 400))[:-600], DamagedFile),
    "jpeg in name only": (b"\xff\xd8\xff\xe0" + bytes(500), DamagedFile),
    "png cut off": (samples.png()[:-30], DamagedFile),
    "film cut off": (samples.movie()[:-9], DamagedFile),
    "film without tracks": (samples.movie(handlers=()), DamagedFile),
    "positions only": (samples.movie(handlers=(b"meta",)), DamagedFile),
    "webm cut off": (samples.webm()[:-5], DamagedFile),
    "ogg cut off": (samples.ogg()[:-5], DamagedFile),
    "amr with a tail": (samples.amr() + b"\xff" * 40, DamagedFile),
    "tag without sound": (samples.mp3()[:40], DamagedFile),
    "pdf without an end": (samples.pdf()[:-7], DamagedFile),
    "wav without sound": (b"RIFF\x24\x00\x00\x00WAVEfmt \x04\x00\x00\x00abcd", DamagedFile),
    "docx cut off": (samples.docx()[:-30], DamagedFile),
    "picture and page": (samples.jpeg()[:20] + b"<script>alert(1)</script>" + samples.jpeg()[20:], DisguisedFile),
    "picture and pdf": (samples.jpeg()[:20] + samples.pdf() + samples.jpeg()[20:], DisguisedFile),
    "picture and archive": (samples.jpeg() + samples.docx(), DisguisedFile),
    "pdf and archive": (samples.pdf() + samples.packed({"a.exe": "MZ"}), DisguisedFile),
    "sound and archive": (samples.mp3() + samples.packed({"a.exe": "MZ"}), DisguisedFile),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_anything_else_is_refused(name: str) -> None:
    content, refusal = REFUSED[name]
    with pytest.raises(InvalidInput) as refused:
        look(content)
    assert type(refused.value) is refusal
    assert refused.value.problems[0].field == "/file"


def test_a_refusal_names_what_is_taken() -> None:
    with pytest.raises(UnsupportedFile) as refused:
        look(b"<svg/>")
    assert {"jpg", "heic", "mp4", "odt"} <= set(refused.value.problems[0].allowed)


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    bomb = io.BytesIO()
    Image.new("1", (9_000, 7_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 200_000
    with pytest.raises(DamagedFile, match="63000000 pixels"):
        look(bomb.getvalue())


def test_a_document_that_unpacks_without_end_is_refused() -> None:
    made = io.BytesIO(samples.docx())
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/x", "w") as member:
        for _ in range(1_025):
            member.write(bytes(1024 * 1024))
    with pytest.raises(DamagedFile):
        look(made.getvalue())


@EVERY_FILE
def test_no_broken_file_is_anything_but_a_refusal(code: str) -> None:
    """Every sample, with bytes changed and cut off at many places, is taken or refused; nothing else comes out."""
    content = EVERY_TYPE[code]
    for place in range(0, len(content), max(1, len(content) // 60)):
        for broken in (
            content[:place] + b"\xff" + content[place + 1 :],
            content[:place] + b"\x00\x00\x00\x01" + content[place + 4 :],
            content[:place],
        ):
            if broken:
                with suppress(InvalidInput):
                    look(broken)

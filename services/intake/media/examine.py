"""From a file's first bytes to a verdict: what it is, what it says about itself, what others may get of it.

The types come from their own structure, not from a library of signatures: those tell what a file begins like, and the
question here is whether it is one of twenty types, whole, and nothing else besides.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from services.intake.domain.attachments import (
    FILE_TYPES,
    DisguisedFile,
    FileType,
    MediaKind,
    UnsupportedFile,
)
from services.intake.media import boxes, documents, matroska, sound
from services.intake.media.patches import Patch, merged
from services.intake.media.pictures import draw_anew
from services.intake.media.reader import Reader

HEAD: Final = 4_096
_SNIFFED: Final = 2_048  # browsers that guess look at fewer bytes
_MARKUP: Final = re.compile(rb"<(?:!doctype|html|head|body|script|svg|iframe|object|embed|\?php)[\s>/]", re.IGNORECASE)
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
_STILLS: Final = frozenset({b"avif", b"avis", b"crx ", b"jp2 "})
_SIGNATURES: Final = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"#!AMR\n", "amr"),
    (b"#!AMR-WB\n", "amr"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "docx"),
)
_AMBIGUOUS: Final[Mapping[str, frozenset[MediaKind]]] = {
    code: frozenset({MediaKind.AUDIO, MediaKind.VIDEO}) for code in ("mp4", "mov", "3gp", "webm")
}


@dataclass(frozen=True, slots=True)
class Guess:
    """What a file begins like: the kinds it may turn out to be."""

    code: str
    kinds: frozenset[MediaKind]


@dataclass(frozen=True, slots=True)
class ExamineLimits:
    """The largest picture in pixels, and the zone in which a camera without one is."""

    most_pixels: int
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file is. Others get `clean` when there is one, else the original with `patches` over it.

    `is_clean` is false for documents, which others get as they came.
    """

    file_type: FileType
    is_clean: bool = True
    charset: str | None = None
    patches: tuple[Patch, ...] = ()
    clean: bytes | None = None
    clean_type: FileType | None = None
    width: int | None = None
    height: int | None = None
    position: tuple[float, float] | None = None
    taken_at: datetime | None = None
    camera: str | None = None


def first_guess(head: bytes) -> Guess:
    """What the first HEAD bytes, or all of a shorter file, begin like. Raises UnsupportedFile or DisguisedFile."""
    code = _code_of(head)
    if code != "txt" and _MARKUP.search(head[:_SNIFFED]):
        raise DisguisedFile("is a web page as well")
    if code not in {"pdf", "txt"} and b"%PDF-" in head[:_SNIFFED]:
        raise DisguisedFile("is a PDF as well")
    return Guess(code, _AMBIGUOUS.get(code, frozenset({FILE_TYPES[code].kind})))


def _code_of(head: bytes) -> str:
    for signature, code in _SIGNATURES:
        if head.startswith(signature):
            return code
    if head[:4] == b"RIFF" and head[8:12] in {b"WEBP", b"WAVE"}:
        return "webp" if head[8:12] == b"WEBP" else "wav"
    if head[4:8] == b"ftyp":
        return _brand(head[8:12])
    if sound.mp3_frame(head[:4]):
        return "mp3"
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnsupportedFile("is of no type that is taken")
    return "txt"


def _brand(brand: bytes) -> str:
    if brand in _HEIC:
        return "heic"
    if brand in _STILLS:
        raise UnsupportedFile("is a picture of a type that is not taken")
    if brand == b"qt  ":
        return "mov"
    return "3gp" if brand.startswith((b"3gp", b"3g2")) else "mp4"


def examine(file: BinaryIO, size: int, guess: Guess, limits: ExamineLimits) -> Examined:
    """Look at the whole file. Raises UnsupportedFile, DamagedFile or DisguisedFile. Slow: call it in a thread."""
    reader = Reader(file, size)
    if guess.code != "docx":
        documents.refuse_archive(reader)
    file_type = FILE_TYPES[guess.code]
    if file_type.kind is MediaKind.PHOTO:
        return _examine_picture(file, file_type, limits)
    return _EXAMINERS[guess.code](reader, file_type)


def _examine_picture(file: BinaryIO, file_type: FileType, limits: ExamineLimits) -> Examined:
    file.seek(0)
    picture = draw_anew(file, file_type, most_pixels=limits.most_pixels, zone=limits.zone)
    return Examined(
        file_type,
        clean=picture.clean,
        clean_type=FILE_TYPES[picture.clean_type],
        width=picture.width,
        height=picture.height,
        position=picture.position,
        taken_at=picture.taken_at,
        camera=picture.camera,
    )


def _examine_boxes(reader: Reader, file_type: FileType) -> Examined:
    movie = boxes.BoxWalk(reader).movie()
    if not movie.has_video:
        file_type = FILE_TYPES["3gp_audio" if file_type.code == "3gp" else "m4a"]
    return Examined(file_type, patches=tuple(merged(movie.patches)))


def _examine_webm(reader: Reader, file_type: FileType) -> Examined:
    clip = matroska.ElementWalk(reader).clip()
    return Examined(file_type if clip.has_video else FILE_TYPES["webm_audio"], patches=tuple(merged(clip.patches)))


def _examine_pdf(reader: Reader, file_type: FileType) -> Examined:
    documents.check_pdf(reader)
    return Examined(file_type, is_clean=False)


def _examine_packed(reader: Reader, _file_type: FileType) -> Examined:
    return Examined(FILE_TYPES[documents.packed_type(reader)], is_clean=False)


def _examine_text(reader: Reader, file_type: FileType) -> Examined:
    return Examined(file_type, is_clean=False, charset=documents.text_charset(reader))


def _sound(clean: Callable[[Reader], list[Patch]]) -> Callable[[Reader, FileType], Examined]:
    def look(reader: Reader, file_type: FileType) -> Examined:
        return Examined(file_type, patches=tuple(merged(clean(reader))))

    return look


_EXAMINERS: Final[Mapping[str, Callable[[Reader, FileType], Examined]]] = {
    "mp4": _examine_boxes,
    "mov": _examine_boxes,
    "3gp": _examine_boxes,
    "webm": _examine_webm,
    "mp3": _sound(sound.clean_mp3),
    "wav": _sound(sound.clean_wav),
    "ogg": _sound(sound.clean_ogg),
    "amr": _sound(sound.check_amr),
    "pdf": _examine_pdf,
    "docx": _examine_packed,
    "txt": _examine_text,
}

"""Attachments (WD-07): what is taken, how large, how many; what a name and a distance may tell about them (trap 28)."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.errors import Conflict, FieldProblem, InvalidInput

MOST_PER_APPEAL: Final = 20
# Withdrawn ones stay on record and make room; this is where making room ends.
MOST_EVER_PER_APPEAL: Final = 100
LONGEST_NOTE: Final = 500
_LONGEST_NAME: Final = 120
_EARTH_RADIUS_METRES: Final = 6_371_008.8
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


class MediaKind(StrEnum):
    """What sort of evidence it is; each has a bound of its own."""

    PHOTO = "photo"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"


class Source(StrEnum):
    """Who brought it."""

    CITIZEN = "citizen"
    OFFICE = "office"
    DEPARTMENT = "department"


class Purpose(StrEnum):
    """What it shows: the matter itself, or the work on it (WD-13: before and after the repair)."""

    MATTER = "matter"
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class WithdrawReason(StrEnum):
    """Why an attachment no longer counts: a closed list, because it travels in the address."""

    WRONG_FILE = "wrong_file"
    WRONG_APPEAL = "wrong_appeal"
    DUPLICATE = "duplicate"
    PERSONAL_DATA = "personal_data"
    UNLAWFUL = "unlawful"
    ASKED_BY_CITIZEN = "asked_by_citizen"


class Scan(StrEnum):
    """What the virus scanner said."""

    CLEAN = "clean"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class FileType:
    """A type that is taken."""

    code: str
    content_type: str
    kind: MediaKind
    extension: str


_P, _A, _V, _D = MediaKind.PHOTO, MediaKind.AUDIO, MediaKind.VIDEO, MediaKind.DOCUMENT
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
FILE_TYPES: Final[Mapping[str, FileType]] = {
    file_type.code: file_type
    for file_type in (
        FileType("jpeg", "image/jpeg", _P, "jpg"),
        FileType("png", "image/png", _P, "png"),
        FileType("webp", "image/webp", _P, "webp"),
        FileType("heic", "image/heic", _P, "heic"),
        FileType("gif", "image/gif", _P, "gif"),
        FileType("mp3", "audio/mpeg", _A, "mp3"),
        FileType("m4a", "audio/mp4", _A, "m4a"),
        FileType("ogg", "audio/ogg", _A, "ogg"),
        FileType("wav", "audio/wav", _A, "wav"),
        FileType("amr", "audio/amr", _A, "amr"),
        FileType("3gp_audio", "audio/3gpp", _A, "3gp"),
        FileType("webm_audio", "audio/webm", _A, "webm"),
        FileType("mp4", "video/mp4", _V, "mp4"),
        FileType("mov", "video/quicktime", _V, "mov"),
        FileType("webm", "video/webm", _V, "webm"),
        FileType("3gp", "video/3gpp", _V, "3gp"),
        FileType("pdf", "application/pdf", _D, "pdf"),
        FileType("docx", f"{_OFFICE}.wordprocessingml.document", _D, "docx"),
        FileType("xlsx", f"{_OFFICE}.spreadsheetml.sheet", _D, "xlsx"),
        FileType("odt", "application/vnd.oasis.opendocument.text", _D, "odt"),
        FileType("txt", "text/plain", _D, "txt"),
    )
}
EXTENSIONS: Final = sorted({file_type.extension for file_type in FILE_TYPES.values()})


class UnsupportedFile(InvalidInput):
    """Its content is of no type that is taken."""

    code = "unsupported_attachment_type"
    title = "This type of file is not taken"

    def __init__(self, message: str) -> None:
        super().__init__(f"The file {message}.", [FieldProblem("/file", message, EXTENSIONS)])


class DamagedFile(InvalidInput):
    """It begins like a type that is taken and does not go on like it."""

    code = "damaged_attachment"
    title = "The file is damaged"

    def __init__(self, message: str) -> None:
        super().__init__(f"The file {message}.", [FieldProblem("/file", message)])


class DisguisedFile(InvalidInput):
    """It is two things at once: a picture and a page, a sound and an archive."""

    code = "disguised_attachment"
    title = "The file is more than it seems"

    def __init__(self, message: str) -> None:
        super().__init__(f"The file {message}.", [FieldProblem("/file", message)])


class FileTooLarge(InvalidInput):
    """Over the bound of its kind."""

    code = "attachment_too_large"
    title = "The file is too large"

    def __init__(self, kinds: Iterable[MediaKind], most_bytes: int) -> None:
        named = " or ".join(kinds)
        message = f"is larger than {most_bytes} bytes, the bound for {named}"
        super().__init__(f"The file {message}.", [FieldProblem("/file", message, {"max_bytes": most_bytes})])


class ChecksumDiffers(InvalidInput):
    """What arrived is not what was sent."""

    code = "checksum_mismatch"
    title = "The checksum does not fit what arrived"


class InfectedFile(InvalidInput):
    """The scanner knows what is in it."""

    code = "infected_file"
    title = "The file carries malware"

    def __init__(self) -> None:
        super().__init__(
            "The virus scanner refused the file.", [FieldProblem("/file", "was refused by the virus scanner")]
        )


class TooManyAttachments(Conflict):
    """The appeal holds as many as it may."""

    code = "too_many_attachments"
    title = "No more attachments are taken"

    def __init__(self, held: int) -> None:
        super().__init__(
            f"An appeal takes at most {MOST_PER_APPEAL} attachments, and {MOST_EVER_PER_APPEAL} with those withdrawn.",
            held=held,
            allowed=MOST_PER_APPEAL,
        )


def check_room(*, held: int, ever: int, wanted: int) -> None:
    """Raise TooManyAttachments unless an appeal that holds `held` (`ever` with those withdrawn) may take more."""
    if held + wanted > MOST_PER_APPEAL or ever + wanted > MOST_EVER_PER_APPEAL:
        raise TooManyAttachments(held)


@dataclass(frozen=True, slots=True)
class SizeBounds:
    """The most bytes of a file, by kind."""

    photo: int
    audio: int
    video: int
    document: int

    def of(self, kinds: Iterable[MediaKind]) -> int:
        """The bound for a file that may yet be any of these kinds: the largest of theirs."""
        return max(int(getattr(self, kind.value)) for kind in kinds)

    def check(self, size: int, kinds: frozenset[MediaKind]) -> None:
        """Raise FileTooLarge."""
        if size > (most := self.of(kinds)):
            raise FileTooLarge(sorted(kinds), most)


def neutral_name(receipt_number: str, sequence: int, extension: str) -> str:
    """The name under which others get a file: the sender's own may name a person."""
    return f"{receipt_number}-{sequence}.{extension}"


def safe_name(given: str, extension: str) -> str:
    """The sender's file name without paths, control characters or tricks, and with the extension of its real type."""
    name = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    name = _UNSAFE.sub("_", name).strip(" .")
    stem = name.rpartition(".")[0] or name
    stem = stem[:_LONGEST_NAME].strip(" .") or "file"
    return f"{stem}.{extension}"


def distance_metres(first: tuple[float, float], second: tuple[float, float]) -> int:
    """Great-circle distance between two (longitude, latitude) points, rounded to ten metres."""
    (lon1, lat1), (lon2, lat2) = ((math.radians(x), math.radians(y)) for x, y in (first, second))
    chord = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return round(2 * _EARTH_RADIUS_METRES * math.asin(min(1.0, math.sqrt(chord))) / 10) * 10

"""Photographs: decoded to be sure that they are pictures, and drawn anew, so that nothing but the picture is left.

Pillow is loaded with the first picture, pi-heif with the first HEIC.
"""

import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from zoneinfo import ZoneInfo

from services.intake.domain.attachments import DamagedFile, FileType

if TYPE_CHECKING:
    from PIL.Image import Image

# Others get at most this; the original keeps every pixel.
LONGEST_EDGE: Final = 4_096
_QUALITY: Final = 88
_FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "jpeg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "gif": ("GIF",),
    "heic": ("HEIF",),
}
_DRAWN_AS: Final[Mapping[str, str]] = {"jpeg": "jpeg", "heic": "jpeg", "webp": "webp", "png": "png", "gif": "png"}
_EXIF_IFD, _GPS_IFD, _ORIENTATION = 0x8769, 0x8825, 0x0112
_TURNS: Final[Mapping[Any, str]] = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_TAKEN, _TAKEN_OFFSET, _MAKE, _MODEL = 0x9003, 0x9011, 0x010F, 0x0110
_LONGEST_TEXT: Final = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: what others get, and what the original says about where, when and with what it was taken."""

    width: int
    height: int
    clean: bytes
    clean_type: str
    position: tuple[float, float] | None = None
    taken_at: datetime | None = None
    camera: str | None = None


def draw_anew(file: BinaryIO, file_type: FileType, *, most_pixels: int, zone: ZoneInfo) -> Picture:
    """Decode a picture, at most `most_pixels` large, and encode its first frame without anything else.

    A time without an offset is read as one of `zone`. Raises DamagedFile. Slow: call it in a thread.
    """
    from PIL import Image

    if file_type.code == "heic":
        _teach_heic()
    try:
        with Image.open(file, formats=_FORMATS[file_type.code]) as picture:
            width, height = picture.size
            if width * height > most_pixels:
                raise DamagedFile(f"has {width * height} pixels; {most_pixels} are taken at most")
            facts = _facts(picture, zone)
            clean = _encode(_upright(picture), _DRAWN_AS[file_type.code])
    except DamagedFile:
        raise
    except Exception as error:  # decoders raise anything for files that somebody made to break them
        raise DamagedFile("is no picture that can be shown") from error
    return Picture(width, height, clean, _DRAWN_AS[file_type.code], **facts)


def _teach_heic() -> None:
    from pi_heif import register_heif_opener

    register_heif_opener(thumbnails=False)


def _upright(picture: "Image") -> "Image":
    """Decode, reduce to the size that is shown before anything is copied, and turn as the camera was held."""
    from PIL import Image

    orientation = picture.getexif().get(_ORIENTATION)
    profile = picture.info.get("icc_profile")
    if picture.format in {"JPEG", "MPO"}:
        picture.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
    picture.load()
    flat = _flattened(picture)
    flat.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    turn = _TURNS.get(orientation)
    if turn is not None:
        flat = flat.transpose(getattr(Image.Transpose, turn))
    return _in_srgb(flat, profile)


def _flattened(picture: "Image") -> "Image":
    """Grey, colour, or colour with transparency: what every viewer shows."""
    if picture.mode in {"L", "RGB", "RGBA"} and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith("I") or picture.mode == "F":
        return picture.convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _in_srgb(picture: "Image", profile: bytes | None) -> "Image":
    """Convert out of the camera's colours; the profile, which names the device, does not go along."""
    if not profile or picture.mode == "L":
        return picture
    from PIL import ImageCms

    with suppress(ImageCms.PyCMSError, OSError, ValueError):
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, given, ImageCms.createProfile("sRGB"), outputMode=picture.mode)
        if converted is not None:
            return converted
    return picture


def _encode(picture: "Image", code: str) -> bytes:
    """Encode the pixels alone: a picture made from them has nothing else to give away."""
    from PIL import Image

    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    made = io.BytesIO()
    if code == "jpeg":
        bare.convert("L" if bare.mode == "L" else "RGB").save(made, "JPEG", quality=_QUALITY)
    elif code == "webp":
        bare.save(made, "WEBP", quality=_QUALITY, method=2)
    else:
        bare.save(made, "PNG", compress_level=4)
    return made.getvalue()


def _facts(picture: "Image", zone: ZoneInfo) -> dict[str, Any]:
    """What the file says besides what it shows; a field that cannot be read is left out."""
    found: dict[str, Any] = {}
    with suppress(Exception):
        exif = picture.getexif()
        found["camera"] = _text(f"{exif.get(_MAKE, '')} {exif.get(_MODEL, '')}")
        details = exif.get_ifd(_EXIF_IFD)
        with suppress(Exception):
            found["taken_at"] = _moment(details.get(_TAKEN), details.get(_TAKEN_OFFSET), zone)
        with suppress(Exception):
            found["position"] = _position(exif.get_ifd(_GPS_IFD))
    return found


def _text(said: str) -> str | None:
    text = "".join(character for character in said if character.isprintable()).strip()[:_LONGEST_TEXT]
    return text or None


def _moment(said: Any, offset: Any, zone: ZoneInfo) -> datetime | None:
    if not said:
        return None
    local = datetime.strptime(str(said).strip("\x00 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
    if offset:
        sign = -1 if str(offset).startswith("-") else 1
        hours, _, minutes = str(offset).strip("+-\x00 ").partition(":")
        return local.replace(tzinfo=timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))).astimezone(UTC)
    return local.replace(tzinfo=zone).astimezone(UTC)


def _position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Longitude and latitude, or None."""
    if 2 not in gps or 4 not in gps:
        return None
    latitude, longitude = _degrees(gps[2], gps.get(1)), _degrees(gps[4], gps.get(3))
    inside = abs(latitude) <= 90 and abs(longitude) <= 180
    return (round(longitude, 6), round(latitude, 6)) if inside and (latitude, longitude) != (0.0, 0.0) else None


def _degrees(parts: Any, side: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(side).strip("\x00 ").upper() in {"S", "W"} else value

"""Small files of every type that is taken, made here, each with something in it that others must not get."""

import io
import struct
import wave
import zipfile
from typing import Any, Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo

# What each sample hides: found in the original, never in what others get.
SECRET: Final = b"SECRET-PLACE-113.8200"
LONGITUDE, LATITUDE = 113.82, 34.02
TAKEN: Final = "2026:03:01 08:30:00"


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def exif(orientation: int = 1) -> Image.Exif:
    """Where, when and with what it was taken."""
    made = Image.Exif()
    made[0x010F] = SECRET.decode()
    made[0x0112] = orientation
    details = made.get_ifd(0x8769)
    details[0x9003], details[0x9011] = TAKEN, "+08:00"
    gps = made.get_ifd(0x8825)
    gps[1], gps[2] = "N", (34.0, 1.0, 12.0)
    gps[3], gps[4] = "E", (113.0, 49.0, 12.0)
    return made


def jpeg(size: tuple[int, int] = (64, 48), *, orientation: int = 1, **options: Any) -> bytes:
    made = io.BytesIO()
    picture(*size).save(made, "JPEG", exif=exif(orientation), comment=SECRET, **options)
    return made.getvalue()


def png() -> bytes:
    made, text = io.BytesIO(), PngInfo()
    text.add_text("Location", SECRET.decode())
    picture().save(made, "PNG", pnginfo=text, exif=exif())
    return made.getvalue()


def webp() -> bytes:
    made = io.BytesIO()
    picture().save(made, "WEBP", exif=exif(), xmp=SECRET)
    return made.getvalue()


def gif() -> bytes:
    made = io.BytesIO()
    picture().save(made, "GIF", comment=SECRET)
    return made.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def track(handler: bytes, offset: int, samples: list[bytes], *extra: bytes) -> bytes:
    """A track whose samples lie in one chunk at `offset`."""
    sizes = struct.pack(">III", 0, 0, len(samples)) + b"".join(struct.pack(">I", len(s)) for s in samples)
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 0)),
        box(b"stsz", sizes),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(samples), 1)),
        box(b"stco", struct.pack(">III", 0, 1, offset)),
    )
    media = box(b"mdia", box(b"mdhd", bytes(24)), box(b"hdlr", bytes(8), handler, bytes(13)), box(b"minf", table))
    return box(b"trak", box(b"tkhd", bytes(84)), media, *extra)


def movie(brand: bytes = b"isom", *, handlers: tuple[bytes, ...] = (b"vide", b"soun", b"meta")) -> bytes:
    """A film with a place in its user data, in its metadata and in a track of positions."""
    head = box(b"ftyp", brand, bytes(4), brand)
    samples = {handler: [SECRET if handler == b"meta" else b"frame-of-" + handler] * 3 for handler in handlers}
    data = b"".join(piece for handler in handlers for piece in samples[handler])
    place = len(head) + 8
    tracks = []
    for handler in handlers:
        extra = (box(b"udta", box(b"name", SECRET)),) if handler == b"vide" else ()
        tracks.append(track(handler, place, samples[handler], *extra))
        place += sum(map(len, samples[handler]))
    user = box(b"udta", box(b"\xa9xyz", struct.pack(">HH", len(SECRET), 0) + SECRET), box(b"loci", SECRET))
    keys = box(b"meta", box(b"keys", b"mdtacom.apple.quicktime.location.ISO6709"), box(b"ilst", SECRET))
    return (
        head
        + box(b"mdat", data)
        + box(b"moov", box(b"mvhd", bytes(100)), *tracks, user, keys)
        + box(b"uuid", bytes(16), SECRET)
    )


def element(id_: int, content: bytes, *, unknown: bool = False) -> bytes:
    """An element of Matroska, its size written in eight bytes."""
    name = id_.to_bytes((id_.bit_length() + 7) // 8, "big")
    size = b"\x01" + b"\xff" * 7 if unknown else (len(content) | 1 << 56).to_bytes(8, "big")
    return name + size + content


def webm(*, track_type: int = 1, unknown: bool = False, doc_type: bytes = b"webm") -> bytes:
    tracks = element(0x1654AE6B, element(0xAE, element(0x83, bytes([track_type])) + element(0x536E, SECRET)))
    info = element(0x1549A966, element(0x2AD7B1, b"\x0f\x42\x40") + element(0x7BA9, SECRET))
    cluster = element(0x1F43B675, element(0xE7, b"\x00") + element(0xA3, b"\x81\x00\x00\x80frame"), unknown=unknown)
    tags = element(0x1254C367, element(0x7373, SECRET))
    return element(0x1A45DFA3, element(0x4282, doc_type)) + element(
        0x18538067, info + tracks + cluster + tags, unknown=unknown
    )


MP3_FRAME: Final = b"\xff\xfb\x90\x00" + b"\x55" * 413


def mp3() -> bytes:
    """Version 1 layer III, 128 kbit/s, 44.1 kHz: frames of 417 bytes between an ID3v2 and an ID3v1 tag."""
    frame = b"GEOB" + struct.pack(">IH", len(SECRET), 0) + SECRET
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, len(frame) >> 7, len(frame) & 127]) + frame
    return tag + MP3_FRAME * 5 + b"TAG" + SECRET.ljust(125, b"\x00")


def wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\x10\x20" * 400)
    content = SECRET + b"\x00"
    return made.getvalue() + b"LIST" + struct.pack("<I", len(content)) + content


def ogg_page(serial: int, number: int, packets: list[bytes], *, flags: int = 0) -> bytes:
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes([len(p) % 255]) for p in packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, 0, serial, number, 0) + bytes([len(lacing)]) + lacing
    page = bytearray(head + b"".join(packets))
    page[22:26] = struct.pack("<I", slow_ogg_checksum(bytes(page)))
    return bytes(page)


def slow_ogg_checksum(page: bytes) -> int:
    """Bit by bit, as the format's definition says; independent of the code under test."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def ogg() -> bytes:
    comments = [b"LOCATION=" + SECRET, b"TITLE=x"]
    tags = b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", len(comments))
    tags += b"".join(struct.pack("<I", len(comment)) + comment for comment in comments)
    head = b"OpusHead" + bytes([1, 1, 0, 0]) + struct.pack("<IhB", 48_000, 0, 0)
    sound = ogg_page(7, 2, [b"\x08" + b"sound" * 10], flags=4)
    return ogg_page(7, 0, [head], flags=2) + ogg_page(7, 1, [tags]) + sound


def amr() -> bytes:
    return b"#!AMR\n" + (b"\x3c" + bytes(31)) * 10


def pdf() -> bytes:
    return b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def packed(members: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


_OFFICE: Final = "application/vnd.openxmlformats-officedocument"


def docx(**more: str) -> bytes:
    return packed(
        {
            "[Content_Types].xml": f"<Types>{_OFFICE}.wordprocessingml.document.main+xml</Types>",
            "word/document.xml": "<w:document/>",
            **more,
        }
    )


def xlsx() -> bytes:
    return packed(
        {
            "[Content_Types].xml": f"<Types>{_OFFICE}.spreadsheetml.sheet.main+xml</Types>",
            "xl/workbook.xml": "<workbook/>",
        }
    )


def odt() -> bytes:
    return packed({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<office/>"})


def text() -> bytes:
    return "三月一日,建设路12号门口。\n".encode()

"""MP3, WAV, Ogg (Opus, Vorbis, Speex) and AMR: the sound stays, what was written beside it is left out."""

import re
import struct
from collections.abc import Iterator
from functools import cache
from typing import Final

from services.intake.domain.attachments import DamagedFile, UnsupportedFile
from services.intake.media.patches import Patch
from services.intake.media.reader import Reader

_FEWEST_MP3_FRAMES: Final = 3
_ID3_HEAD: Final = 10
_SEARCHED: Final = 64 * 1024
_MOST_GAP: Final = 32 * 1024 * 1024
_KBITS_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_SYNC: Final = re.compile(rb"\xff[\xe2-\xff]")
_WAV_KEPT: Final = frozenset({b"fmt ", b"data", b"fact"})
_AMR_NARROW: Final = {0: 13, 1: 14, 2: 16, 3: 18, 4: 20, 5: 21, 6: 27, 7: 32, 8: 6, 15: 1}
_AMR_WIDE: Final = {0: 18, 1: 24, 2: 33, 3: 37, 4: 41, 5: 47, 6: 51, 7: 59, 8: 61, 9: 6, 14: 1, 15: 1}


def clean_mp3(reader: Reader) -> list[Patch]:
    """Follow the frames; whatever lies between, before or after them (ID3, APE, lyrics, an archive) becomes zeros.

    Raises DamagedFile when there are hardly any.
    """
    patches: list[Patch] = []
    position = 0
    frames = 0
    while position < reader.size:
        length = mp3_frame(reader.up_to(position, 4))
        if length and position + length <= reader.size:
            frames += 1
            position += length
            continue
        following = _next_frame(reader, position + 1)
        patches += _hidden_gap(reader, position, following)
        position = following
    if frames < _FEWEST_MP3_FRAMES:
        raise DamagedFile("holds no MP3 frames")
    return patches


def _hidden_gap(reader: Reader, start: int, end: int) -> Iterator[Patch]:
    """Zeros; at the head of the file as an ID3 tag that holds nothing, because players look for one there."""
    if start == 0 and end >= _ID3_HEAD and reader.at(0, 3) == b"ID3":
        size = end - _ID3_HEAD
        yield Patch(5, 5, bytes([0, *((size >> shift) & 0x7F for shift in (21, 14, 7, 0))]))
        start = _ID3_HEAD
    yield Patch(start, end - start)


def mp3_frame(head: bytes) -> int:
    """The length of the layer III frame that begins with these four bytes; 0 when none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, bits, rate, padding = (head[1] >> 3) & 3, head[2] >> 4, (head[2] >> 2) & 3, (head[2] >> 1) & 1
    if version == 1 or bits in {0, 15} or rate == 3:
        return 0
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bits]
    return (144 if version == 3 else 72) * kbits * 1000 // _RATES[version][rate] + padding


def _next_frame(reader: Reader, position: int) -> int:
    """Where the next frame begins that another one follows, or the end of the file."""
    limit = min(reader.size, position + _MOST_GAP)
    while position < limit:
        block = reader.up_to(position, _SEARCHED)
        for found in _SYNC.finditer(block):
            candidate = position + found.start()
            length = mp3_frame(reader.up_to(candidate, 4))
            if length and mp3_frame(reader.up_to(candidate + length, 4)):
                return candidate
        position += max(1, len(block) - 1)
    return reader.size


def clean_wav(reader: Reader) -> list[Patch]:
    """Keep format, data and count of samples; other chunks, and what follows the last, become junk chunks of zeros."""
    patches: list[Patch] = []
    kinds = set()
    position = 12
    while position + 8 <= reader.size:
        kind, size = reader.unpack("<4sI", position)
        content = position + 8
        end = min(content + size, reader.size)  # recorders that were cut off leave the largest size
        kinds.add(kind)
        if kind not in _WAV_KEPT:
            patches += [Patch(position, 4, b"JUNK"), Patch(content, end - content)]
        position = end + (size & 1)
    patches.append(Patch(position, max(0, reader.size - position)))
    if not {b"fmt ", b"data"} <= kinds:
        raise DamagedFile("holds no sound")
    return patches


def check_amr(reader: Reader) -> list[Patch]:
    """AMR has no place for anything but frames: nothing to leave out. Raises DamagedFile when there is more."""
    wide = reader.up_to(0, 9) == b"#!AMR-WB\n"
    lengths = _AMR_WIDE if wide else _AMR_NARROW
    position = 9 if wide else 6
    frames = 0
    while position < reader.size:
        head = reader.at(position, 1)[0]
        length = lengths.get((head >> 3) & 15)
        if head & 0x83 or length is None or position + length > reader.size:
            raise DamagedFile("holds something between its frames")
        position += length
        frames += 1
    if not frames:
        raise DamagedFile("holds no sound")
    return []


class _Page:
    """One page of an Ogg file."""

    __slots__ = ("body", "continues", "end", "lacing", "serial", "start", "starts_stream")

    def __init__(self, reader: Reader, start: int) -> None:
        magic, version, flags, _granule, serial, _number, _crc, count = reader.unpack("<4sBBqIIIB", start)
        if magic != b"OggS" or version != 0:
            raise DamagedFile("has something between its pages")
        self.start = start
        self.lacing = reader.at(start + 27, count)
        self.body = start + 27 + count
        self.end = self.body + sum(self.lacing)
        self.serial = serial
        self.continues = bool(flags & 1)
        self.starts_stream = bool(flags & 2)
        if self.end > reader.size:
            raise DamagedFile("ends where more must follow")


def clean_ogg(reader: Reader) -> list[Patch]:
    """Blank the comments of every stream, and give the pages they lie on their checksum again.

    Raises DamagedFile, or UnsupportedFile for streams that are not Opus, Vorbis or Speex.
    """
    packets: dict[int, list[tuple[int, int]]] = {}
    heads: dict[int, bytes] = {}
    finished: dict[int, int] = {}
    pages: list[_Page] = []
    patches: list[Patch] = []
    position = 0
    while position < reader.size:
        page = _Page(reader, position)
        position = page.end
        if page.starts_stream:
            heads[page.serial] = _stream_head(reader.up_to(page.body, 8))
            packets[page.serial], finished[page.serial] = [], 0
        if page.serial not in heads:
            raise DamagedFile("has a page of no stream")
        if finished[page.serial] > 1:
            continue
        pages.append(page)
        _collect_comment(page, packets[page.serial], finished)
        if finished[page.serial] > 1:
            patches += _blank_comments(reader, packets[page.serial], heads[page.serial])
    if not heads or min(finished.values()) < 2:
        raise DamagedFile("holds no sound")
    return [*patches, *_checksums(reader, pages, patches)]


def _stream_head(head: bytes) -> bytes:
    for known, comment in ((b"OpusHead", b"OpusTags"), (b"\x01vorbis", b"\x03vorbis"), (b"Speex   ", b"")):
        if head.startswith(known):
            return comment
    raise UnsupportedFile("is Ogg of another sort than Opus, Vorbis or Speex")


def _collect_comment(page: _Page, packet: list[tuple[int, int]], finished: dict[int, int]) -> None:
    """Note where the second packet of a stream lies; `finished` counts the packets that are complete."""
    offset = page.body
    for lace in page.lacing:
        if finished[page.serial] == 1:
            packet.append((offset, lace))
        offset += lace
        if lace < 255:
            finished[page.serial] += 1
            if finished[page.serial] > 1:
                return


def _blank_comments(reader: Reader, spans: list[tuple[int, int]], magic: bytes) -> list[Patch]:
    """Replace the text of each comment by `_=` and blanks: players want a name and an equals sign."""
    packet = b"".join(reader.at(offset, length) for offset, length in spans)
    if not packet.startswith(magic):
        raise DamagedFile("has no comment header where it must be")
    shown = bytearray(packet)
    try:
        position = len(magic)
        position += 4 + struct.unpack_from("<I", packet, position)[0]
        (count,) = struct.unpack_from("<I", packet, position)
        position += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<I", packet, position)
            position += 4
            shown[position : position + length] = (b"_=".ljust(length))[:length]
            position += length
    except struct.error:
        raise DamagedFile("has a comment header that cannot be read") from None
    if len(shown) != len(packet):
        raise DamagedFile("has a comment that is longer than its header")
    if magic == b"OpusTags":  # anything may follow there
        shown[position:] = bytes(len(shown) - position)
    return list(_changed(spans, packet, bytes(shown)))


def _changed(spans: list[tuple[int, int]], before: bytes, after: bytes) -> Iterator[Patch]:
    begin = 0
    for offset, length in spans:
        new = after[begin : begin + length]
        if new != before[begin : begin + length]:
            yield Patch(offset, length, new)
        begin += length


def _checksums(reader: Reader, pages: list[_Page], patches: list[Patch]) -> Iterator[Patch]:
    starts = sorted(patch.offset for patch in patches)
    for page in pages:
        if any(page.body <= start < page.end for start in starts):
            data = bytearray(reader.at(page.start, page.end - page.start))
            for patch in patches:
                if page.body <= patch.offset < page.end and patch.shown is not None:
                    data[patch.offset - page.start : patch.offset - page.start + patch.length] = patch.shown
            data[22:26] = bytes(4)
            yield Patch(page.start + 22, 4, struct.pack("<I", ogg_checksum(bytes(data))))


def ogg_checksum(page: bytes) -> int:
    """CRC-32 with the polynomial 04c11db7, not reflected, from zero: not the one zlib computes."""
    table = _table()
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ table[(crc >> 24) ^ byte]
    return crc


@cache
def _table() -> tuple[int, ...]:
    made = []
    for number in range(256):
        value = number << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        made.append(value)
    return tuple(made)

"""WebM (Matroska): elements whose ids and sizes are numbers of variable length.

What playing needs stays visible; tags, attachments, chapters, the title and what is unknown is shown as Void elements.
"""

from dataclasses import dataclass, field
from typing import Final

from services.intake.domain.attachments import DamagedFile, UnsupportedFile
from services.intake.media.patches import Patch
from services.intake.media.reader import Reader

_MOST_ELEMENTS: Final = 2_000_000
_EBML, _SEGMENT, _CLUSTER, _INFO, _TRACKS = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1549A966, 0x1654AE6B
_TRACK_ENTRY, _TRACK_TYPE, _TRACK_NAME, _DOC_TYPE, _CRC = 0xAE, 0x83, 0x536E, 0x4282, 0xBF
_SEEK_HEAD, _CUES = 0x114D9B74, 0x1C53BB6B
# the children of clusters, which may have no size of their own, so that their children stand among the segment's
_OF_CLUSTERS: Final = frozenset({0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0x5854})
_KEPT: Final = frozenset({_SEGMENT, _CLUSTER, _INFO, _TRACKS, _SEEK_HEAD, _CUES}) | _OF_CLUSTERS
# of the segment's information: scale, duration, date, the names of the programs that wrote it
_KEPT_INFO: Final = frozenset({0x2AD7B1, 0x4489, 0x4D80, 0x5741})
_VIDEO, _SOUND = 1, 2


@dataclass(slots=True)
class Clip:
    """What was found."""

    has_video: bool = False
    has_sound: bool = False
    patches: list[Patch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Element:
    id: int
    start: int
    content: int
    end: int | None


class ElementWalk:
    """Walks one file's elements once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._clip = Clip()

    def clip(self) -> Clip:
        """Look at everything. Raises DamagedFile, or UnsupportedFile for Matroska that is not WebM."""
        header = self._element(0)
        if header.id != _EBML or header.end is None:
            raise DamagedFile("does not begin as WebM does")
        self._check_type(header)
        position = header.end
        for _ in range(_MOST_ELEMENTS):
            if position >= self._reader.size:
                if not (self._clip.has_video or self._clip.has_sound):
                    raise DamagedFile("holds neither a picture track nor a sound track")
                return self._clip
            position = self._visit(self._element(position))
        raise DamagedFile("has too many parts")

    def _check_type(self, header: _Element) -> None:
        for child in self._children(header):
            if child.id == _DOC_TYPE:
                said = self._reader.at(child.content, self._end(child) - child.content).rstrip(b"\x00")
                if said == b"webm":
                    return
        raise UnsupportedFile("is Matroska, but not WebM")

    def _visit(self, element: _Element) -> int:
        """Look at an element of the file or the segment; returns where the next one begins."""
        if element.id == _SEGMENT or (element.id == _CLUSTER and element.end is None):
            return element.content
        end = self._end(element)
        if element.id not in _KEPT:
            self._hide(element)
        elif element.id == _INFO:
            for child in self._children(element):
                if child.id not in _KEPT_INFO:
                    self._hide(child)
        elif element.id == _TRACKS:
            self._read_tracks(element)
        return end

    def _read_tracks(self, tracks: _Element) -> None:
        for entry in self._children(tracks):
            if entry.id == _TRACK_ENTRY:
                for child in self._children(entry):
                    self._read_track(child)
            elif entry.id != _CRC:
                self._hide(entry)

    def _read_track(self, child: _Element) -> None:
        if child.id == _TRACK_TYPE:
            kind = int.from_bytes(self._reader.at(child.content, self._end(child) - child.content), "big")
            self._clip.has_video |= kind == _VIDEO
            self._clip.has_sound |= kind == _SOUND
        elif child.id == _TRACK_NAME:
            self._hide(child)

    def _hide(self, element: _Element) -> None:
        """Show it as one Void element of the same length, with its size written as long as there is room."""
        end = self._end(element)
        whole = end - element.start
        width = min(8, whole - 1)
        content = whole - 1 - width
        size = (content | (1 << (7 * width))).to_bytes(width, "big")
        self._clip.patches.append(Patch(element.start, 1 + width, b"\xec" + size))
        self._clip.patches.append(Patch(element.start + 1 + width, content))

    def _children(self, parent: _Element) -> list[_Element]:
        found: list[_Element] = []
        position, end = parent.content, self._end(parent)
        while position < end:
            child = self._element(position)
            position = self._end(child)
            if position > end or len(found) > 10_000:
                raise DamagedFile("has a part that does not fit into what it is in")
            found.append(child)
        return found

    def _end(self, element: _Element) -> int:
        if element.end is None:
            raise DamagedFile("has a part of unknown length where none may be")
        return element.end

    def _element(self, position: int) -> _Element:
        head = self._reader.up_to(position, 12)
        id_width = _width(head, most=4)
        size_width = _width(head[id_width:], most=8)
        if len(head) < id_width + size_width:
            raise DamagedFile("ends where more must follow")
        ones = (1 << (7 * size_width)) - 1
        size = int.from_bytes(head[id_width : id_width + size_width], "big") & ones
        content = position + id_width + size_width
        if size == ones:
            return _Element(int.from_bytes(head[:id_width], "big"), position, content, None)
        if content + size > self._reader.size:
            raise DamagedFile("ends where more must follow")
        return _Element(int.from_bytes(head[:id_width], "big"), position, content, content + size)


def _width(head: bytes, *, most: int) -> int:
    """How many bytes a number takes, told by the zeros it begins with."""
    width = 9 - head[0].bit_length() if head and head[0] else 9
    if width > most:
        raise DamagedFile("has a part that cannot be read")
    return width

"""MP4, M4A, QuickTime and 3GP (ISO base media): boxes inside boxes.

Only the boxes that playing needs stay visible; everything else, with `udta`, `meta`, `uuid` and the tracks that are
neither picture nor sound (positions second by second), is shown as free space: udta/©xyz, loci, the keys of
com.apple.quicktime.location and whatever a maker invents next are gone without being known by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.intake.domain.attachments import DamagedFile
from services.intake.media.patches import Patch
from services.intake.media.reader import Reader

_MOST_BOXES: Final = 20_000
_MOST_SAMPLES: Final = 200_000
_TOP: Final = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"sidx", b"ssix", b"mfra", b"pdin", b"prft"})
# what each box may hold; the boxes named here are looked into, others of their children are shown as free space
_INSIDE: Final = {
    b"moov": frozenset({b"mvhd", b"trak", b"mvex", b"iods"}),
    b"trak": frozenset({b"tkhd", b"mdia", b"edts", b"tref", b"tapt"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf", b"elng"}),
    b"minf": frozenset({b"vmhd", b"smhd", b"hmhd", b"nmhd", b"gmhd", b"sthd", b"hdlr", b"dinf", b"stbl"}),
    b"moof": frozenset({b"mfhd", b"traf"}),
    b"traf": frozenset({b"tfhd", b"tfdt", b"trun", b"saiz", b"saio", b"sbgp", b"sgpd", b"sdtp", b"subs", b"senc"}),
}
_SHOWN_TRACKS: Final = frozenset({b"vide", b"soun"})


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it begins, where its content begins, where it ends."""

    kind: bytes
    start: int
    content: int
    end: int


@dataclass(frozen=True, slots=True)
class Movie:
    """What was found."""

    has_video: bool
    has_sound: bool
    patches: list[Patch]


class BoxWalk:
    """Walks one file's boxes once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._patches: list[Patch] = []
        self._tracks: list[bytes] = []
        self._seen = 0

    def movie(self) -> Movie:
        """Look at everything. Raises DamagedFile."""
        kinds = set()
        for box in self._boxes(0, self._reader.size):
            kinds.add(box.kind)
            if box.kind in _TOP:
                self._visit(box)
            else:
                self._hide(box)
        if b"moov" not in kinds or not kinds & {b"mdat", b"moof"}:
            raise DamagedFile("holds no film or sound")
        if not self._tracks:
            raise DamagedFile("holds neither a picture track nor a sound track")
        return Movie(b"vide" in self._tracks, b"soun" in self._tracks, self._patches)

    def _visit(self, box: Box) -> None:
        allowed = _INSIDE.get(box.kind)
        if allowed is None:
            return
        children = list(self._boxes(box.content, box.end))
        if box.kind == b"trak" and not self._is_shown(children):
            self._hide_samples(children)
            self._hide(box)
            return
        for child in children:
            if child.kind in allowed:
                self._visit(child)
            else:
                self._hide(child)

    def _hide(self, box: Box) -> None:
        self._patches.append(Patch(box.start + 4, 4, b"free"))
        self._patches.append(Patch(box.content, box.end - box.content))

    def _is_shown(self, children: list[Box]) -> bool:
        handler = self._below(children, b"mdia", b"hdlr")
        kind = self._reader.at(handler.content + 8, 4) if handler is not None else b""
        if kind in _SHOWN_TRACKS:
            self._tracks.append(kind)
        return kind in _SHOWN_TRACKS

    def _below(self, children: list[Box], *path: bytes) -> Box | None:
        found: Box | None = None
        for kind in path:
            found = next((child for child in children if child.kind == kind), None)
            if found is None:
                return None
            children = list(self._boxes(found.content, found.end)) if kind in _INSIDE or kind == b"stbl" else []
        return found

    def _boxes(self, start: int, end: int) -> Iterator[Box]:
        while start < end:
            if end - start < 8:
                if any(self._reader.at(start, end - start)):  # QuickTime ends some lists with a zero
                    raise DamagedFile("has a part that ends too early")
                return
            size, kind = self._reader.unpack(">I4s", start)
            content = start + 8
            if size == 1:
                size = self._reader.unpack(">Q", content)[0]
                content += 8
            elif size == 0:
                size = end - start
            if size < content - start or start + size > end:
                raise DamagedFile("has a part that does not fit into what it is in")
            self._seen += 1
            if self._seen > _MOST_BOXES:
                raise DamagedFile("has too many parts")
            yield Box(kind, start, content, start + size)
            start += size

    def _hide_samples(self, children: list[Box]) -> None:
        """A track's samples lie among the pictures; the tables say where."""
        table = self._below(children, b"mdia", b"minf", b"stbl")
        if table is None:
            return
        boxes = {box.kind: box for box in self._boxes(table.content, table.end)}
        sizes, chunks = self._sample_sizes(boxes), self._chunk_offsets(boxes)
        for offset, length in _chunk_spans(sizes, chunks, self._samples_per_chunk(boxes)):
            if offset + length > self._reader.size:
                raise DamagedFile("names samples beyond its end")
            self._patches.append(Patch(offset, length))

    def _sample_sizes(self, boxes: dict[bytes, Box]) -> list[int]:
        box = boxes.get(b"stsz")
        if box is None:
            raise DamagedFile("has a track without sample sizes")
        same, count = self._reader.unpack(">II", box.content + 4)
        _bounded(count)
        return [same] * count if same else list(self._reader.unpack(f">{count}I", box.content + 12))

    def _chunk_offsets(self, boxes: dict[bytes, Box]) -> list[int]:
        box = boxes.get(b"stco") or boxes.get(b"co64")
        if box is None:
            raise DamagedFile("has a track without chunk offsets")
        (count,) = self._reader.unpack(">I", box.content + 4)
        _bounded(count)
        return list(self._reader.unpack(f">{count}{'I' if box.kind == b'stco' else 'Q'}", box.content + 8))

    def _samples_per_chunk(self, boxes: dict[bytes, Box]) -> list[tuple[int, int]]:
        box = boxes.get(b"stsc")
        if box is None:
            raise DamagedFile("has a track without a table of chunks")
        (count,) = self._reader.unpack(">I", box.content + 4)
        _bounded(count)
        flat = self._reader.unpack(f">{count * 3}I", box.content + 8)
        return list(zip(flat[::3], flat[1::3], strict=True))


def _bounded(count: int) -> None:
    if count > _MOST_SAMPLES:
        raise DamagedFile("has a track with too many samples")


def _chunk_spans(sizes: list[int], chunks: list[int], runs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield where each chunk lies: offset and length. A run says how many samples each chunk from `first` on has."""
    taken = 0
    run = -1
    for number, offset in enumerate(chunks, start=1):
        while run + 1 < len(runs) and runs[run + 1][0] <= number:
            run += 1
        per_chunk = runs[run][1] if run >= 0 else 0
        yield offset, sum(sizes[taken : taken + per_chunk])
        taken += per_chunk

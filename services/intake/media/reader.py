"""Reading exact pieces of a file that somebody else made: what is not there is a damaged file, never a crash."""

import struct
from typing import Any, BinaryIO, Final

from services.intake.domain.attachments import DamagedFile

_LARGEST_PIECE: Final = 1024 * 1024


class Reader:
    """A file with its size; every read is of a bounded length and complete, or raises DamagedFile."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size

    def at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on."""
        if not (offset >= 0 and 0 <= length <= _LARGEST_PIECE and offset + length <= self.size):
            raise DamagedFile("ends where more must follow")
        self.file.seek(offset)
        piece = self.file.read(length)
        if len(piece) != length:
            raise DamagedFile("ends where more must follow")
        return piece

    def up_to(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset` on, fewer at the end."""
        offset = max(0, offset)
        return self.at(offset, max(0, min(length, self.size - offset)))

    def unpack(self, layout: str, offset: int) -> tuple[Any, ...]:
        """Return numbers laid out as `struct` says."""
        return struct.unpack(layout, self.at(offset, struct.calcsize(layout)))

"""What intake needs of a storage for sealed objects; a key is a path of letters, digits, `-`, `.` and `/`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol


class StorageError(Exception):
    """The storage is away, full, or refuses; trying again may help."""


class ObjectMissing(StorageError):
    """There is no such object."""


class ObjectStore(Protocol):
    """Objects are written once and never changed; what is half written is never seen."""

    async def put_stream(self, key: str, source: Path) -> None:
        """Store the file `source` under `key` without taking it into memory, durably; `source` may be gone afterwards.

        Raises StorageError; then nothing is under `key`.
        """

    def open_stream(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to `stop`, in pieces. Raises ObjectMissing or StorageError."""

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is as good as removed. Raises StorageError."""

    async def exists(self, key: str) -> bool:
        """Raises StorageError."""

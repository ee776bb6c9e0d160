"""Objects as files below one folder: renamed into place, and on the disk before anybody is told so."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from services.intake.storage.port import ObjectMissing, StorageError

_PIECE: Final = 256 * 1024


class LocalFolder:
    """An ObjectStore. Several processes may use one folder, also over a network file system that renames atomically."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put_stream(self, key: str, source: Path) -> None:
        try:
            await asyncio.to_thread(self._put, key, source)
        except OSError as error:
            raise StorageError("the object cannot be written") from error

    def _put(self, key: str, source: Path) -> None:
        target = self._path(key)
        made = _make_folders(target.parent)
        partial = target.with_name(f"{target.name}.part")
        try:
            try:
                source.replace(partial)
            except OSError:  # another file system
                shutil.copyfile(source, partial)
            _flush(partial)
            partial.chmod(0o600)
            partial.replace(target)
            for folder in (target.parent, *made):
                _flush(folder)
        except OSError:
            partial.unlink(missing_ok=True)
            raise

    async def open_stream(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        path = self._path(key)
        position = start
        while position < stop:
            wanted = min(_PIECE, stop - position)
            piece = await asyncio.to_thread(_read, path, position, wanted)
            if not piece:
                return
            position += len(piece)
            yield piece

    async def delete(self, key: str) -> None:
        try:
            await asyncio.to_thread(self._path(key).unlink, missing_ok=True)
        except OSError as error:
            raise StorageError("the object cannot be removed") from error

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._path(key).is_file)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", ".."} or not part.replace("-", "").replace(".", "").isalnum() for part in parts):
            raise ValueError("not a key of an object")
        return self._root.joinpath(*parts)


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the folders that got a new entry."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for made in reversed(missing):
        made.mkdir(mode=0o700, exist_ok=True)
    return [made.parent for made in missing]


def _flush(path: Path) -> None:
    """Wait until a file's content, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, position: int, wanted: int) -> bytes:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(position)
            return file.read(wanted)
    except FileNotFoundError as error:
        raise ObjectMissing("there is no such object") from error
    except OSError as error:
        raise StorageError("the object cannot be read") from error

"""Files on their way in: sealed, measured and digested while they arrive; looked into before they are stored."""

import hashlib
import io
import os
import time
from pathlib import Path
from typing import Final

from services.intake.storage.sealed_objects import ObjectCipher, SealedFile, SealingWriter
from shared.ids import uuid7

_SUFFIX: Final = ".incoming"


class Staging:
    """A folder for incoming files; on the same file system as a local storage, so that they need only be renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, cipher: ObjectCipher) -> "StagedFile":
        """Open a new file. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return StagedFile(self._folder / f"{uuid7().hex}{_SUFFIX}", cipher)

    def sweep(self, *, older_than_seconds: float) -> int:
        """Remove what a process that died left behind; returns how many."""
        removed = 0
        if not self._folder.is_dir():
            return 0
        oldest = time.time() - older_than_seconds
        for path in self._folder.glob(f"*{_SUFFIX}"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed


class StagedFile:
    """One incoming file: written once, then read at will, then stored or discarded."""

    def __init__(self, path: Path, cipher: ObjectCipher) -> None:
        self.path = path
        self.size = 0
        self._cipher = cipher
        self._digest = hashlib.sha256()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = io.FileIO(descriptor, "wb")
        self._writer = SealingWriter(cipher, self._file)

    def write(self, data: bytes) -> None:
        """Take some bytes; blocks on the disk. Raises OSError."""
        self.size += len(data)
        self._digest.update(data)
        self._writer.write(data)

    def finish(self) -> None:
        """Nothing more will come. Raises OSError."""
        self._writer.finish()
        self._file.close()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def open(self) -> io.BufferedReader:
        """Read the finished file as it was before it was sealed."""
        return io.BufferedReader(SealedFile(self.path, self._cipher, self.size))

    def discard(self) -> None:
        """Remove the file, if it was not stored."""
        self._file.close()
        self.path.unlink(missing_ok=True)

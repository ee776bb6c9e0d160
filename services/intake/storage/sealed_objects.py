"""Objects under AES-256-GCM in chunks, so that any part can be read without the rest and nothing can be left out.

Chunk `i` has the nonce (0, i, last?): a key seals one object only. Reordering, exchange between objects and truncation
do not open. Without the key, which lies in the attachment's sealed record, an object is noise: destroying it shreds.
"""

import hmac
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK: Final = 64 * 1024
TAG: Final = 16
SEALED_CHUNK: Final = CHUNK + TAG


class SealBroken(Exception):
    """An object does not open: it was changed or cut off, or the key is another's."""


class ObjectCipher:
    """The cipher of one object of an attachment; `role` tells its objects apart."""

    def __init__(self, data_key: bytes, role: str) -> None:
        self._cipher = AESGCM(hmac.digest(data_key, b"minqing attachment\x00" + role.encode(), "sha256"))

    def seal(self, index: int, plain: bytes, *, last: bool) -> bytes:
        """Encrypt one chunk."""
        return self._cipher.encrypt(_nonce(index, last=last), plain, None)

    def open(self, index: int, sealed: bytes, *, last: bool) -> bytes:
        """Decrypt one chunk. Raises SealBroken."""
        try:
            return self._cipher.decrypt(_nonce(index, last=last), sealed, None)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("the object does not open") from error


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def sealed_size(size: int) -> int:
    """How many bytes an object of `size` bytes takes."""
    return size + TAG * _chunks(size)


def _chunks(size: int) -> int:
    return max(1, -(-size // CHUNK))


class SealingWriter:
    """Encrypts what is written to it into a file, chunk by chunk; the last one is known when it is finished."""

    def __init__(self, cipher: ObjectCipher, file: Any) -> None:
        self._cipher = cipher
        self._file = file
        self._waiting = bytearray()
        self._index = 0

    def write(self, data: bytes) -> None:
        """Take some bytes. Raises OSError."""
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Write the last chunk. Raises OSError."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.seal(self._index, plain, last=last))
        self._index += 1


class SealedFile(io.RawIOBase):
    """A sealed local file read as if it were plain, at any place; wrap it into a BufferedReader."""

    def __init__(self, path: Path, cipher: ObjectCipher, size: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._cipher = cipher
        self._size = size
        self._position = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read within one chunk. Raises SealBroken."""
        if self._position >= self._size:
            return 0
        index, offset = divmod(self._position, CHUNK)
        piece = self._chunk(index)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _chunk(self, index: int) -> bytes:
        if self._held[0] != index:
            self._file.seek(index * SEALED_CHUNK)
            sealed = self._file.read(SEALED_CHUNK) or b""
            self._held = (index, self._cipher.open(index, sealed, last=index == _chunks(self._size) - 1))
        return self._held[1]


def span_of(size: int, start: int, stop: int) -> tuple[int, int]:
    """Which bytes of the sealed object hold the plain ones from `start` up to `stop`."""
    return start // CHUNK * SEALED_CHUNK, min(_chunks(stop) * SEALED_CHUNK, sealed_size(size))


async def unseal(
    cipher: ObjectCipher, size: int, start: int, stop: int, sealed: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """Yield the plain bytes from `start` up to `stop` out of the sealed ones of `span_of`.

    Raises SealBroken, also when the object ends too early.
    """
    index = start // CHUNK
    last = _chunks(size) - 1
    waiting = bytearray()
    async for piece in sealed:
        waiting += piece
        while len(waiting) >= SEALED_CHUNK and index * CHUNK < stop:
            yield _within(cipher, index, bytes(waiting[:SEALED_CHUNK]), last, (start, stop))
            del waiting[:SEALED_CHUNK]
            index += 1
    if index * CHUNK < stop:
        yield _within(cipher, index, bytes(waiting), last, (start, stop))
        index += 1
    if index * CHUNK < stop:
        raise SealBroken("the object ends too early")


def _within(cipher: ObjectCipher, index: int, sealed: bytes, last: int, wanted: tuple[int, int]) -> bytes:
    plain = cipher.open(index, sealed, last=index == last)
    begins = index * CHUNK
    return plain[max(0, wanted[0] - begins) : wanted[1] - begins]

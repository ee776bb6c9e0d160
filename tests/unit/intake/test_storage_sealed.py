"""Sealed objects: any part opens, nothing can be left out, exchanged or read without the key."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.intake.storage.sealed_objects import (
    CHUNK,
    SEALED_CHUNK,
    ObjectCipher,
    SealBroken,
    sealed_size,
    span_of,
    unseal,
)
from services.intake.storage.staging import StagedFile, Staging

KEY = bytes(range(32))
SIZES = [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5]


def content_of(size: int) -> bytes:
    return bytes((i * 31 + i // 256) % 256 for i in range(size))


def staged(folder: Path, content: bytes, *, key: bytes = KEY, role: str = "original") -> StagedFile:
    file = Staging(folder).begin(ObjectCipher(key, role))
    for start in range(0, len(content), 50_000):
        file.write(content[start : start + 50_000])
    file.finish()
    return file


async def pieces(sealed: bytes, start: int, stop: int) -> AsyncIterator[bytes]:
    for position in range(start, min(stop, len(sealed)), 70_001):
        yield sealed[position : min(stop, position + 70_001)]


def opened(sealed: bytes, size: int, start: int = 0, stop: int | None = None, *, role: str = "original") -> bytes:
    stop = size if stop is None else stop

    async def read() -> bytes:
        parts = unseal(ObjectCipher(KEY, role), size, start, stop, pieces(sealed, *span_of(size, start, stop)))
        return b"".join([part async for part in parts])

    return asyncio.run(read())


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_opens(tmp_path: Path, size: int) -> None:
    content = content_of(size)
    file = staged(tmp_path, content)
    sealed = file.path.read_bytes()
    assert (file.size, len(sealed)) == (size, sealed_size(size))
    assert opened(sealed, size) == content
    with file.open() as plain:
        assert plain.read() == content
        plain.seek(-1, 2)
        assert plain.read() == content[-1:]


@pytest.mark.parametrize("size", SIZES)
def test_any_part_opens_without_the_rest(tmp_path: Path, size: int) -> None:
    content = content_of(size)
    sealed = staged(tmp_path, content).path.read_bytes()
    places = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, size - 1, size]
    for start in places:
        for stop in places:
            if 0 <= start < stop <= size:
                assert opened(sealed, size, start, stop) == content[start:stop]


def test_a_part_reads_only_the_chunks_it_lies_in() -> None:
    assert span_of(10 * CHUNK, 3 * CHUNK + 5, 3 * CHUNK + 6) == (3 * SEALED_CHUNK, 4 * SEALED_CHUNK)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[: 2 * SEALED_CHUNK],
        lambda sealed: sealed[:SEALED_CHUNK] + sealed[2 * SEALED_CHUNK :],
        lambda sealed: sealed[SEALED_CHUNK : 2 * SEALED_CHUNK] + sealed[:SEALED_CHUNK] + sealed[2 * SEALED_CHUNK :],
        lambda sealed: sealed[:5] + bytes([sealed[5] ^ 1]) + sealed[6:],
        lambda sealed: b"",
    ],
    ids=["last byte", "last chunk", "middle chunk", "order", "one bit", "everything"],
)
def test_what_was_changed_or_cut_off_does_not_open(tmp_path: Path, spoil: object) -> None:
    size = 2 * CHUNK + 7
    sealed = staged(tmp_path, content_of(size)).path.read_bytes()
    with pytest.raises(SealBroken):
        opened(spoil(sealed), size)  # type: ignore[operator]


def test_a_shorter_size_does_not_make_a_shorter_file(tmp_path: Path) -> None:
    """Who changes the row's size as well as the object gains nothing: the last chunk says that it is the last."""
    sealed = staged(tmp_path, content_of(3 * CHUNK)).path.read_bytes()
    with pytest.raises(SealBroken):
        opened(sealed[: 2 * SEALED_CHUNK], 2 * CHUNK)


def test_an_object_opens_only_with_its_key_and_in_its_role(tmp_path: Path) -> None:
    content = content_of(100)
    with pytest.raises(SealBroken):
        opened(staged(tmp_path, content, key=bytes(32)).path.read_bytes(), 100)
    with pytest.raises(SealBroken):
        opened(staged(tmp_path, content).path.read_bytes(), 100, role="clean")


def test_nothing_of_a_file_lies_in_the_clear_while_it_arrives(tmp_path: Path) -> None:
    file = staged(tmp_path, b"a secret sentence " * 10_000)
    assert b"secret" not in file.path.read_bytes()
    assert file.path.stat().st_mode & 0o077 == 0
    file.discard()
    assert list(tmp_path.iterdir()) == []


def test_staging_is_swept_of_what_is_old(tmp_path: Path) -> None:
    file = staged(tmp_path, b"x")
    assert Staging(tmp_path).sweep(older_than_seconds=60) == 0
    assert Staging(tmp_path).sweep(older_than_seconds=-1) == 1
    assert not file.path.exists()

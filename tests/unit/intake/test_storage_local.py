"""The local folder: whole objects or none, under keys that lead nowhere else."""

from pathlib import Path

import pytest

from services.intake.storage.local_folder import LocalFolder
from services.intake.storage.port import ObjectMissing, StorageError

KEY = "ab/cd/abcd"


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "objects")


def source(tmp_path: Path, content: bytes = b"0123456789" * 100_000) -> Path:
    path = tmp_path / "source"
    path.write_bytes(content)
    return path


async def read(folder: LocalFolder, start: int, stop: int, key: str = KEY) -> bytes:
    return b"".join([piece async for piece in folder.open_stream(key, start, stop)])


async def test_an_object_is_put_read_and_deleted(folder: LocalFolder, tmp_path: Path) -> None:
    await folder.put_stream(KEY, source(tmp_path))

    assert await folder.exists(KEY)
    assert await read(folder, 5, 25) == b"56789012345678901234"
    assert len(await read(folder, 0, 1_000_000)) == 1_000_000
    await folder.delete(KEY)
    await folder.delete(KEY)
    assert not await folder.exists(KEY)
    with pytest.raises(ObjectMissing):
        await read(folder, 0, 1)


async def test_only_its_owner_may_read_an_object(folder: LocalFolder, tmp_path: Path) -> None:
    await folder.put_stream(KEY, source(tmp_path))
    made = [tmp_path / "objects" / part for part in ("ab", "ab/cd", "ab/cd/abcd")]
    assert [path.stat().st_mode & 0o077 for path in made] == [0, 0, 0]


async def test_what_cannot_be_stored_leaves_nothing(folder: LocalFolder, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        await folder.put_stream(KEY, tmp_path / "not there")
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a//b", "a/./b", "", "a b", "a/..", "ä\x00"])
async def test_a_key_leads_nowhere_else(folder: LocalFolder, tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await folder.put_stream(key, source(tmp_path))

"""Attachments in a bucket: the same behaviour over S3, in parts when they are large."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.intake.settings import Settings
from services.intake.storage.choice import open_storage
from services.intake.storage.port import ObjectMissing, ObjectStore, StorageError
from services.intake.use_cases.shred_attachments import shred_attachments
from services.intake.worker.attachment_sweep import AttachmentSweep
from shared.clock import ManualClock
from shared.db.engine import Database
from tests.integration.intake.attachment_desk import add_file, content_of, original_of, post_files
from tests.integration.intake.conftest import opened
from tests.support import media_samples as samples
from tests.support.running import running
from tests.support.s3_server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, S3Server

KEY = "ab/cd/abcd"


@pytest.fixture
async def s3() -> AsyncIterator[tuple[S3Server, str]]:
    server, app = S3Server(), FastAPI()
    app.mount("/", server)
    async with running(app) as client:
        yield server, str(client.base_url).rstrip("/")


@pytest.fixture
def s3_settings(s3: tuple[S3Server, str], tmp_path: Path) -> Settings:
    return Settings(
        database_url=SecretStr("postgresql://intake@127.0.0.1/x"),
        master_key=SecretStr("a-master-key-of-the-tests,-long-enough"),
        rate_limit_per_second=0,
        access_log=False,
        data_dir=tmp_path,
        attachment_store=f"s3://{BUCKET}/city/files",
        attachment_s3_endpoint=s3[1],
        attachment_s3_region=REGION,
        attachment_s3_access_key_id=SecretStr(ACCESS_KEY),
        attachment_s3_secret_access_key=SecretStr(SECRET_KEY),
    )


@pytest.fixture
def bucket(s3_settings: Settings) -> ObjectStore:
    return open_storage(s3_settings)


async def read(bucket: ObjectStore, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in bucket.open_stream(KEY, start, stop)])


async def test_an_object_is_put_read_and_deleted(bucket: ObjectStore, s3: tuple[S3Server, str], tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"0123456789" * 1_000)

    await bucket.put_stream(KEY, source)

    assert not source.exists()
    assert list(s3[0].objects) == [f"city/files/{KEY}"]
    assert await read(bucket, 5, 25) == b"56789012345678901234"
    assert await bucket.exists(KEY)
    await bucket.delete(KEY)
    await bucket.delete(KEY)
    assert not await bucket.exists(KEY)
    with pytest.raises(ObjectMissing):
        await read(bucket, 0, 1)


async def test_a_large_object_goes_up_in_parts(bucket: ObjectStore, s3: tuple[S3Server, str], tmp_path: Path) -> None:
    content = bytes(range(256)) * 4 * 1024 * 12
    source = tmp_path / "source"
    source.write_bytes(content)

    await bucket.put_stream(KEY, source)

    assert s3[0].objects[f"city/files/{KEY}"] == content
    assert [line for line in s3[0].requests if line.startswith("POST")] == ["POST uploads", "POST uploadId"]


async def test_a_wrong_secret_is_a_failure_of_the_storage(s3_settings: Settings, tmp_path: Path) -> None:
    wrong = s3_settings.model_copy(update={"attachment_s3_secret_access_key": SecretStr("wrong")})
    source = tmp_path / "source"
    source.write_bytes(b"x")

    with pytest.raises(StorageError):
        await open_storage(wrong).put_stream(KEY, source)

    assert source.exists()


async def test_attachments_live_in_a_bucket(
    s3: tuple[S3Server, str],
    s3_settings: Settings,
    intake_settings: Settings,
    intake_db: Database,
    manual_clock: ManualClock,
) -> None:
    """Posted, read in part, withdrawn from the bucket by the sweep; and an honest 503 while it is away."""
    urls = {"database_url": intake_settings.database_url, "redis_url": intake_settings.redis_url}
    settings = s3_settings.model_copy(update=urls)
    async for office in opened(settings, intake_db, manual_clock):
        receipt = await office.register()
        added = await add_file(office, receipt["id"], samples.jpeg())
        assert (await original_of(office, added)).content == samples.jpeg()
        part = await content_of(office, added, Range="bytes=2-9")
        assert (part.status_code, len(part.content)) == (206, 8)
        assert len(s3[0].objects) == 2
        assert all(samples.SECRET not in content for content in s3[0].objects.values())
        assert [path for path in settings.data_dir.rglob("*") if path.is_file()] == []

        appeal_id = (await office.rows("attachments"))[0]["appeal_id"]
        await office.database.transact(lambda uow, it=appeal_id: shred_attachments(uow, it))  # type: ignore[misc]
        room = office.app.state.attachments
        await AttachmentSweep(office.database, room.store, room.staging).sweep()
        assert s3[0].objects == {}

        s3[0].away = True
        refused = await post_files(office, receipt["id"], samples.text())
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert len(await office.rows("attachments")) == 1
        assert [path for path in settings.data_dir.rglob("*") if path.is_file()] == []

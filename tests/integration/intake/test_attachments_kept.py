"""What stays of attachments and what goes: shredding, uploads of a process that died, objects that were changed."""

from uuid import UUID

import sqlalchemy as sa

from services.intake.storage.choice import open_staging, open_storage
from services.intake.storage.sealed_objects import ObjectCipher
from services.intake.storage.staging import Staging
from services.intake.use_cases.add_attachments import STORING_TAKES_AT_MOST, note_objects
from services.intake.use_cases.shred_attachments import shred_attachments
from services.intake.worker.attachment_sweep import AttachmentSweep
from tests.integration.intake.attachment_desk import add_file, content_of, original_of, post_files
from tests.integration.intake.office import Office
from tests.support import media_samples as samples


def objects_of(office: Office) -> list[str]:
    """The names of all files below the folder of attachments."""
    root = office.app.state.settings.data_dir / "attachments"
    return sorted(path.name for path in root.rglob("*") if path.is_file())


async def nothing_was_stored(office: Office) -> None:
    assert objects_of(office) == []
    assert await office.rows("attachments") == []
    assert await office.rows("attachment_leftovers") == []


async def test_shredding_leaves_rows_without_content(office: Office) -> None:
    receipt, kept = await office.register(), await office.register()
    added = await add_file(office, receipt["id"], samples.jpeg(), note="路口")
    stays = await add_file(office, kept["id"], samples.text())

    await office.database.transact(lambda uow: shred_attachments(uow, UUID(receipt["id"])))

    for answer in (await content_of(office, added), await original_of(office, added)):
        assert (answer.status_code, answer.json()["code"]) == (410, "attachment_gone")
    row = next(row for row in await office.rows("attachments") if str(row["id"]) == added["id"])
    assert (row["wrapped_key"], row["sealed"], row["note"]) == (None, None, "")
    await sweep_of(office).sweep()
    assert len(objects_of(office)) == 1
    assert await office.rows("attachment_leftovers") == []
    assert (await content_of(office, stays)).content == samples.text()


def sweep_of(office: Office) -> AttachmentSweep:
    settings = office.app.state.settings
    return AttachmentSweep(office.database, open_storage(settings), open_staging(settings))


async def test_objects_of_a_process_that_died_are_swept_away(office: Office) -> None:
    receipt = await office.register()
    added = await add_file(office, receipt["id"], samples.text())
    room = office.app.state.attachments
    staged = Staging(office.app.state.settings.data_dir / "attachments" / "incoming").begin(
        ObjectCipher(bytes(32), "original")
    )
    staged.write(b"x")
    staged.finish()
    await office.database.transact(lambda uow: note_objects(uow, ["aa/bb/cc"]))
    await room.store.put_stream("aa/bb/cc", staged.path)

    await sweep_of(office).sweep()
    assert await room.store.exists("aa/bb/cc")
    office.clock.advance(STORING_TAKES_AT_MOST)
    await sweep_of(office).sweep()

    assert not await room.store.exists("aa/bb/cc")
    assert await office.rows("attachment_leftovers") == []
    assert (await content_of(office, added)).status_code == 200


async def test_an_object_that_was_changed_is_not_sent(office: Office) -> None:
    receipt = await office.register()
    added = await add_file(office, receipt["id"], samples.text())
    (path,) = (p for p in (office.app.state.settings.data_dir / "attachments").rglob("*") if p.is_file())
    sealed = bytearray(path.read_bytes())
    sealed[3] ^= 1
    path.write_bytes(bytes(sealed))

    assert (await content_of(office, added)).status_code == 503
    path.unlink()
    assert (await content_of(office, added)).status_code == 503


async def test_an_archived_appeal_takes_nothing(office: Office) -> None:
    receipt = await office.register()
    await office.database.transact(
        lambda uow: uow.connection.execute(sa.text("UPDATE intake.progress SET status = 'archived'"))
    )

    answer = await post_files(office, receipt["id"], samples.jpeg())

    assert (answer.status_code, answer.json()["code"]) == (409, "appeal_archived")
    await nothing_was_stored(office)

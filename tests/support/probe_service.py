"""A small service made by the same factory as the real ones: one table of notes and a route for each thing to prove."""

import asyncio
from typing import Annotated, Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response, Security
from pydantic import Field

from shared.clock import Clock
from shared.db.engine import Database
from shared.db.schema import service_metadata
from shared.db.unit_of_work import UnitOfWork
from shared.errors import IllegalMove, NotFound
from shared.http.dependencies import Db, Idempotency, IfMatch, Page, PageQuery, etag_of, public, require
from shared.http.idempotency import idempotency_table
from shared.http.preconditions import expect
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Moment, Output, Paragraph
from shared.identity.api_keys import IssuedKey, issue_key, store_key
from shared.identity.principal import Principal
from shared.identity.tables import api_key_table
from shared.ids import uuid7
from shared.settings import ServiceSettings
from shared.vocabulary import Service

METADATA = service_metadata("intake")
KEYS = api_key_table(METADATA)
REPLIES = idempotency_table(METADATA)
NOTES = sa.Table(
    "notes",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
)


class ProbeSettings(ServiceSettings):
    """Settings of the probe; it stands in for intake."""

    SERVICE: ClassVar[Service] = Service.INTAKE


class NewNote(Input):
    """What a client sends."""

    text: Annotated[str, Paragraph(2000)]
    title: Annotated[str, Line(100)] | None = None
    weight: int = 0
    at: Moment | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)


class Note(Output):
    """What the probe answers."""

    id: UUID
    text: str
    version: int


Writer = Annotated[Principal, Security(require("appeals:write"))]
Reader = Annotated[Principal, Security(require("appeals:read"))]

notes = APIRouter(prefix="/v1/notes", tags=["notes"])
faults = APIRouter(prefix="/v1/faults", tags=["faults"], dependencies=[Depends(public())], include_in_schema=False)


async def _write(uow: UnitOfWork, note: NewNote, principal: Principal) -> Note:
    written = Note(id=uuid7(), text=note.text, version=1)
    await uow.connection.execute(
        sa.insert(NOTES).values(id=written.id, text=note.text, author=principal.actor, version=1)
    )
    return written


@notes.post("", status_code=201, response_model=Note, responses=problem_documentation([409]))
async def create_note(note: NewNote, db: Db, idem: Idempotency, principal: Writer) -> Response:
    """Write a note once per idempotency key."""
    return await idem.run(
        db,
        lambda uow: _write(uow, note, principal),
        status=201,
        render=lambda made: (made, {"Location": f"/v1/notes/{made.id}", "ETag": etag_of(made.version)}),
    )


@notes.post("/slow", status_code=201, response_model=Note, include_in_schema=False)
async def create_slow_note(note: NewNote, request: Request, db: Db, idem: Idempotency, principal: Writer) -> Response:
    """Hold the transaction open until the test lets go."""
    gate: asyncio.Event = request.app.state.gate

    async def work(uow: UnitOfWork) -> Note:
        made = await _write(uow, note, principal)
        request.app.state.entered.set()
        await asyncio.wait_for(gate.wait(), timeout=10)
        return made

    return await idem.run(db, work, status=201, render=lambda made: (made, {}))


@notes.get("", response_model=Page[Note])
async def list_notes(db: Db, page: PageQuery, principal: Reader) -> Page[Note]:
    """All notes."""

    async def read(uow: UnitOfWork) -> Page[Note]:
        rows = await uow.connection.execute(sa.select(NOTES).limit(page.limit))
        return Page(items=[Note(id=row.id, text=row.text, version=row.version) for row in rows])

    return await db.transact(read, read_only=True)


@notes.get("/{note_id}", response_model=Note, responses=problem_documentation([404]))
async def get_note(note_id: UUID, db: Db, principal: Reader, response: Response) -> Note:
    """One note."""

    async def read(uow: UnitOfWork) -> Note:
        row = (await uow.connection.execute(sa.select(NOTES).where(NOTES.c.id == note_id))).one_or_none()
        if row is None:
            raise NotFound("There is no such note.")
        return Note(id=row.id, text=row.text, version=row.version)

    note = await db.transact(read, read_only=True)
    response.headers["ETag"] = etag_of(note.version)
    return note


@notes.put("/{note_id}", response_model=Note, responses=problem_documentation([404, 412]))
async def edit_note(note_id: UUID, note: NewNote, db: Db, if_match: IfMatch, principal: Writer) -> Note:
    """Change what has been seen."""

    async def edit(uow: UnitOfWork) -> Note:
        row = (
            await uow.connection.execute(sa.select(NOTES).where(NOTES.c.id == note_id).with_for_update())
        ).one_or_none()
        if row is None:
            raise NotFound("There is no such note.")
        expect(if_match, row.version)
        version = row.version + 1
        await uow.connection.execute(
            sa.update(NOTES).where(NOTES.c.id == note_id).values(text=note.text, version=version)
        )
        return Note(id=note_id, text=note.text, version=version)

    return await db.transact(edit)


@notes.post("/{note_id}/archive", response_model=Note, responses=problem_documentation([409]))
async def archive_note(note_id: UUID, principal: Writer) -> Note:
    """Never allowed: a note is a note."""
    raise IllegalMove("archive", "written", ["edit", "delete"])


@faults.get("/crash")
async def crash(text: str = "") -> Note:
    """Fail with personal data in the message, as a careless library would."""
    raise RuntimeError(f"cannot handle {text}")


@faults.get("/database")
async def fail_in_database(db: Db, text: str = "") -> Note:
    """Let the database refuse a statement whose parameters hold personal data."""

    async def work(uow: UnitOfWork) -> Note:
        await uow.connection.execute(sa.text("SELECT CAST(:text AS integer)"), {"text": text})
        raise AssertionError

    return await db.transact(work)


@faults.get("/stall")
async def stall(db: Db) -> Note:
    """Run a statement for longer than it may."""

    async def work(uow: UnitOfWork) -> Note:
        await uow.connection.execute(sa.text("SELECT pg_sleep(30)"))
        raise AssertionError

    return await db.transact(work)


async def add_key(
    database: Database,
    clock: Clock,
    *scopes: str,
    department_code: str | None = None,
    expires_at: Any = None,
) -> IssuedKey:
    """Issue and store a key for a test."""
    issued = issue_key(name="test", scopes=scopes, clock=clock, department_code=department_code, expires_at=expires_at)
    await database.transact(lambda uow: store_key(uow.connection, KEYS, issued.record))
    return issued


async def create_probe_tables(database: Database) -> None:
    """Create the probe's tables in the schema its role owns."""

    async def create(uow: UnitOfWork) -> None:
        await uow.connection.run_sync(METADATA.create_all)

    await database.transact(create)

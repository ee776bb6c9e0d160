"""The statement that puts appeals on the record: appeal, vault, history and progress of any number of them at once.

One statement for one appeal or five hundred: each column travels as an array, so the plan is prepared once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.db.vault import Sealed
from services.intake.domain import groups, texts
from services.intake.domain.appeals import Registered
from shared.vocabulary import AppealStatus, AppealType

RECEIPT_CONSTRAINT: Final = "uq_appeals_receipt_number"
EXTERNAL_CONSTRAINT: Final = "uq_appeals_external_ref"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a citizen sees from the start; of a matter of the past, already its end."""

    status: AppealStatus
    as_of: datetime
    department_code: str | None = None
    department_name: str | None = None
    promised_by: datetime | None = None
    assigned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewAppeal:
    """An appeal with everything its process made for it, ready to be written."""

    id: UUID
    receipt_number: str
    access_code: str
    access_hash: bytes
    registered: Registered
    sealed: Sealed | None
    phone_hash: bytes | None
    email_hash: bytes | None
    actor: str
    seen: Seen


# Column of the input, its PostgreSQL type. Arrays of arrays do not unnest, so text[] travels as its literal.
COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("id", "uuid"),
    ("receipt_number", "text"),
    ("access_hash", "bytea"),
    ("type", "text"),
    ("channel", "text"),
    ("category_code", "text"),
    ("urgency", "text"),
    ("mode", "text"),
    ("status", "text"),
    ("title", "text"),
    ("description", "text"),
    ("place", "text"),
    ("grid_code", "text"),
    ("longitude", "float8"),
    ("latitude", "float8"),
    ("anonymous", "boolean"),
    ("confidential", "boolean"),
    ("wants_reply", "boolean"),
    ("special_care", "text"),
    ("households", "integer"),
    ("signatories", "integer"),
    ("on_behalf", "boolean"),
    ("reporter_hint", "jsonb"),
    ("external_system", "text"),
    ("external_id", "text"),
    ("attributes", "jsonb"),
    ("occurred_at", "timestamptz"),
    ("received_at", "timestamptz"),
    ("created_at", "timestamptz"),
    ("accepted_at", "timestamptz"),
    ("accept_due_at", "timestamptz"),
    ("channel_details", "jsonb"),
    ("first_contact_staff", "text"),
    ("rules", "text"),
    ("actor", "text"),
    ("details", "jsonb"),
    ("key_id", "text"),
    ("wrapped_key", "bytea"),
    ("sealed", "bytea"),
    ("phone_hash", "bytea"),
    ("email_hash", "bytea"),
    ("seen_status", "text"),
    ("as_of", "timestamptz"),
    ("department_code", "text"),
    ("department_name", "text"),
    ("promised_by", "timestamptz"),
    ("assigned_at", "timestamptz"),
)
_NAMES: Final = tuple(name for name, _ in COLUMNS)
_APPEAL: Final = _NAMES[: _NAMES.index("rules")]


def row_of(new: NewAppeal) -> tuple[Any, ...]:
    """Return an appeal's values in the order of COLUMNS."""
    registered = new.registered
    said, classification, public = registered.submission, registered.classification, registered.public
    location, reporter, external = said.location, said.reporter, said.external_ref
    joint = said.joint
    return (
        new.id,
        new.receipt_number,
        new.access_hash,
        said.type,
        said.channel,
        classification.category.code if classification.category else None,
        classification.urgency,
        classification.mode,
        registered.status,
        public.title,
        public.description,
        public.place,
        location.grid_code if location else None,
        location.longitude if location else None,
        location.latitude if location else None,
        reporter.anonymous if reporter else False,
        registered.confidential,
        reporter.wants_reply if reporter else True,
        array_literal(said.special_care),
        joint.households if joint else 0,
        groups.persons_of(joint),
        said.on_behalf_of is not None,
        _hint_of(registered),
        external.system if external else None,
        external.id if external else None,
        orjson.dumps(public.attributes).decode() if public.attributes else "{}",
        registered.occurred_at,
        registered.received_at,
        registered.registered_at,
        registered.accepted_at,
        registered.accept_due_at,
        orjson.dumps(public.channel_details).decode() if public.channel_details else "{}",
        said.first_contact_staff,
        *_process_values(new),
    )


def _process_values(new: NewAppeal) -> tuple[Any, ...]:
    """What its process made for an appeal: history, vault, progress."""
    sealed, seen = new.sealed, new.seen
    return (
        array_literal(new.registered.rules),
        new.actor,
        orjson.dumps(new.registered.decisions).decode() if new.registered.decisions else "{}",
        sealed.key_id if sealed else None,
        sealed.wrapped_key if sealed else None,
        sealed.sealed if sealed else None,
        new.phone_hash,
        new.email_hash,
        seen.status,
        seen.as_of,
        seen.department_code,
        seen.department_name,
        seen.promised_by,
        seen.assigned_at,
    )


def array_literal(values: Sequence[str]) -> str:
    """Return a text[] literal of plain words."""
    return f"{{{','.join(values)}}}"


def _hint_of(registered: Registered) -> str | None:
    """What an agent may see of the reporter; nothing at all when the reporter's identity is protected."""
    reporter = registered.submission.reporter
    protected = registered.confidential or registered.submission.type is AppealType.REPORT
    if reporter is None or protected or reporter.anonymous or not reporter.has_identity:
        return None
    hint = {
        "name": texts.mask_name(reporter.name) if reporter.name else None,
        "phone": texts.mask_phone(registered.phone) if registered.phone else None,
        "email": texts.mask_email(reporter.email) if reporter.email else None,
    }
    return orjson.dumps(hint).decode()


def input_relation(parameters: Sequence[str]) -> str:
    """Return the SQL of the input rows, given one parameter per column."""
    arrays = ", ".join(f"CAST({name} AS {kind}[])" for name, (_, kind) in zip(parameters, COLUMNS, strict=True))
    return f"input AS MATERIALIZED (SELECT * FROM unnest({arrays}) AS t({', '.join(_NAMES)}))"  # noqa: S608 - our names


_SELECTED: Final = ", ".join(n if n != "special_care" else "CAST(special_care AS text[])" for n in _APPEAL)

# Parts of a WITH query over `input`.
APPEAL_PARTS: Final = f"""
a AS (
    INSERT INTO intake.appeals ({", ".join(_APPEAL)})
    SELECT {_SELECTED} FROM input
), v AS (
    INSERT INTO intake.pii_vault (appeal_id, key_id, wrapped_key, sealed, phone_hash, email_hash)
    SELECT id, key_id, wrapped_key, sealed, phone_hash, email_hash FROM input WHERE sealed IS NOT NULL
), h AS (
    INSERT INTO intake.appeal_events (appeal_id, sequence, move, rules, from_status, to_status, actor, at, details)
    SELECT id, 1, 'register', CAST(rules AS text[]), 'draft', status, actor, created_at, details FROM input
), p AS (
    INSERT INTO intake.progress
        (appeal_id, status, round, as_of, department_code, department_name, promised_by,
         assigned_round, assigned_leg, assigned_at, registered_at)
    SELECT id, seen_status, 1, as_of, department_code, department_name, promised_by,
           CASE WHEN department_code IS NULL THEN NULL ELSE 1 END,
           CASE WHEN department_code IS NULL THEN NULL ELSE 0 END, assigned_at, created_at
    FROM input
)"""  # noqa: S608 - column names of our own

_INSERT: Final = text(f"WITH {input_relation([f':{name}' for name in _NAMES])}, {APPEAL_PARTS} SELECT 1")


async def insert_appeals(connection: AsyncConnection, appeals: Sequence[NewAppeal]) -> None:
    """Write appeals. Raises IntegrityError when a receipt number or an external reference is taken."""
    columns = list(zip(*(row_of(new) for new in appeals), strict=True))
    await connection.execute(_INSERT, {name: list(values) for name, values in zip(_NAMES, columns, strict=True)})


@dataclass(frozen=True, slots=True)
class Taken:
    """Which of the asked-for numbers are in use."""

    receipt_numbers: frozenset[str]
    external: dict[tuple[str, str], tuple[UUID, str]]


_TAKEN: Final = text(
    """
SELECT id, receipt_number, external_system, external_id FROM intake.appeals
WHERE receipt_number = ANY(CAST(:receipts AS text[]))
UNION ALL
SELECT a.id, a.receipt_number, a.external_system, a.external_id
FROM unnest(CAST(:systems AS text[]), CAST(:ids AS text[])) AS k(system, external_id)
JOIN intake.appeals a ON a.external_system = k.system AND a.external_id = k.external_id
"""
)


async def find_taken(
    connection: AsyncConnection, receipt_numbers: Sequence[str], external: Sequence[tuple[str, str]]
) -> Taken:
    """Look up which receipt numbers and external references exist already."""
    rows = (
        await connection.execute(
            _TAKEN,
            {
                "receipts": list(receipt_numbers),
                "systems": [system for system, _ in external],
                "ids": [id_ for _, id_ in external],
            },
        )
    ).all()
    wanted = set(receipt_numbers)
    return Taken(
        receipt_numbers=frozenset(row.receipt_number for row in rows if row.receipt_number in wanted),
        external={
            (row.external_system, row.external_id): (row.id, row.receipt_number)
            for row in rows
            if row.external_id is not None
        },
    )

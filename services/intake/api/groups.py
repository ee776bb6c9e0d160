"""One matter, many voices: attaching and detaching, joint appeals and their signatories."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.intake.api.dependencies import Reader, Reviewer, TheDesk, Writer, mover_of
from services.intake.api.group_schemas import (
    AttachIn,
    DetachIn,
    GroupView,
    SignatoriesIn,
    SignatoryVersions,
    group_view,
    versions_view,
)
from services.intake.api.views import AppealView, appeal_view
from services.intake.use_cases.attach_appeal import AttachAppeal, attach_appeal, detach_appeal
from services.intake.use_cases.find_appeals import get_appeal
from services.intake.use_cases.keep_signatories import ListVersion, PutSignatories, put_signatories, read_signatories
from services.intake.use_cases.read_group import read_group
from shared.db.unit_of_work import UnitOfWork
from shared.http.dependencies import Db, Idempotency, IfMatch, etag_of
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1/appeals", tags=["groups"])


@router.post(
    "/{appeal_id}/attach",
    operation_id="attach_appeal",
    summary="Handle an appeal with another on the same matter",
    response_model=AppealView,
    responses=problem_documentation([404, 409, 412]),
)
async def attach(
    appeal_id: UUID, request: AttachIn, db: Db, idem: Idempotency, expected: IfMatch, principal: Reviewer
) -> Response:
    """T9: it keeps its number, notices and verdict; a ticket that is out for it is called back."""
    command = AttachAppeal(appeal_id, request.master_id, request.reason)
    mover = mover_of(principal, expected)
    return await idem.run(db, lambda uow: attach_appeal(uow, command, mover), status=200, render=_appeal)


@router.post(
    "/{appeal_id}/detach",
    operation_id="detach_appeal",
    summary="Let an attached appeal go its own way again",
    response_model=AppealView,
    responses=problem_documentation([404, 409, 412]),
)
async def detach(
    appeal_id: UUID, request: DetachIn, db: Db, idem: Idempotency, expected: IfMatch, principal: Reviewer
) -> Response:
    """Its clocks start where they started, not now."""
    mover = mover_of(principal, expected)
    return await idem.run(
        db,
        lambda uow: detach_appeal(uow, appeal_id, reason=request.reason, mover=mover),
        status=200,
        render=_appeal,
    )


@router.get(
    "/{appeal_id}/group",
    operation_id="get_group",
    summary="The appeals that are handled with this one",
    response_model=GroupView,
    responses=problem_documentation([404]),
)
async def show_group(appeal_id: UUID, db: Db, principal: Reader) -> GroupView:
    """Asked for by the master or by a member; appeals, persons and households are counted apart."""
    return group_view(
        await db.transact(
            lambda uow: read_group(uow, appeal_id, department_code=principal.department_code), read_only=True
        )
    )


@router.post(
    "/{appeal_id}/signatories",
    operation_id="put_signatories",
    summary="A new version of who signed a joint appeal",
    response_model=SignatoryVersions,
    responses=problem_documentation([404, 409]),
)
async def write_signatories(
    appeal_id: UUID, request: SignatoriesIn, db: Db, desk: TheDesk, idem: Idempotency, principal: Writer
) -> Response:
    """The whole list; versions before it stay, sealed. At most five people represent it."""
    command = PutSignatories(appeal_id, request.to_domain(), request.reason, principal.actor)

    async def work(uow: UnitOfWork) -> list[ListVersion]:
        await get_appeal(uow, appeal_id, department_code=principal.department_code)
        return await put_signatories(uow, desk, command)

    return await idem.run(db, work, status=200, render=lambda versions: (versions_view(versions), {}))


@router.get(
    "/{appeal_id}/signatories",
    operation_id="list_signatory_versions",
    summary="The versions of who signed, without names",
    response_model=SignatoryVersions,
    responses=problem_documentation([404]),
)
async def show_signatories(appeal_id: UUID, db: Db, desk: TheDesk, principal: Reader) -> SignatoryVersions:
    """Each is checked against its seal; the names are in the vault's content, which is revealed with a reason."""

    async def work(uow: UnitOfWork) -> list[ListVersion]:
        await get_appeal(uow, appeal_id, department_code=principal.department_code)
        return await read_signatories(uow, desk, appeal_id)

    return versions_view(await db.transact(work, read_only=True))


def _appeal(row: dict[str, Any]) -> tuple[AppealView, dict[str, str]]:
    return appeal_view(row), {"ETag": etag_of(row["shown_version"])}

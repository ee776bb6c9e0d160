"""Tables of letters, book entries and cards: a CSV body in, a result per line out, as JSON or as CSV."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Query, Request, Response

from services.intake.api.appeals import batch_view, item_problem, read_item
from services.intake.api.dependencies import TheDesk, Writer, run_sealed
from services.intake.api.entry_views import CsvItem, CsvResult
from services.intake.api.express import NO_STORE
from services.intake.api.registries import EntryReader
from services.intake.api.views import BatchItem, ItemProblem
from services.intake.domain.entry_csv import CsvKind, CsvLine, CsvTable, decode, read_table, template, write_table
from services.intake.use_cases.register_appeals import Outcome, RegisterAppeal, register_appeals
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput
from shared.http.dependencies import Db, Idempotency
from shared.http.problems import problem_documentation
from shared.http.requests import require_media_type
from shared.identity.principal import Principal

CSV: Final = "text/csv"
BODY_LIMIT: Final = 8 * 1024 * 1024
_CSV_BODY: Final = {"schema": {"type": "string"}}
_HEADER: Final = ("line", "status", "receipt_number", "access_code", "title", "column", "message")
_BYTE_ORDER_MARK: Final = "\ufeff"

router = APIRouter(prefix="/v1/appeals", tags=["entry"])


@router.get(
    "/csv-template",
    operation_id="get_csv_template",
    summary="A table to fill in",
    response_class=Response,
    responses={200: {"content": {CSV: _CSV_BODY}, "description": "A header line and an example."}},
)
async def read_template(
    kind: Annotated[CsvKind, Query()],
    _principal: EntryReader,
    lang: Annotated[str, Query(pattern=r"^(en|zh)$", description="Language of the header.")] = "en",
) -> Response:
    """UTF-8 with a byte order mark, as spreadsheets want it."""
    text = _BYTE_ORDER_MARK + template(kind, chinese=lang == "zh")
    disposition = f'attachment; filename="{kind.value}.csv"'
    return Response(text, media_type=CSV, headers={"Content-Disposition": disposition})


@router.post(
    "/csv",
    operation_id="create_appeals_from_csv",
    summary="Register up to 500 lines of a table",
    response_model=CsvResult,
    responses={
        200: {"content": {CSV: _CSV_BODY}, "description": "A result per line; as a table with `Accept: text/csv`."},
        **problem_documentation([400, 409, 413, 415]),
    },
    openapi_extra={"requestBody": {"required": True, "content": {CSV: _CSV_BODY}}},
    max_body_size=BODY_LIMIT,
)
async def create_from_csv(  # noqa: PLR0913, PLR0917 - each one a dependency
    request: Request,
    kind: Annotated[CsvKind, Query()],
    db: Db,
    desk: TheDesk,
    idem: Idempotency,
    principal: Writer,
    accept: Annotated[str, Header(description="`text/csv` for a table as the answer.")] = "application/json",
) -> Response:
    """Each line is judged by itself, as in a batch; errors name line and column. UTF-8, or GB18030 if declared so."""
    charset = require_media_type(request, CSV).get("charset")
    table = read_table(decode(await request.body(), charset), kind, desk.zone)
    items = [_read_line(line, table, principal) for line in table.lines]

    async def work(uow: UnitOfWork) -> list[Outcome]:
        return await register_appeals(uow, desk, [item for item in items if isinstance(item, RegisterAppeal)])

    reply = await run_sealed(
        idem, db, desk.vault, work, status=200, render=lambda outcomes: (_result(table, items, outcomes), NO_STORE)
    )
    return _as_table(reply, table) if CSV in accept.lower() else reply


def _read_line(line: CsvLine, table: CsvTable, principal: Principal) -> RegisterAppeal | ItemProblem:
    if not line.problems:
        return read_item(line.item, principal)
    pointers = {name: pointer for pointer, name in table.columns.items()}
    found = [FieldProblem(pointers.get(problem.column, ""), problem.message) for problem in line.problems]
    return item_problem(InvalidInput("Some cells are not valid.", found))


def _result(table: CsvTable, items: list[RegisterAppeal | ItemProblem], outcomes: list[Outcome]) -> CsvResult:
    batch = batch_view(items, outcomes)
    lines = [_placed(item, line, table) for item, line in zip(batch.items, table.lines, strict=True)]
    return CsvResult(created=batch.created, rejected=batch.rejected, items=lines)


def _placed(item: BatchItem, line: CsvLine, table: CsvTable) -> CsvItem:
    """Tell where in the table each error is."""
    fields: dict[str, Any] = {name: getattr(item, name) for name in BatchItem.model_fields}
    if item.problem is not None:
        errors = [
            {**error, "line": line.number, "column": table.column_of(error["field"])} for error in item.problem.errors
        ]
        fields["problem"] = item.problem.model_copy(update={"errors": errors})
    return CsvItem(**fields, line=line.number)


def _as_table(reply: Response, table: CsvTable) -> Response:
    """Return the same answer as a table, a row per line or per error in it; nothing in it is taken for a formula."""
    rows: list[tuple[Any, ...]] = [_HEADER]
    for line, item in zip(table.lines, orjson.loads(reply.body)["items"], strict=True):
        known = (line.number, item["status"], item["receipt_number"], item["access_code"], line.item.get("title"))
        problem = item["problem"] or {}
        errors = problem.get("errors") or [{"column": "", "message": problem.get("title", "")}]
        rows += [(*known, error.get("column", ""), error["message"]) for error in errors]
    headers = {name: value for name, value in reply.headers.items() if name not in {"content-length", "content-type"}}
    return Response(_BYTE_ORDER_MARK + write_table(rows), media_type=CSV, headers=headers)

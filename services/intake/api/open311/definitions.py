"""The questions of a service, set by the city beside its categories."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response, Security
from pydantic import Field

from services.intake.api.dependencies import Editor, TheDesk
from services.intake.db.open311 import Definition
from services.intake.domain.open311_attributes import Attribute, DataType, Option
from services.intake.use_cases.open311_attributes import get_attributes, put_attributes
from shared.http.dependencies import Db, IfMatch, etag_of, require
from shared.http.preconditions import expect_row
from shared.http.problems import problem_documentation
from shared.http.text import Input, Line, Output, Paragraph
from shared.identity.principal import Principal

MOST_ATTRIBUTES = 50
MOST_VALUES = 500

_READS = require("appeals:read", "appeals:write", "categories:write")
AnyReader = Annotated[Principal, Security(_READS)]
Code = Annotated[str, Path(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.\-]{0,31}$")]

router = APIRouter(prefix="/v1/categories", tags=["categories"])


class OptionIn(Input):
    """One value of a list."""

    key: Annotated[str, Line(64)]
    name: Annotated[str, Line(200)]


class AttributeIn(Input):
    """One question; `variable` false is a hint that takes no answer."""

    code: Annotated[str, Line(64)] = Field(examples=["CONTAINER"])
    datatype: DataType
    order: int = Field(ge=1, le=10_000)
    description: Annotated[str, Paragraph(1_000, min_length=0)] = ""
    datatype_description: Annotated[str, Paragraph(500, min_length=0)] = ""
    required: bool = False
    variable: bool = True
    values: list[OptionIn] = Field(default_factory=list, max_length=MOST_VALUES)

    def to_domain(self) -> Attribute:
        values = tuple(Option(option.key, option.name) for option in self.values)
        return Attribute(**{**self.model_dump(exclude={"values"}), "values": values})


class AttributesIn(Input):
    """Every question of a service; what is left out is asked no more."""

    attributes: list[AttributeIn] = Field(max_length=MOST_ATTRIBUTES)


class OptionView(Output):
    key: str
    name: str


class AttributeView(Output):
    """A question as it is set."""

    code: str
    datatype: DataType
    order: int
    description: str
    datatype_description: str
    required: bool
    variable: bool
    values: list[OptionView]


class AttributesView(Output):
    """The questions of one service."""

    category_code: str
    attributes: list[AttributeView]
    version: int


@router.get(
    "/{code}/attributes",
    operation_id="get_category_attributes",
    summary="What a category asks",
    response_model=AttributesView,
    responses=problem_documentation([404]),
)
async def read_attributes(
    code: Code, db: Db, desk: TheDesk, response: Response, _principal: AnyReader
) -> AttributesView:
    """With the ETag that changing them takes; none at all is version 0."""
    definition = await db.transact(lambda uow: get_attributes(uow, desk, code), read_only=True)
    if definition.version:
        response.headers["ETag"] = etag_of(definition.version)
    return _view(code, definition)


@router.put(
    "/{code}/attributes",
    operation_id="put_category_attributes",
    summary="Set what a category asks",
    response_model=AttributesView,
    responses=problem_documentation([404, 412]),
)
async def write_attributes(
    code: Code, wanted: AttributesIn, db: Db, desk: TheDesk, expected: IfMatch, response: Response, _principal: Editor
) -> AttributesView:
    """Replaces all of them; GeoReport clients see them at once in the service's definition."""

    attributes = [attribute.to_domain() for attribute in wanted.attributes]
    definition = await db.transact(
        lambda uow: put_attributes(
            uow, desk, code, attributes, check_version=lambda version: expect_row(expected, version)
        )
    )
    response.headers["ETag"] = etag_of(definition.version)
    return _view(code, definition)


def _view(code: str, definition: Definition) -> AttributesView:
    attributes: list[Any] = [
        AttributeView(
            code=attribute.code,
            datatype=attribute.datatype,
            order=attribute.order,
            description=attribute.description,
            datatype_description=attribute.datatype_description,
            required=attribute.required,
            variable=attribute.variable,
            values=[OptionView(key=option.key, name=option.name) for option in attribute.values],
        )
        for attribute in definition.attributes
    ]
    return AttributesView(category_code=code, attributes=attributes, version=definition.version)

"""The plain fields of an upload, read as strictly as a JSON body."""

from typing import Annotated, Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from services.intake.domain.attachments import LONGEST_NOTE, MOST_PER_APPEAL, MediaKind, Purpose
from shared.errors import FieldProblem, InvalidInput
from shared.http.multipart import Part
from shared.http.text import Input, Moment, Paragraph

_LONGEST_FIELD: Final = 8 * 1024
_MOST_FIELDS: Final = 4 + MOST_PER_APPEAL
_REPEATED: Final = "sha256"


class UploadFields(Input):
    """They hold for all files of the body; `sha256` is given once for each, in their order."""

    kind: MediaKind | None = None
    purpose: Purpose = Purpose.MATTER
    note: Annotated[str, Paragraph(LONGEST_NOTE, min_length=0)] | None = None
    taken_at: Moment | None = None
    sha256: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] = ()


class FieldReader:
    """Collects fields as they arrive."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self._name = ""
        self._value = bytearray()
        self._count = 0

    def begin(self, part: Part) -> None:
        """A field begins. Raises InvalidInput when there are too many."""
        self._count += 1
        if self._count > _MOST_FIELDS:
            raise InvalidInput("There are too many fields.", [FieldProblem("", "has too many fields", _MOST_FIELDS)])
        self._name, self._value = part.name[:100], bytearray()

    def take(self, data: bytes) -> None:
        """Raises InvalidInput when the value is too long."""
        self._value += data
        if len(self._value) > _LONGEST_FIELD:
            raise InvalidInput("A field is too long.", [FieldProblem(f"/{self._name}", "is too long")])

    def end(self) -> None:
        """The field is complete."""
        self._values.setdefault(self._name, []).append(self._value.decode("utf-8", "surrogateescape"))

    def finish(self) -> UploadFields:
        """Validate them all. Raises RequestValidationError or InvalidInput."""
        given: dict[str, Any] = {}
        for name, values in self._values.items():
            if name != _REPEATED and len(values) > 1:
                raise InvalidInput("A field is given twice.", [FieldProblem(f"/{name}", "is given more than once")])
            given[name] = values if name == _REPEATED else values[0]
        try:
            return UploadFields.model_validate(given)
        except ValidationError as error:
            found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
            raise RequestValidationError(found) from None

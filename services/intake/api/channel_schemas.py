"""The facts of a channel as clients send them: typed and bounded here, sorted by channel in the domain."""

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.intake.domain.channels import FIELDS, EnteredVia, ReportKind
from shared.http.text import Input, Line, Moment
from shared.vocabulary import Channel

_Reference = Annotated[str, Line(128)]
_Name = Annotated[str, Line(100)]
_Url = Annotated[str, Line(500)]

DESCRIPTION: Final = "Facts of the channel, each optional. " + "; ".join(
    f"{channel.value}: {', '.join(names)}" for channel, names in FIELDS.items()
)


class ChannelDetailsIn(Input):
    """Which of these belong to which channel is told by the description of `channel_details`."""

    location_id: _Reference | None = Field(default=None, description="The box, book or stand, as registered.")
    found_at: Moment | None = Field(default=None, description="When it was found; the clock starts at `received_at`.")
    sheet_number: _Reference | None = None
    entered_via: EnteredVia | None = None
    window_id: _Reference | None = Field(default=None, description="The window, as registered.")
    queue_number: _Reference | None = None
    clerk: _Name | None = Field(default=None, description="Also the first person asked, if none is named (HZ-03).")
    item_code: _Reference | None = Field(default=None, description="The service item, as registered.")
    session_id: UUID | None = Field(default=None, description="The reception day, meeting or visit, as recorded.")
    visitor_number: int | None = Field(default=None, ge=1, le=100_000)
    leader: _Name | None = None
    deputy: _Name | None = None
    informant_id: _Reference | None = Field(default=None, description="Who files, by the code in the registry.")
    reference: _Reference | None = Field(default=None, description="Who files, where the registry does not know them.")
    group: _Name | None = None
    report_kind: ReportKind | None = Field(default=None, description="Hazard is P2 at least, event P1 (HZ-08).")
    system: Annotated[str, Line(64)] | None = None
    foreign_number: _Reference | None = Field(
        default=None, description="The number there; becomes `external_ref` when that is left out."
    )
    handed_over_at: Moment | None = None
    officer: _Name | None = None
    outlet: _Name | None = None
    published_at: Moment | None = None
    url: _Url | None = None
    survey_id: _Reference | None = Field(default=None, description="The survey, as registered.")
    card_number: _Reference | None = None
    evaluation_ref: _Reference | None = None
    score: int | None = Field(default=None, ge=1, le=5)
    device_id: _Reference | None = None
    event_id: _Reference | None = None
    call_id: _Reference | None = None
    recording_id: _Reference | None = None
    line: Annotated[str, Line(32)] | None = Field(default=None, description="The number that was dialled.")
    message_id: _Reference | None = Field(default=None, description="Of the message, never of the person.")
    conversation_id: _Reference | None = None
    client: Annotated[str, Line(64)] | None = Field(default=None, description="The app or page and its version.")

    def given(self) -> dict[str, Any]:
        """The facts that were sent."""
        return self.model_dump(exclude_none=True)


_KNOWN: Final = frozenset(ChannelDetailsIn.model_fields)


def refuse_unknown(value: Any, channel: Channel | None) -> Any:
    """Pass a value on; for fields nobody knows, name those the channel takes. Raises ValidationError."""
    unknown = [name for name in value if name not in _KNOWN] if isinstance(value, dict) else []
    if channel is None or not unknown:
        return value
    taken = list(FIELDS[channel])
    error = PydanticCustomError(
        "channel_field", "is not a known field of channel {channel}", {"channel": channel.value, "allowed": taken}
    )
    raise ValidationError.from_exception_data(
        "ChannelDetailsIn", [InitErrorDetails(type=error, loc=(str(name),), input=None) for name in unknown[:50]]
    )

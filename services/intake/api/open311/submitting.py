"""From the fields a client posted to the command that registers them."""

from services.intake.api.open311.forms import Posted, clean
from services.intake.api.open311.reading import degrees
from services.intake.domain.open311 import LONGEST_DESCRIPTION
from services.intake.settings import Settings
from services.intake.use_cases.open311_submit import SubmitRequest
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealType

_NAME, _PHONE, _EMAIL, _ADDRESS, _ID, _URL = 50, 32, 254, 500, 128, 1_000


def command_of(form: Posted, actor: str, settings: Settings) -> tuple[SubmitRequest, str]:
    """Return the command, and the account id that the answer gives back.

    Device and account ids are a person's and of no use to the matter, so they are not kept. Raises InvalidInput.
    """
    fields = form.fields
    code = clean(fields, "service_code", _ID)
    if not code:
        raise InvalidInput("The service_code is missing.", [FieldProblem("/service_code", "was not provided")])
    command = SubmitRequest(
        service_code=code,
        actor=actor,
        appeal_type=AppealType(settings.open311_appeal_type),
        latitude=degrees(fields, "lat"),
        longitude=degrees(fields, "long"),
        address_string=clean(fields, "address_string", _ADDRESS),
        address_id=clean(fields, "address_id", _ID),
        email=clean(fields, "email", _EMAIL),
        first_name=clean(fields, "first_name", _NAME),
        last_name=clean(fields, "last_name", _NAME),
        phone=clean(fields, "phone", _PHONE),
        description=clean(fields, "description", LONGEST_DESCRIPTION, lines=True),
        media_url=clean(fields, "media_url", _URL),
        attributes=form.attributes,
    )
    return command, clean(fields, "account_id", _ID)

"""The OpenAPI documents as the three applications make them; nothing is connected for it."""

from functools import cache
from typing import Any

from pydantic import SecretStr

from services.dispatch.main import create_app as create_dispatch
from services.dispatch.settings import Settings as DispatchSettings
from services.feedback.main import create_app as create_feedback
from services.feedback.settings import Settings as FeedbackSettings
from services.intake.main import create_app as create_intake
from services.intake.settings import Settings as IntakeSettings
from shared.vocabulary import Service
from tests.support.processes import MASTER_KEY

METHODS = frozenset({"get", "post", "put", "patch", "delete"})

_NOWHERE = SecretStr("postgresql://nobody@/nowhere")
_KEY = SecretStr(MASTER_KEY)


@cache
def document_of(service: Service) -> dict[str, Any]:
    """What `/openapi.json` of a service answers."""
    if service is Service.INTAKE:
        return create_intake(IntakeSettings(database_url=_NOWHERE, master_key=_KEY)).openapi()
    if service is Service.DISPATCH:
        return create_dispatch(DispatchSettings(database_url=_NOWHERE, master_key=_KEY)).openapi()
    return create_feedback(FeedbackSettings(database_url=_NOWHERE, master_key=_KEY)).openapi()


def operations_of(service: Service) -> dict[str, dict[str, Any]]:
    """Every operation by "METHOD path"."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document_of(service)["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }

"""What a city starts from when it says nothing else: the twelve SLA policies of domain section 3.2, as data."""

import json
from functools import cache
from importlib.resources import files

from services.dispatch.domain.sla import SlaPolicy
from services.dispatch.domain.sla_document import policy_from_document


@cache
def default_policies() -> tuple[SlaPolicy, ...]:
    """The default policies in version 1, in the order of the specification."""
    text = (files(__package__) / "sla_policies.json").read_text(encoding="utf-8")
    return tuple(policy_from_document(document) for document in json.loads(text)["policies"])

"""The OpenAPI documents: every path clients are promised is there, described, guarded and answers with problems."""

from typing import Any

import pytest

from shared.vocabulary import Service
from tests.contract.openapi_documents import METHODS, document_of, operations_of

PROMISED = {
    Service.INTAKE: {
        "POST /v1/appeals",
        "POST /v1/appeals/batch",
        "GET /v1/appeals",
        "GET /v1/appeals/{appeal_id}",
        *(
            f"POST /v1/appeals/{{appeal_id}}/{move}"
            for move in (
                "accept",
                "answer",
                "refer",
                "decline",
                "supplement-requests",
                "supplements",
                "attach",
                "detach",
                "withdraw",
                "recategorize",
                "urge",
                "hand-over",
                "attachments",
                "reveal",
                "signatories",
            )
        ),
        "GET /v1/appeals/{appeal_id}/similar",
        "GET /v1/appeals/{appeal_id}/access-log",
        "POST /v1/categories/suggest",
        "GET /v1/volume",
        "GET /v1/knowledge",
        "GET /v1/campaigns",
        "POST /v1/inbound/webhooks/{code}",
        "POST /v1/inbound/mail",
        "GET /v1/track/{receipt_number}",
        "GET /v1/categories",
        "PUT /v1/categories/{code}",
        "GET /open311/v2/discovery",
        "GET /open311/v2/services",
        "GET /open311/v2/services/{service_code}",
        "POST /open311/v2/requests",
        "GET /open311/v2/requests",
        "GET /open311/v2/requests/{service_request_id}",
        "GET /open311/v2/tokens/{token}",
    },
    Service.DISPATCH: {
        "POST /v1/tickets/pull",
        "GET /v1/tickets",
        "GET /v1/tickets/{ticket_id}",
        "GET /v1/tickets/{ticket_id}/timeline",
        "GET /v1/changes",
        "POST /v1/tickets/{ticket_id}/acknowledge",
        "POST /v1/tickets/{ticket_id}/contact",
        "POST /v1/tickets/{ticket_id}/progress",
        "POST /v1/tickets/{ticket_id}/return",
        "POST /v1/tickets/{ticket_id}/resolve",
        "POST /v1/tickets/{ticket_id}/dispatch",
        "POST /v1/tickets/{ticket_id}/return-decision",
        "POST /v1/tickets/{ticket_id}/review",
        "GET /v1/triage",
        "PUT /v1/departments/{code}",
        "PUT /v1/grids/{code}",
        "POST /v1/grids/import",
        "GET /v1/grids/locate",
        "POST /v1/routing/preview",
        "GET /v1/routing/rule-sets",
        "POST /v1/routing/rule-sets",
        "POST /v1/routing/rule-sets/{rule_set_id}/publish",
        "PUT /v1/sla-policies/{code}",
        "PUT /v1/calendars/{code}",
        "POST /v1/sla/preview",
    },
    Service.FEEDBACK: {
        "GET /v1/callbacks",
        "GET /v1/callbacks/{callback_id}",
        "POST /v1/callbacks/{callback_id}/attempts",
        "POST /v1/callbacks/{callback_id}/evaluation-token",
        "POST /v1/evaluations",
        "GET /v1/cases/{appeal_id}",
        "GET /v1/ledger",
    },
}
OF_EVERY_SERVICE = {
    "GET /v1/dead-letters",
    "POST /v1/dead-letters/{dead_letter_id}/retry",
    "POST /v1/dead-letters/{dead_letter_id}/skip",
    "GET /healthz",
    "GET /readyz",
}
OPEN_TO_EVERYBODY = {
    "GET /healthz",
    "GET /readyz",
    "POST /v1/evaluations",
    "GET /open311/v2/discovery",
    "GET /open311/v2/services",
    "GET /open311/v2/services/{service_code}",
    "GET /open311/v2/requests",
    "GET /open311/v2/requests/{service_request_id}",
    "GET /open311/v2/tokens/{token}",
    "GET /open311/v2/media/{token}",
    "POST /v1/inbound/webhooks/{code}",  # the signature is the credential
}
OF_ANOTHER_STANDARD = " /open311/"  # its errors are documents of its own, and 401 is 403
CREATES_AND_MOVES_NOTHING = {
    "POST /v1/appeals/{appeal_id}/attachments/{attachment_id}/reveal",
    "POST /v1/appeals/{appeal_id}/attachments/{attachment_id}/original",
    "POST /v1/appeals/search",
    "POST /v1/categories/suggest",
    "POST /v1/inbound/mail",  # the Message-ID tells a repetition
    "POST /v1/inbound/webhooks/{code}",  # so does the webhook-id
    "POST /v1/inbound/sources/{code}/deliveries/{id}/retry",
    "POST /v1/appeals/similar",
    "POST /v1/informants/{code}/reveal",
    "POST /v1/appeals/{appeal_id}/reveal",  # every call is logged as one more look
    "POST /v1/tickets/pull",  # every call leases what is there now
    "POST /v1/routing/preview",
    "POST /v1/sla/preview",
}
EDITED_BY_PUT = "PUT "
OF_FOREIGN_FORMATS = {"FeatureCollection"}  # GeoJSON allows members of anybody's own

every_service = pytest.mark.parametrize("service", list(Service))


@every_service
def test_every_promised_path_is_there(service: Service) -> None:
    missing = (PROMISED[service] | OF_EVERY_SERVICE) - set(operations_of(service))

    assert missing == set()


@every_service
def test_the_document_is_openapi_3_1(service: Service) -> None:
    assert document_of(service)["openapi"].startswith("3.1")


@every_service
def test_every_operation_is_named_once_and_described(service: Service) -> None:
    operations = operations_of(service)
    names = [operation["operationId"] for operation in operations.values()]

    assert len(names) == len(set(names))
    for path, operation in operations.items():
        assert operation.get("summary"), path
        assert operation.get("tags"), path


@every_service
def test_only_the_listed_paths_are_open_to_everybody(service: Service) -> None:
    open_paths = {path for path, operation in operations_of(service).items() if operation.get("security") == []}

    assert open_paths <= OPEN_TO_EVERYBODY
    for path, operation in operations_of(service).items():
        if path not in open_paths:
            assert {"bearer": []} in operation["security"], path
            assert len(operation["security"]) == 1 or OF_ANOTHER_STANDARD in path, path
            assert operation["x-required-scopes"], path


@every_service
def test_every_refusal_is_documented_as_a_problem(service: Service) -> None:
    for path, operation in operations_of(service).items():
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                kinds = ["application/problem+json"]
                if OF_ANOTHER_STANDARD in path:
                    kinds = ["application/json", "text/xml"]
                assert list(response["content"]) == kinds, f"{path} {status}"


@every_service
def test_guarded_paths_say_that_they_may_refuse_a_caller(service: Service) -> None:
    for path, operation in operations_of(service).items():
        if path not in OPEN_TO_EVERYBODY:
            refusals = {"403", "429"} if OF_ANOTHER_STANDARD in path else {"401", "403", "429"}
            assert refusals <= set(operation["responses"]), path


@every_service
def test_every_post_that_creates_or_moves_takes_an_idempotency_key(service: Service) -> None:
    for path, operation in operations_of(service).items():
        if path.startswith("POST ") and path not in CREATES_AND_MOVES_NOTHING:
            headers = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "header"}
            assert "Idempotency-Key" in headers, path


@every_service
def test_everything_that_is_edited_takes_if_match_and_may_say_412(service: Service) -> None:
    for path, operation in operations_of(service).items():
        if path.startswith(EDITED_BY_PUT):
            headers = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "header"}
            assert "If-Match" in headers, path
            assert "412" in operation["responses"], path


@every_service
def test_every_list_is_paged_and_bounded(service: Service) -> None:
    for path, operation in operations_of(service).items():
        query = {p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"}
        if "cursor" in query:
            assert query["limit"]["maximum"] <= 1000, path
            assert query["limit"]["minimum"] >= 1, path


def bodies_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schemas that requests refer to, directly."""
    found = {}
    for item in document["paths"].values():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}) if method in METHODS else {}
            schema = content.get("application/json", {}).get("schema", {})
            for part in [schema, *schema.get("oneOf", []), *schema.get("anyOf", [])]:
                if "$ref" in part:
                    name = part["$ref"].rsplit("/", 1)[1]
                    found[name] = document["components"]["schemas"][name]
    return found


@every_service
def test_no_request_body_takes_unknown_fields(service: Service) -> None:
    for name, schema in bodies_of(document_of(service)).items():
        if schema.get("type") == "object" and name not in OF_FOREIGN_FORMATS:
            assert schema.get("additionalProperties") is False, name


@every_service
def test_no_header_or_query_parameter_may_be_null(service: Service) -> None:
    for path, operation in operations_of(service).items():
        for parameter in operation.get("parameters", ()):
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), f"{path} {parameter['name']}"


@every_service
def test_mappings_with_a_form_of_keys_are_closed_to_others(service: Service) -> None:
    def check(schema: Any) -> None:
        if isinstance(schema, dict):
            if "patternProperties" in schema:
                assert schema["additionalProperties"] is False, schema
            schema = list(schema.values())
        if isinstance(schema, list):
            for part in schema:
                check(part)

    check(document_of(service)["components"]["schemas"])

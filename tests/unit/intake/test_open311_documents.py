"""Writing a document as XML and JSON, and reading what clients knock with."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi import Request

from services.intake.api.open311.documents import Format, answer, render
from services.intake.api.open311.front_door import GeoReportDialect, format_of
from services.intake.api.open311.reading import Query, wants_chinese

CONTENT = [{"description": 'a < b & "c" \x07', "lat": 34.02, "metadata": True, "media_url": None, "address": ""}]


def knocked(path: str, *, query: bytes = b"", method: str = "GET", **headers: str) -> Request:
    """A request as routes see it after the front door."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": path, "query_string": query, "headers": raw, "root_path": "",
    }  # fmt: skip
    dialect = GeoReportDialect()
    assert dialect.owns(path)
    dialect.enter(scope)
    return Request(scope)


def test_what_is_not_known_is_left_out_of_json() -> None:
    [item] = json.loads(render(Format.JSON, "service_requests", CONTENT))

    assert item == {"description": 'a < b & "c" \x07', "lat": 34.02, "metadata": True, "address": ""}


def test_what_is_not_known_is_an_empty_element_in_xml() -> None:
    root = ElementTree.fromstring(render(Format.XML, "service_requests", CONTENT))

    assert [(part.tag, part.text) for part in root[0]] == [
        ("description", 'a < b & "c" \ufffd'),
        ("lat", "34.02"),
        ("metadata", "true"),
        ("media_url", None),
        ("address", None),
    ]


@pytest.mark.parametrize(
    ("path", "canonical", "kind"),
    [
        ("/open311/v2/services.json", "/open311/v2/services", Format.JSON),
        ("/open311/v2/services.XML", "/open311/v2/services", Format.XML),
        ("/Open311/V2/Services.xml/", "/open311/v2/services", Format.XML),
        ("/open311/v2//services/01.02.xml", "/open311/v2/services/01.02", Format.XML),
        ("/open311/v2/services/01.02", "/open311/v2/services/01.02", Format.JSON),
        ("/open311/v2/service/AbC.xml", "/open311/v2/services/AbC", Format.XML),
        ("/open311/v2/request/2639378454006.xml", "/open311/v2/requests/2639378454006", Format.XML),
        ("/open311/v2/requests.html", "/open311/v2/requests.html", Format.JSON),
        ("/open311/v2/media/AbC_-9", "/open311/v2/media/AbC_-9", Format.JSON),
        ("/open311/discovery.xml", "/open311/v2/discovery", Format.XML),
        ("/open311/v2", "/open311/v2/discovery", Format.JSON),
        ("/open311", "/open311/v2/discovery", Format.JSON),
        ("/open311/v3/services", "/open311/v3/services", Format.JSON),
        ("/open311/v2/.xml", "/open311/v2/.xml", Format.JSON),
    ],
)
def test_every_spelling_leads_to_one_path(path: str, canonical: str, kind: Format) -> None:
    request = knocked(path)

    assert (request.scope["path"], format_of(request)) == (canonical, kind)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("text/xml", Format.XML),
        ("application/xml;q=0.9,*/*;q=0.8", Format.XML),
        ("application/json, text/xml;q=0.5", Format.JSON),
        ("text/xml;q=nonsense", Format.XML),
        ("image/png", Format.JSON),
    ],
)
def test_without_a_suffix_the_accept_header_decides(accept: str, kind: Format) -> None:
    assert format_of(knocked("/open311/v2/services", accept=accept)) is kind
    assert format_of(knocked("/open311/v2/services.json", accept=accept)) is Format.JSON


def test_a_format_in_the_query_decides_before_the_header() -> None:
    assert format_of(knocked("/open311/v2/services", query=b"format=XML", accept="application/json")) is Format.XML


@pytest.mark.parametrize("path", ["/", "/v1/appeals", "/open3110/v2", "/openapi.json", "/open31"])
def test_other_paths_are_not_its_own(path: str) -> None:
    assert not GeoReportDialect().owns(path)


def test_a_head_is_answered_as_a_get() -> None:
    assert knocked("/open311/v2/services.json", method="HEAD").method == "GET"


@pytest.mark.parametrize(
    ("header", "chinese"),
    [
        ("", False),
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en-GB,zh;q=0.9", False),
        ("en;q=0.3, zh-Hans;q=0.7", True),
        ("zh;q=0", False),
        ("zh;q=nonsense, en", False),
    ],
)
def test_the_first_language_decides(header: str, chinese: bool) -> None:
    assert wants_chinese(knocked("/open311/v2/services", accept_language=header)) is chinese


def test_a_client_that_has_it_already_is_told_so() -> None:
    first = answer(knocked("/open311/v2/services"), Format.JSON, "services", [])
    tag = first.headers["etag"]

    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = answer(knocked("/open311/v2/services", if_none_match=header), Format.JSON, "services", [])
        assert (again.status_code, again.body) == (304, b"")
    assert answer(knocked("/open311/v2/services", if_none_match='"x"'), Format.JSON, "services", []).status_code == 200


def test_names_are_read_in_any_spelling_and_empty_values_are_none() -> None:
    query = Query(
        [("Service_Code[]", "1, 2"), ("service_code", "2,3,"), ("LNG", "5"), ("q", " "), ("lat", "1"), ("lat", "2")]
    )

    assert query.many("service_code") == ["1", "2", "3"]
    assert (query.one("long"), query.one("q"), query.one("lat"), query.many("x")) == ("5", None, "2", None)


@pytest.mark.parametrize(
    ("status", "problem", "shown", "descriptions"),
    [
        (401, {"code": "unauthenticated", "title": "x"}, 403, ["api_key"]),
        (403, {"code": "forbidden", "title": "x"}, 403, ["api_key"]),
        (404, {"code": "not_found", "title": "x"}, 404, ["no such resource"]),
        (404, {"code": "not_found", "title": "x", "detail": "The token was not found."}, 404, ["The token was"]),
        (415, {"code": "unsupported_media_type", "title": "The media type is not supported"}, 400, ["media type"]),
        (429, {"code": "rate_limited", "title": "Too many", "detail": "Wait."}, 429, ["Wait."]),
        (500, {"code": "internal_error", "title": "The server failed"}, 500, ["The server failed"]),
        (
            422,
            {
                "code": "invalid_input",
                "title": "x",
                "errors": [
                    {"field": "/location/longitude", "message": "is wrong"},
                    {"field": "/reporter/phone", "message": "is no phone number"},
                ],
            },
            400,
            ["long: is wrong", "phone: is no phone number"],
        ),
    ],
)
def test_a_problem_is_told_as_a_list_of_errors(
    status: int, problem: dict[str, Any], shown: int, descriptions: list[str]
) -> None:
    scope = knocked("/open311/v2/requests.json").scope

    told, kind, body = GeoReportDialect().tell(scope, status, problem)

    errors = json.loads(body)
    assert (told, kind) == (shown, b"application/json; charset=utf-8")
    assert [error["code"] for error in errors] == [shown] * len(descriptions)
    for error, part in zip(errors, descriptions, strict=True):
        assert part in error["description"]

"""A photograph that comes with a request: taken in as any attachment, shown to the public under a signed address."""

import httpx
import pytest

from tests.integration.intake.attachment_desk import add_file
from tests.integration.intake.office import Office
from tests.integration.intake.open311_talk import BASE, errors_of, key_of, listed
from tests.support import media_samples as samples

FIELDS = {"service_code": "0101", "lat": "34.02", "long": "113.82", "description": "Bins overflow"}


async def post_with(
    office: Office, *files: tuple[str, bytes, str], field: str = "media", key: str = ""
) -> httpx.Response:
    """Post a request with files as a multipart form."""
    headers = {"Idempotency-Key": key} if key else {}
    return await office.client.post(
        f"{BASE}/requests.json",
        data={**FIELDS, "api_key": key_of(office)},
        files=[(field, file) for file in files],
        headers=headers,
    )


@pytest.mark.parametrize("field", ["media", "media[]", "photo"])
async def test_a_photograph_is_attached_and_shown(office: Office, field: str) -> None:
    answer = await post_with(office, ("图 1.jpg", samples.jpeg(), "image/jpeg"), field=field)

    assert answer.status_code == 200, answer.text
    [kept] = await office.rows("attachments")
    assert (kept["kind"], kept["source"]) == ("photo", "citizen")
    [item] = await listed(office)
    assert item["media_url"].startswith(f"{str(office.client.base_url).rstrip('/')}/open311/v2/media/")
    picture = await office.client.get(item["media_url"])
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/jpeg")
    assert picture.content.startswith(b"\xff\xd8")


async def test_a_repeated_request_attaches_once_and_leaves_nothing_behind(office: Office) -> None:
    photo = ("a.jpg", samples.jpeg(), "image/jpeg")
    request = office.client.build_request(
        "POST",
        f"{BASE}/requests.json",
        data={**FIELDS, "api_key": key_of(office)},
        files=[("media", photo)],
        headers={"Idempotency-Key": "m-1"},
    )
    body = await request.aread()

    answers = [
        await office.client.post(f"{BASE}/requests.json", content=body, headers=dict(request.headers)) for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert (len(await office.rows("attachments")), len(await office.rows("appeals"))) == (1, 1)
    assert await office.rows("attachment_leftovers") == []


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"MZ\x90\x00", b"\xff\xd8\xff\xe0 cut off"])
async def test_what_is_no_sound_file_is_refused_with_the_whole_request(office: Office, content: bytes) -> None:
    answer = await post_with(office, ("a.jpg", content, "image/jpeg"))

    assert answer.status_code == 400, answer.text
    assert errors_of(answer)[0].startswith("media")
    assert await office.rows("appeals") == []


async def test_a_request_that_is_refused_leaves_no_file(office: Office) -> None:
    answer = await office.client.post(
        f"{BASE}/requests.json",
        data={**FIELDS, "service_code": "7777", "api_key": key_of(office)},
        files=[("media", ("a.jpg", samples.jpeg(), "image/jpeg"))],
    )

    assert answer.status_code == 404
    assert (await office.rows("attachments"), await office.rows("attachment_leftovers")) == ([], [])


async def test_a_file_field_without_a_file_is_none(office: Office) -> None:
    assert (await post_with(office, ("", b"", "application/octet-stream"))).status_code == 200
    assert await office.rows("attachments") == []


async def test_without_a_key_no_file_is_taken_in(office: Office) -> None:
    answer = await office.client.post(
        f"{BASE}/requests.json", data=FIELDS, files=[("media", ("a.jpg", samples.jpeg(), "image/jpeg"))]
    )

    assert answer.status_code == 403


async def test_a_photograph_added_elsewhere_is_shown_too(office: Office) -> None:
    receipt = await office.register()
    await add_file(office, receipt["id"], samples.jpeg())

    [item] = await listed(office)

    assert (await office.client.get(item["media_url"])).status_code == 200


async def test_a_picture_whose_address_is_wrong_is_told_in_the_specifications_words(office: Office) -> None:
    answer = await office.client.get(f"{BASE}/media/AAAA")

    assert answer.status_code == 404
    assert errors_of(answer)

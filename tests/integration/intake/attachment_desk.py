"""Posting files to the office of the tests, and reading them back."""

from typing import Any

import httpx

from tests.integration.intake.office import Office

File = tuple[str, bytes, str]


async def post_files(
    office: Office, appeal_id: Any, *files: bytes | File, fields: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """Post files to an appeal; a file without a name is called `photo.jpg`."""
    return await post_to(office, f"/v1/appeals/{appeal_id}/attachments", *files, fields=fields, **headers)


async def post_to(
    office: Office, path: str, *files: bytes | File, fields: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    named = [file if isinstance(file, tuple) else ("photo.jpg", file, "image/jpeg") for file in files]
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.client.post(
        path,
        files=[("file", file) for file in named],
        data=fields or {},
        headers={**office.headers, **given},
    )


async def add_file(office: Office, appeal_id: Any, content: bytes, **fields: Any) -> dict[str, Any]:
    """Post one file and return it as it is shown."""
    answer = await post_files(office, appeal_id, content, fields=fields)
    assert answer.status_code == 201, answer.text
    (added,) = answer.json()["items"]
    shown: dict[str, Any] = added
    return shown


async def content_of(office: Office, added: dict[str, Any], **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await office.get(f"/v1/appeals/{added['appeal_id']}/attachments/{added['id']}/content", headers=given)


async def original_of(office: Office, added: dict[str, Any], reason: str = "evidence") -> httpx.Response:
    return await office.post(f"/v1/appeals/{added['appeal_id']}/attachments/{added['id']}/original", {"reason": reason})

"""POST and GET of attachments: what is taken, what others get of it, who may see what (WD-07, trap 28)."""

import asyncio
import base64
import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from shared.ids import uuid7
from tests.integration.feedback.desk import ticket_dispatched
from tests.integration.intake.attachment_desk import add_file, content_of, original_of, post_files, post_to
from tests.integration.intake.office import NAME, PHONE, Office
from tests.support import media_samples as samples
from tests.support.media_samples import SECRET


def objects_of(office: Office) -> list[str]:
    """The names of all files below the folder of attachments."""
    root = office.app.state.settings.data_dir / "attachments"
    return sorted(path.name for path in root.rglob("*") if path.is_file())


async def nothing_was_stored(office: Office) -> None:
    assert objects_of(office) == []
    assert await office.rows("attachments") == []
    assert await office.rows("attachment_leftovers") == []


async def test_a_photograph_is_kept_and_shown_without_where_it_was_taken(office: Office) -> None:
    receipt = await office.register()
    photo = samples.jpeg(orientation=6)

    answer = await post_files(office, receipt["id"], photo, fields={"taken_at": "2026-03-01T08:30:00+08:00"})

    (added,) = answer.json()["items"]
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/appeals/{receipt['id']}/attachments/{added['id']}"
    assert (added["kind"], added["content_type"], added["source"]) == ("photo", "image/jpeg", "office")
    assert added["sha256"] == hashlib.sha256(photo).hexdigest()
    assert (added["size"], added["cleaned"], added["scan"]) == (len(photo), True, "not_scanned")
    assert added["taken_at"] == "2026-03-01T00:30:00Z"
    assert added["distance_metres"] == 0
    content = await content_of(office, added)
    assert content.status_code == 200
    assert SECRET not in content.content
    assert Image.open(io.BytesIO(content.content)).size == (48, 64)


async def test_a_file_is_sent_so_that_no_browser_runs_it_and_no_cache_shares_it(office: Office) -> None:
    receipt = await office.register()
    added = await add_file(office, receipt["id"], samples.png())

    content = await content_of(office, added)

    assert content.headers["Content-Type"] == "image/png"
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Cache-Control"] == "private, no-cache"
    name = f"{receipt['receipt_number']}-1.png"
    assert content.headers["Content-Disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    assert (await content_of(office, added, If_None_Match=content.headers["ETag"])).status_code == 304


async def test_the_original_is_shown_with_a_reason_that_is_logged(office: Office) -> None:
    receipt = await office.register()
    photo = samples.jpeg()
    added = await add_file(office, receipt["id"], photo)
    assert await office.rows("pii_access_log") == []

    original = await original_of(office, added, "court order 12")

    assert original.content == photo
    assert original.headers["Cache-Control"] == "no-store"
    (logged,) = await office.rows("pii_access_log")
    assert (str(logged["appeal_id"]), logged["reason"], logged["granted"]) == (receipt["id"], "court order 12", True)


async def test_what_tells_the_sender_is_sealed(office: Office) -> None:
    receipt = await office.register()
    name, note = f"{NAME}的照片.jpg", f"请联系{NAME} {PHONE}"
    answer = await post_files(office, receipt["id"], (name, samples.jpeg(), "image/x"), fields={"note": note})
    (added,) = answer.json()["items"]
    assert NAME not in answer.text
    assert "5678" not in answer.text

    path = f"/v1/appeals/{receipt['id']}/attachments/{added['id']}"
    revealed = (await office.post(f"{path}/reveal", {"reason": "evidence"})).json()
    assert (revealed["file_name"], revealed["note"], revealed["claimed_type"]) == (name, note, "image/x")
    assert (revealed["longitude"], revealed["latitude"]) == pytest.approx((samples.LONGITUDE, samples.LATITUDE))
    assert revealed["taken_at"] == "2026-03-01T00:30:00Z"
    assert len(await office.rows("pii_access_log")) == 1
    stored = repr([*await office.rows("attachments"), *await office.rows("outbox")])
    assert NAME not in stored
    assert SECRET.decode() not in stored
    original = await original_of(office, added)
    assert "filename*=UTF-8''%E6%AC%A7%E9%98%B3" in original.headers["Content-Disposition"]


async def test_nothing_lies_in_the_clear(office: Office) -> None:
    receipt = await office.register()
    await add_file(office, receipt["id"], samples.movie())
    await add_file(office, receipt["id"], samples.jpeg())

    root = office.app.state.settings.data_dir / "attachments"
    held = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    assert len(held) == 3  # the film, the photograph, and the photograph drawn anew
    for content in held:
        assert SECRET not in content
        assert b"frame-of" not in content
        assert b"JFIF" not in content


EVERY_KIND = (
    (samples.movie(), "video", "video/mp4"),
    (samples.webm(), "video", "video/webm"),
    (samples.mp3(), "audio", "audio/mpeg"),
    (samples.ogg(), "audio", "audio/ogg"),
    (samples.wav(), "audio", "audio/wav"),
    (samples.pdf(), "document", "application/pdf"),
    (samples.text(), "document", "text/plain; charset=utf-8"),
)


async def test_every_kind_travels(office: Office) -> None:
    receipt = await office.register()
    for content, kind, content_type in EVERY_KIND:
        added = await add_file(office, receipt["id"], content)

        assert added["kind"] == kind
        sent = await content_of(office, added)
        assert sent.headers["Content-Type"] == content_type
        assert len(sent.content) == len(content)
        assert SECRET not in sent.content
        assert (await original_of(office, added)).content == content


PARTS = (
    ("bytes=0-99", 206, slice(0, 100)),
    ("bytes=70000-", 206, slice(70_000, None)),
    ("bytes=-5", 206, slice(-5, None)),
    ("bytes=65530-65550", 206, slice(65_530, 65_551)),
    ("lines=1-2", 200, slice(0, None)),
    ("bytes=0-1,5-6", 200, slice(0, None)),
)


async def test_a_part_of_a_film_can_be_had(office: Office) -> None:
    receipt = await office.register()
    sound = b"ID3\x03\x00\x00\x00\x00\x00\x40" + SECRET.ljust(64) + samples.MP3_FRAME * 400
    added = await add_file(office, receipt["id"], sound)
    whole = (await content_of(office, added)).content
    for asked, status, wanted in PARTS:
        part = await content_of(office, added, Range=asked)

        assert (part.status_code, part.content) == (status, whole[wanted]), asked
        if status == 206:
            begin, end, _ = wanted.indices(len(whole))
            assert part.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(whole)}"


async def test_a_part_that_is_not_there_is_refused(office: Office) -> None:
    receipt = await office.register()
    added = await add_file(office, receipt["id"], samples.mp3())

    answer = await content_of(office, added, Range="bytes=99999999-")

    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")


async def test_several_files_come_together_or_not_at_all(office: Office) -> None:
    receipt = await office.register()

    refused = await post_files(office, receipt["id"], samples.jpeg(), samples.mp3(), b"<html></html>")
    assert (refused.status_code, refused.json()["code"]) == (422, "unsupported_attachment_type")
    await nothing_was_stored(office)

    taken = await post_files(office, receipt["id"], samples.jpeg(), samples.mp3())
    assert [(item["sequence"], item["kind"]) for item in taken.json()["items"]] == [(1, "photo"), (2, "audio")]
    listed = await office.get(f"/v1/appeals/{receipt['id']}/attachments")
    assert listed.json() == taken.json()


WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str]] = [
    ("empty", (b"",), {}, "empty_attachment", "/file"),
    ("page", (b"<html></html>",), {}, "unsupported_attachment_type", "/file"),
    ("not a picture", (b"\xff\xd8\xff" + bytes(90),), {}, "damaged_attachment", "/file"),
    ("picture and archive", (samples.jpeg() + samples.docx(),), {}, "disguised_attachment", "/file"),
    ("other kind", (samples.jpeg(),), {"kind": "video"}, "kind_mismatch", "/kind"),
    ("no kind", (samples.jpeg(),), {"kind": "song"}, "invalid_input", "/kind"),
    ("unknown field", (samples.jpeg(),), {"colour": "red"}, "invalid_input", "/colour"),
    ("field twice", (samples.jpeg(),), {"note": ["a", "b"]}, "invalid_input", "/note"),
    ("long note", (samples.jpeg(),), {"note": "长" * 501}, "invalid_input", "/note"),
    ("no time", (samples.jpeg(),), {"taken_at": "yesterday"}, "invalid_input", "/taken_at"),
    ("future", (samples.jpeg(),), {"taken_at": "2030-01-01T00:00:00Z"}, "invalid_input", "/taken_at"),
    ("checksum", (samples.jpeg(),), {"sha256": "0" * 64}, "checksum_mismatch", "/sha256"),
    ("one checksum for two", (samples.jpeg(), samples.png()), {"sha256": "0" * 64}, "invalid_input", "/sha256"),
]


async def test_what_is_wrong_is_named_and_nothing_is_stored(office: Office) -> None:
    receipt = await office.register()
    for name, files, fields, code, place in WRONG:
        answer = await post_files(office, receipt["id"], *files, fields=fields)

        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, code), name
        assert problem["errors"][0]["field"] == place, name
        await nothing_was_stored(office)


async def test_a_body_without_a_file_is_refused(office: Office) -> None:
    receipt = await office.register()
    body = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n--b--\r\n'

    answer = await post_body(office, receipt, "multipart/form-data; boundary=b", body)

    problem = answer.json()
    assert (answer.status_code, problem["errors"]) == (422, [{"field": "/file", "message": "is required"}])


async def post_body(office: Office, receipt: dict[str, Any], content_type: str, body: Any, **more: str) -> Any:
    headers = {**office.headers, "Content-Type": content_type}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return await office.client.post(f"/v1/appeals/{receipt['id']}/attachments", content=body, headers=headers)


OTHER_BODIES = (
    ("application/json", b"{}", 415),
    ("multipart/form-data", b"x", 400),
    ("multipart/form-data; boundary=b", b"no parts here", 400),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", 400),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + samples.jpeg(),
        400,
    ),
)


async def test_a_body_of_another_form_is_refused(office: Office) -> None:
    receipt = await office.register()
    for content_type, body, status in OTHER_BODIES:
        answer = await post_body(office, receipt, content_type, body)

        assert answer.status_code == status, body[:40]
        assert answer.headers["Content-Type"] == "application/problem+json"
        await nothing_was_stored(office)


async def test_checksums_that_fit_are_taken(office: Office) -> None:
    receipt = await office.register()
    photo = samples.jpeg()
    digest = hashlib.sha256(photo).digest()
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Digest: sha-256=:'
        + base64.b64encode(digest)
        + b":\r\n\r\n"
        + photo
        + b'\r\n--b\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n'
        + digest.hex().encode()
        + b"\r\n--b--\r\n"
    )
    whole = base64.b64encode(hashlib.sha256(body).digest()).decode()
    for said, status in ((whole, 201), (base64.b64encode(bytes(32)).decode(), 422), ("nonsense", 422)):
        answer = await post_body(
            office, receipt, "multipart/form-data; boundary=b", body, Content_Digest=f"sha-256=:{said}:"
        )
        assert answer.status_code == status, answer.text
    assert len(await office.rows("attachments")) == 1


async def test_a_file_over_the_bound_of_its_kind_is_refused_before_it_is_read(office: Office) -> None:
    receipt = await office.register()
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + samples.jpeg()
        while sent < 64 * 1024 * 1024:
            sent += 65_536
            yield bytes(65_536)
        yield b"\r\n--b--\r\n"

    answer = await office.client.post(
        f"/v1/appeals/{receipt['id']}/attachments",
        content=endless(),
        headers={**office.headers, "Content-Type": "multipart/form-data; boundary=b"},
    )

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "attachment_too_large")
    assert problem["errors"][0]["allowed"] == {"max_bytes": 10 * 1024 * 1024}
    await nothing_was_stored(office)


async def test_an_appeal_takes_twenty(office: Office) -> None:
    receipt = await office.register()
    first = await post_files(office, receipt["id"], *[samples.text()] * 18)
    assert first.status_code == 201

    refused = await post_files(office, receipt["id"], *[samples.text()] * 3)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_attachments")
    both = await asyncio.gather(*(post_files(office, receipt["id"], *[samples.text()] * 2) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [201, 409]
    full = await post_files(office, receipt["id"], samples.text())
    assert (full.status_code, full.json()["held"], full.json()["allowed"]) == (409, 20, 20)
    assert len(objects_of(office)) == 20

    one = both[0] if both[0].status_code == 201 else both[1]
    await withdraw(office, one.json()["items"][0])
    again = await post_files(office, receipt["id"], samples.text())
    assert again.json()["items"][0]["sequence"] == 21


async def withdraw(office: Office, added: dict[str, Any], reason: str = "wrong_file") -> Any:
    path = f"/v1/appeals/{added['appeal_id']}/attachments/{added['id']}?reason={reason}"
    return await office.client.delete(path, headers=office.headers)


async def test_a_withdrawn_file_is_shown_no_more_and_stays_on_record(office: Office) -> None:
    receipt = await office.register()
    photo = samples.jpeg()
    added = await add_file(office, receipt["id"], photo)

    answer = await withdraw(office, added)

    assert answer.status_code == 200
    assert (answer.json()["withdrawn_reason"], answer.json()["withdrawn_at"]) == ("wrong_file", "2026-03-02T01:00:00Z")
    assert (await withdraw(office, added, "duplicate")).json()["withdrawn_reason"] == "wrong_file"
    gone = await content_of(office, added)
    assert (gone.status_code, gone.json()["code"]) == (410, "attachment_gone")
    assert (await original_of(office, added)).content == photo
    listed = await office.get(f"/v1/appeals/{receipt['id']}/attachments")
    assert [item["withdrawn_reason"] for item in listed.json()["items"]] == ["wrong_file"]


async def test_withdrawing_needs_a_reason_of_the_list(office: Office) -> None:
    receipt = await office.register()
    added = await add_file(office, receipt["id"], samples.jpeg())

    answer = await withdraw(office, added, "because")

    assert answer.status_code == 422
    assert "wrong_file" in answer.json()["errors"][0]["allowed"]
    assert (await content_of(office, added)).status_code == 200


async def test_a_department_sees_and_adds_only_where_it_is_in_charge(office: Office) -> None:
    receipt, other = await office.register(), await office.register()
    await office.tell(receipt["id"], ticket_dispatched(department_code="D1"))
    await office.tell(other["id"], ticket_dispatched(department_code="D2"))
    added = await add_file(office, receipt["id"], samples.jpeg())
    foreign = await add_file(office, other["id"], samples.jpeg())
    office.headers = await office.key("tickets:handle", department_code="D1")

    assert (await content_of(office, added)).status_code == 200
    assert (await content_of(office, foreign)).status_code == 404
    assert (await office.get(f"/v1/appeals/{other['id']}/attachments")).status_code == 404
    assert (await post_files(office, other["id"], samples.jpeg())).status_code == 404
    evidence = await add_file(office, receipt["id"], samples.png(), purpose="after")
    assert (evidence["source"], evidence["purpose"]) == ("department", "after")
    assert (await withdraw(office, added)).status_code == 404
    assert (await withdraw(office, evidence)).status_code == 200
    assert (await original_of(office, added)).status_code == 403


async def test_a_ticket_key_of_no_department_sees_nothing(office: Office) -> None:
    receipt = await office.register()
    added = await add_file(office, receipt["id"], samples.jpeg())
    office.headers = await office.key("tickets:handle")

    assert (await content_of(office, added)).status_code == 403
    assert (await post_files(office, receipt["id"], samples.jpeg())).status_code == 403


async def test_what_came_with_a_report_is_shown_to_those_who_may_reveal_and_logged(office: Office) -> None:
    receipt = await office.register(type="report", category_code="1604")
    added = await add_file(office, receipt["id"], samples.jpeg(), note="我住在对面")
    assert (added["note"], added["distance_metres"]) == ("", None)
    assert (await content_of(office, added)).status_code == 200
    (logged,) = await office.rows("pii_access_log")
    assert logged["reason"] == "attachments of a report"

    office.headers = await office.key("appeals:read")
    for path in ("", f"/{added['id']}", f"/{added['id']}/content"):
        answer = await office.get(f"/v1/appeals/{receipt['id']}/attachments{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "reveal_needed"), path


async def test_the_citizen_adds_and_sees_with_number_and_code(office: Office) -> None:
    receipt = await office.register()
    await office.tell(receipt["id"], ticket_dispatched(department_code="D1"))
    path = f"/v1/track/{receipt['receipt_number']}/attachments"
    code = {"X_Access_Code": receipt["access_code"]}
    staff = dict(office.headers)
    office.headers = await office.key("tickets:handle", department_code="D1")
    of_department = await add_file(office, receipt["id"], samples.png(), purpose="before")
    office.headers = await office.key("appeals:track")

    taken = await post_to(office, path, ("a.jpg", samples.jpeg(), "image/jpeg"), **code)

    assert taken.status_code == 201
    (own,) = taken.json()["items"]
    assert own["source"] == "citizen"
    seen = await office.get(path, headers={"X-Access-Code": receipt["access_code"]})
    assert [item["id"] for item in seen.json()["items"]] == [own["id"]]
    given = await office.get(f"{path}/{own['id']}/content", headers={"X-Access-Code": receipt["access_code"]})
    assert given.status_code == 200
    assert SECRET not in given.content
    hidden = await office.get(
        f"{path}/{of_department['id']}/content", headers={"X-Access-Code": receipt["access_code"]}
    )
    assert hidden.status_code == 404
    assert (await content_of(office, own)).status_code == 403
    office.headers = staff
    assert {row["added_by"] for row in await office.rows("attachments")} >= {"citizen"}


async def test_a_wrong_code_adds_and_shows_nothing(office: Office) -> None:
    receipt = await office.register()
    path = f"/v1/track/{receipt['receipt_number']}/attachments"

    refused = await post_to(office, path, samples.jpeg(), X_Access_Code="AAAAAAAA")

    assert refused.status_code == 404
    assert (await office.get(path, headers={"X-Access-Code": "AAAAAAAA"})).status_code == 404
    assert (await office.get(path)).status_code == 404
    await nothing_was_stored(office)


async def test_an_attachment_of_another_appeal_is_not_found(office: Office) -> None:
    one, two = await office.register(), await office.register()
    added = await add_file(office, one["id"], samples.jpeg())

    assert (await content_of(office, {**added, "appeal_id": two["id"]})).status_code == 404
    code = {"X-Access-Code": two["access_code"]}
    path = f"/v1/track/{two['receipt_number']}/attachments/{added['id']}/content"
    assert (await office.get(path, headers=code)).status_code == 404
    assert (await post_files(office, uuid7(), samples.jpeg())).status_code == 404


async def test_repetition_under_one_key_adds_once(office: Office) -> None:
    receipt = await office.register()
    first = await post_files(office, receipt["id"], samples.jpeg(), Idempotency_Key="k-1")
    again = await post_files(office, receipt["id"], samples.jpeg(), Idempotency_Key="k-1")
    other = await post_files(office, receipt["id"], samples.png(), Idempotency_Key="k-1")

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await office.rows("attachments")) == 1
    assert len(objects_of(office)) == 2
    assert await office.rows("attachment_leftovers") == []

"""What other systems send: signed, read by a mapping, and one appeal however often it arrives."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from tests.integration.intake.office import Office
from tests.unit.intake.test_mail import mail

SOURCE = {
    "name": "WeChat bridge",
    "channel": "wechat",
    "mapping": {
        "type": {"pointer": "/kind", "values": {"投诉": "complaint", "咨询": "consultation"}, "default": "help"},
        "title": "/message/title",
        "description": "/message/content",
        "category_code": "/code",
        "reporter.phone": "/user/phone",
        "external_ref.id": "/message/id",
        "location.longitude": "/x",
        "location.latitude": "/y",
    },
}
MESSAGE = {
    "kind": "投诉",
    "code": "0101",
    "message": {"id": 4711, "title": "小区门口垃圾堆积", "content": "三天没有清运"},
    "user": {"phone": "138 1234 5678"},
    "x": "113.82",
    "y": 34.02,
}


async def source(office: Office, **changes: Any) -> str:
    answer = await office.client.put("/v1/inbound/sources/wechat", json={**SOURCE, **changes}, headers=office.headers)
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["secret"]
    return secret


async def deliver(
    office: Office, secret: str, payload: Any, *, number: str = "msg-1", at: datetime | None = None
) -> httpx.Response:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": number,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(number, at, body.decode()),
        "Content-Type": "application/json",
    }
    return await office.client.post("/v1/inbound/webhooks/wechat", content=body, headers=headers)


async def test_a_signed_delivery_becomes_an_appeal(office: Office) -> None:
    secret = await source(office)

    answer = await deliver(office, secret, MESSAGE)

    assert answer.status_code == 201, answer.text
    received = answer.json()
    assert (received["outcome"], received["duplicate"]) == ("registered", False)
    shown = (await office.get(f"/v1/appeals/{received['appeal_id']}")).json()
    assert (shown["channel"], shown["type"], shown["category_code"]) == ("wechat", "complaint", "0101")
    assert shown["external_ref"] == {"system": "wechat", "id": "4711"}
    assert (await office.progress(received))["status"] == "awaiting_dispatch"


async def test_a_delivery_that_is_repeated_makes_no_second_appeal(office: Office) -> None:
    secret = await source(office)
    first = await deliver(office, secret, MESSAGE)

    again = await deliver(office, secret, MESSAGE)
    other_number = await deliver(office, secret, MESSAGE, number="msg-2")

    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["receipt_number"] == first.json()["receipt_number"]
    assert again.json()["access_code"] is None
    assert (other_number.status_code, other_number.json()["outcome"]) == (200, "known")
    assert len(await office.rows("appeals")) == 1


async def test_two_deliveries_at_the_same_moment_make_one_appeal(office: Office) -> None:
    secret = await source(office)

    answers = await asyncio.gather(*(deliver(office, secret, MESSAGE) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len(await office.rows("appeals")) == 1


async def test_what_cannot_be_read_is_kept_and_can_be_read_later(office: Office) -> None:
    secret = await source(office, mapping={**SOURCE["mapping"], "title": "/wrong/place"})  # type: ignore[dict-item]

    refused = await deliver(office, secret, MESSAGE)

    assert refused.status_code == 422
    assert [problem["field"] for problem in refused.json()["errors"]] == ["/title"]
    path = "/v1/inbound/sources/wechat/deliveries"
    [kept] = (await office.get(f"{path}?outcome=rejected")).json()["items"]
    assert kept["problems"][0]["field"] == "/title"
    assert "13812345678" not in str(await office.rows("inbound_deliveries")).replace(" ", "")
    await office.client.put("/v1/inbound/sources/wechat", json=SOURCE, headers=office.headers)
    taken = await office.post(f"{path}/{kept['id']}/retry", {})
    assert (taken.status_code, taken.json()["outcome"]) == (201, "registered")
    assert (await office.get(f"{path}?outcome=rejected")).json()["items"] == []
    assert (await office.post(f"{path}/{kept['id']}/retry", {})).status_code == 404


async def test_what_is_no_json_stays_rejected_when_it_is_read_again(office: Office) -> None:
    secret = await source(office)
    await deliver(office, secret, b"{")
    path = "/v1/inbound/sources/wechat/deliveries"
    [kept] = (await office.get(f"{path}?outcome=rejected")).json()["items"]

    again = await office.post(f"{path}/{kept['id']}/retry", {})

    assert (again.status_code, again.json()["detail"]) == (422, "The body is no JSON.")
    assert len((await office.get(f"{path}?outcome=rejected")).json()["items"]) == 1


async def test_a_rejected_delivery_that_is_sent_again_in_order_is_taken(office: Office) -> None:
    secret = await source(office)
    assert (await deliver(office, secret, {"kind": "投诉"})).status_code == 422

    assert (await deliver(office, secret, MESSAGE)).status_code == 201

    [row] = await office.rows("inbound_deliveries")
    assert (row["outcome"], row["sealed"]) == ("registered", None)


@pytest.mark.parametrize("body", [b"", b"{", b"[1, 2]", b"null", b'{"message": {"title": "\\u0000"}}'])
async def test_any_body_gets_a_clear_answer(office: Office, body: bytes) -> None:
    secret = await source(office)
    answer = await deliver(office, secret, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert await office.rows("appeals") == []


async def test_a_wrong_signature_an_old_one_and_an_unknown_source_look_the_same(office: Office) -> None:
    secret = await source(office)
    other = "whsec_" + "QUJD" * 8

    wrong = await deliver(office, other, MESSAGE)
    old = await deliver(office, secret, MESSAGE, at=datetime.now(UTC) - timedelta(minutes=6))
    unknown = await office.client.post("/v1/inbound/webhooks/nobody", json=MESSAGE)
    await office.client.put("/v1/inbound/sources/wechat", json={**SOURCE, "enabled": False}, headers=office.headers)
    switched_off = await deliver(office, secret, MESSAGE)

    answers = [wrong, old, unknown, switched_off]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "bad_signature")}
    assert await office.rows("inbound_deliveries") == []


async def test_a_body_that_was_changed_on_the_way_is_refused(office: Office) -> None:
    secret = await source(office)
    at = datetime.now(UTC)
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg-1", at, orjson.dumps(MESSAGE).decode()),
    }
    changed = orjson.dumps({**MESSAGE, "kind": "咨询"})

    answer = await office.client.post("/v1/inbound/webhooks/wechat", content=changed, headers=headers)

    assert answer.status_code == 401


async def test_a_new_secret_leaves_the_old_one_good_for_a_day(office: Office) -> None:
    old = await source(office)
    new = (await office.post("/v1/inbound/sources/wechat/secret", {})).json()["secret"]

    assert (await deliver(office, old, MESSAGE, number="1")).status_code == 201
    assert (await deliver(office, new, MESSAGE, number="2")).status_code == 200
    office.clock.advance(timedelta(hours=24))
    assert (await deliver(office, old, MESSAGE, number="3")).status_code == 401
    assert (await deliver(office, new, MESSAGE, number="4")).status_code == 200


async def test_secrets_are_sealed_and_told_once(office: Office) -> None:
    secret = await source(office)

    listed = (await office.get("/v1/inbound/sources")).json()["items"]

    assert [(item["code"], item["secret"]) for item in listed] == [("wechat", None)]
    assert secret not in str(await office.rows("inbound_sources"))


async def test_a_mapping_that_cannot_work_is_refused(office: Office) -> None:
    answer = await office.client.put(
        "/v1/inbound/sources/wechat",
        json={**SOURCE, "mapping": {"title": "/t", "colour": "/c"}},
        headers=office.headers,
    )
    assert answer.status_code == 422
    assert {problem["field"] for problem in answer.json()["errors"]} == {"/mapping/type", "/mapping/colour"}


async def post_mail(office: Office, content: bytes, content_type: str = "message/rfc822") -> httpx.Response:
    headers = {**office.headers, "Content-Type": content_type}
    return await office.client.post("/v1/inbound/mail", content=content, headers=headers)


async def test_a_posted_mail_becomes_one_appeal(office: Office) -> None:
    first, again = await post_mail(office, bytes(mail())), await post_mail(office, bytes(mail()))

    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json()["receipt_number"] == again.json()["receipt_number"]
    shown = (await office.get(f"/v1/appeals/{first.json()['appeal_id']}")).json()
    assert (shown["channel"], shown["status"], shown["title"]) == ("email", "registered", "路灯不亮")
    assert len(await office.rows("appeals")) == 1


async def test_a_reply_of_the_same_sender_urges_the_open_matter(office: Office) -> None:
    first = (await post_mail(office, bytes(mail()))).json()
    reply = mail("还是不亮", Message_ID="<a2@example.org>", In_Reply_To="<a1@example.org>")
    stranger = mail("我家也是", Message_ID="<b1@x.org>", In_Reply_To="<a1@example.org>", From="b@x.org")

    urged, other = await post_mail(office, bytes(reply)), await post_mail(office, bytes(stranger))

    assert (urged.json()["outcome"], urged.json()["receipt_number"]) == ("urged", first["receipt_number"])
    assert other.json()["outcome"] == "registered"
    assert len(await office.rows("appeals")) == 2


async def test_an_absence_note_is_no_appeal(office: Office) -> None:
    answer = await post_mail(office, bytes(mail(Auto_Submitted="auto-replied")))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "ignored")
    assert await office.rows("appeals") == []


async def test_what_is_no_mail_is_refused(office: Office) -> None:
    assert (await post_mail(office, b"hello")).status_code == 422
    assert (await post_mail(office, bytes(mail()), "text/plain")).status_code == 415
    assert await office.rows("inbound_deliveries") == []

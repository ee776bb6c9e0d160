"""GET /v1/track: progress for who holds number and code; for everybody else the same 404."""

from datetime import timedelta

from pydantic import SecretStr

from services.intake.main import create_app
from services.intake.settings import Settings
from shared.clock import ManualClock
from tests.integration.feedback.desk import ticket_dispatched
from tests.integration.intake.office import Office
from tests.support.running import running


async def test_the_citizen_sees_how_far_it_is(office: Office) -> None:
    receipt = await office.register()
    promised = office.clock.now() + timedelta(days=5)
    await office.tell(receipt["id"], ticket_dispatched(promised_by=promised, department_name="环卫部门"))

    answer = await office.track(receipt)

    progress = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (progress["status"], progress["stage"], progress["round"]) == ("awaiting_acknowledgement", "handling", 1)
    assert progress["responsible_department"] == "环卫部门"
    assert progress["promised_by"] == "2026-03-07T01:00:00Z"
    assert [line["code"] for line in progress["timeline"]] == ["registered", "accepted", "dispatched"]
    assert progress["timeline"][2]["text_zh"] == "已派发至环卫部门。"
    assert set(progress["timeline"][0]) == {"at", "code", "status", "stage", "round", "text", "text_en", "text_zh"}


async def test_number_and_code_may_be_typed_as_people_type(office: Office) -> None:
    receipt = await office.register()
    number, code = receipt["receipt_number"], receipt["access_code"]

    typed = await office.get(
        f"/v1/track/{number[:4]}-{number[4:8]} {number[8:]}",
        headers={"X-Access-Code": f"{code[:4].lower()} {code[4:]}"},
    )

    assert typed.json()["receipt_number"] == number


async def test_whatever_does_not_fit_looks_the_same(office: Office) -> None:
    receipt = await office.register()
    other = await office.register()
    number = receipt["receipt_number"]
    wrong_digit = number[:-1] + str((int(number[-1]) + 1) % 10)
    answers = [
        await office.track(receipt, "AAAAAAAA"),
        await office.track(receipt, ""),
        await office.track(receipt, other["access_code"]),
        await office.track({**receipt, "receipt_number": wrong_digit}),
        await office.track({**receipt, "receipt_number": "2600000000000"}),
        await office.track({**receipt, "receipt_number": "hello"}),
        await office.track({**receipt, "receipt_number": "0000000000001"}),
        await office.get(f"/v1/track/{number}"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    bodies = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in answers]
    assert all(body == bodies[0] for body in bodies)


async def test_a_wrong_number_costs_the_same_statements_as_a_wrong_code(office: Office) -> None:
    receipt = await office.register()
    with office.counted_queries() as wrong_code:
        await office.track(receipt, "AAAAAAAA")
    with office.counted_queries() as wrong_number:
        await office.track({**receipt, "receipt_number": "12"})

    assert wrong_code == wrong_number
    assert len(wrong_code) == 1


async def test_after_many_wrong_codes_a_number_rests_in_every_process(
    office: Office, intake_settings: Settings, manual_clock: ManualClock
) -> None:
    receipt, bystander = await office.register(), await office.register()
    for _ in range(intake_settings.track_attempts):
        assert (await office.track(receipt, "AAAAAAAA")).status_code == 404

    refused = await office.track(receipt)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert (await office.track(bystander)).status_code == 200
    async with running(create_app(intake_settings, clock=manual_clock)) as second:
        path = f"/v1/track/{receipt['receipt_number']}"
        headers = {**office.headers, "X-Access-Code": "BBBBBBBB"}
        assert (await second.get(path, headers=headers)).status_code == 404
        assert (await second.get(path, headers=headers)).status_code == 429


async def test_looking_often_with_the_right_code_is_no_failure(office: Office, intake_settings: Settings) -> None:
    receipt = await office.register()

    for _ in range(intake_settings.track_attempts + 5):
        assert (await office.track(receipt)).status_code == 200


async def test_codes_outlive_a_change_of_the_master_key(
    office: Office, intake_settings: Settings, manual_clock: ManualClock
) -> None:
    receipt = await office.register()
    changed = intake_settings.model_copy(
        update={
            "master_key": SecretStr("another master key, made a year later"),
            "earlier_master_keys": intake_settings.master_key,
        }
    )
    app = create_app(changed, clock=manual_clock)
    async with running(app) as second:
        path = f"/v1/track/{receipt['receipt_number']}"
        headers = {**office.headers, "X-Access-Code": receipt["access_code"]}
        found = await second.get(path, headers=headers)
        listed = await second.post("/v1/appeals/search", json={"phone": "13812345678"}, headers=office.headers)
        revealed = await second.post(
            f"/v1/appeals/{receipt['id']}/reveal", json={"reason": "check"}, headers=office.headers
        )

    assert found.status_code == 200
    assert [item["id"] for item in listed.json()["items"]] == [receipt["id"]]
    assert revealed.json()["reporter"]["phone"] == "+8613812345678"

"""Every document satisfies both published schemas of GeoReport v2, with everything known and with almost nothing."""

from datetime import timedelta
from typing import Any

import pytest

from tests.contract.open311_schemas import faults_of
from tests.integration.feedback.desk import ticket_dispatched
from tests.integration.intake.office import Office
from tests.integration.intake.open311_talk import BASE, ask_questions, load_services, number_of, submit
from tests.integration.intake.test_open311_reading import set_by_the_city

both = pytest.mark.parametrize("nullable", [True, False])


async def document(office: Office, path: str) -> Any:
    return (await office.client.get(f"{BASE}/{path}.json")).json()


@both
async def test_services_and_definitions(office: Office, nullable: bool) -> None:
    await load_services(office)
    await ask_questions(office)

    assert faults_of("services", await document(office, "services"), nullable=nullable) == []
    for code in ("0101", "0102"):
        assert faults_of("definition", await document(office, f"services/{code}"), nullable=nullable) == []


@both
async def test_requests_of_which_all_or_little_is_known(office: Office, nullable: bool) -> None:
    await ask_questions(office, "0101")
    answers: dict[str, Any] = {"attribute[CONTAINER]": "B"}
    full = await number_of(office, address_string="建设路12号", media_url="https://example.com/a.jpg", **answers)
    bare = await number_of(office, lat=None, long=None, address_id="9", description=None, **answers)
    [row] = [row for row in await office.rows("appeals") if row["receipt_number"] == full]
    promised = office.clock.now() + timedelta(days=5)
    await office.tell(row["id"], ticket_dispatched(promised_by=promised, department_name="环卫部门"))

    found = await document(office, "requests")

    assert {item["service_request_id"] for item in found} == {full, bare}
    assert faults_of("requests", found, nullable=nullable) == []
    [shown] = await document(office, f"requests/{full}")
    assert {"expected_datetime", "media_url", "lat"} <= set(shown)
    assert shown["agency_responsible"]
    assert faults_of("requests", [shown], nullable=nullable) == []


@both
@pytest.mark.parametrize("answered", ["id", "token"])
async def test_what_a_new_request_is_told(office: Office, nullable: bool, answered: str) -> None:
    set_by_the_city(office.app, open311_answer=answered)

    assert faults_of("told", (await submit(office)).json(), nullable=nullable) == []


@pytest.mark.parametrize("path", ["services/7", "requests/7", "tokens/7", "nothing", "requests.json?status=x&format="])
async def test_errors(office: Office, path: str) -> None:
    assert faults_of("errors", (await office.client.get(f"{BASE}/{path}")).json(), nullable=False) == []


def test_the_schemas_find_faults() -> None:
    item = {"service_request_id": 7, "status": "new", "service_code": "1", "requested_datetime": "2026-03-02 09:30"}

    assert len(faults_of("requests", [{**item, "media_url": "photo"}], nullable=True)) == 4
    assert len(faults_of("requests", [{**item, "address": None}], nullable=False)) == 4

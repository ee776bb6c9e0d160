"""The people of a city as the system sees them: call centre, departments, hotline office, callback agents, citizens."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

import httpx

from shared.vocabulary import Service
from tests.support.polling import eventually_sync

CENTRE = {"longitude": 113.817, "latitude": 34.037}
PHONE = "13912345678"


class CityClient:
    """Calls the three services over HTTP with the demo keys; every answer is checked for the expected status."""

    SERVICES: ClassVar[tuple[Service, ...]] = tuple(Service)

    def __init__(self, urls: Mapping[Service, str], keys: Mapping[str, Any]) -> None:
        self.urls = urls
        self.keys = keys
        self._http = httpx.Client(timeout=30.0)

    def __enter__(self) -> "CityClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(
        self,
        service: Service,
        method: str,
        path: str,
        key: str | None,
        body: Any = None,
        *,
        expect: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request and return the parsed answer."""
        authorization = {"Authorization": f"Bearer {key}"} if key is not None else {}
        response = self._http.request(
            method, self.urls[service] + path, json=body, headers={**authorization, **(headers or {})}
        )
        assert response.status_code == expect, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def submit(self, category: str | None = "0101", **more: Any) -> dict[str, Any]:
        """The call centre registers an appeal."""
        body = {
            "type": "complaint",
            "channel": "phone",
            "title": "楼下垃圾三天没清",
            "description": "小区东门口的垃圾已经三天没人清理。",
            "location": {**CENTRE, "address": "东门口"},
            "reporter": {"name": "王女士", "phone": PHONE},
            **({"category_code": category} if category is not None else {}),
            **more,
        }
        headers = {"Idempotency-Key": str(uuid4())}
        created: dict[str, Any] = self.call(
            Service.INTAKE, "POST", "/v1/appeals", self.keys["call_center"], body, expect=201, headers=headers
        )
        return created

    def track(self, appeal: Mapping[str, Any]) -> dict[str, Any]:
        """The citizen asks how far it is."""
        path = f"/v1/track/{appeal['receipt_number']}"
        headers = {"X-Access-Code": appeal["access_code"]}
        found: dict[str, Any] = self.call(Service.INTAKE, "GET", path, self.keys["mobile_app"], headers=headers)
        return found

    def track_until(self, appeal: Mapping[str, Any], status: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            found = self.track(appeal)
            return found if found["status"] == status else None

        found = eventually_sync(reached, timeout=15.0)
        assert found is not None
        return found

    def tickets(self, appeal: Mapping[str, Any]) -> list[dict[str, Any]]:
        path = f"/v1/tickets?appeal_id={appeal['id']}"
        found: list[dict[str, Any]] = self.call(Service.DISPATCH, "GET", path, self.keys["dispatcher"])["items"]
        return found

    def ticket(self, appeal: Mapping[str, Any]) -> dict[str, Any]:
        """The appeal's one ticket, as soon as there is one."""
        (ticket,) = eventually_sync(lambda: self.tickets(appeal), timeout=15.0)
        return ticket

    def department_key(self, code: str) -> str:
        return str(self.keys["departments"][code])

    def pull(self, department: str, appeal: Mapping[str, Any]) -> dict[str, Any]:
        """The department waits for work until this appeal's ticket is offered: `{ticket, lease}`."""

        def offered() -> dict[str, Any] | None:
            body = {"max": 50, "wait_seconds": 2, "lease_seconds": 30}
            answer = self.call(Service.DISPATCH, "POST", "/v1/tickets/pull", self.department_key(department), body)
            found = [item for item in answer["items"] if item["ticket"]["appeal_id"] == appeal["id"]]
            return found[0] if found else None

        item = eventually_sync(offered, timeout=15.0)
        assert item is not None
        return item

    def move(self, ticket: Mapping[str, Any], move: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/v1/tickets/{ticket['id']}/{move}"
        headers = {"Idempotency-Key": str(uuid4())}
        moved: dict[str, Any] = self.call(Service.DISPATCH, "POST", path, key, dict(body), headers=headers)
        return moved

    def handle(self, item: Mapping[str, Any], *, reply: str = "已清运完毕") -> None:
        """The department's part and the office's acceptance: acknowledge, contact, resolve, review."""
        ticket = item["ticket"]
        key = self.department_key(ticket["department_code"])
        self.move(ticket, "acknowledge", key, {"lease_token": item["lease"]["token"]})
        self.move(ticket, "contact", key, {"channel": "phone", "note": "已联系来电人"})
        self.move(ticket, "resolve", key, {"reply": reply, "resolved": True, "public_reply": reply})
        self.move(ticket, "review", self.keys["dispatcher"], {"decision": "accept", "note": "属实"})

    def callbacks(self, appeal: Mapping[str, Any]) -> list[dict[str, Any]]:
        path = f"/v1/callbacks?appeal_id={appeal['id']}&status=open"
        found: list[dict[str, Any]] = self.call(Service.FEEDBACK, "GET", path, self.keys["callback_agent"])["items"]
        return found

    def call_back(self, appeal: Mapping[str, Any], **outcome: Any) -> dict[str, Any]:
        """The agent calls the citizen as soon as there is a callback to be made, and logs the outcome."""
        (callback,) = eventually_sync(lambda: self.callbacks(appeal), timeout=15.0)
        path = f"/v1/callbacks/{callback['id']}/attempts"
        headers = {"Idempotency-Key": str(uuid4())}
        key = self.keys["callback_agent"]
        logged: dict[str, Any] = self.call(
            Service.FEEDBACK, "POST", path, key, {"outcome": "reached", **outcome}, expect=201, headers=headers
        )
        return logged

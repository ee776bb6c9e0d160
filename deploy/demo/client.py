"""The clients of the demonstration, over HTTP like any other: a call centre sends, an office reads tickets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from deploy.demo.compare import RoutedTicket
from deploy.demo.requests import CityRequest
from deploy.errors import StackError
from shared.vocabulary import Service

BATCH = 100
CONCURRENCY = 4
PAGE = 200
TIMEOUT_SECONDS = 60.0


class Clients:
    """One connection pool; a key per role."""

    def __init__(self, urls: Mapping[Service, str], keys: Mapping[str, Any]) -> None:
        self._urls = urls
        self._keys = keys
        limits = httpx.Limits(max_connections=CONCURRENCY * 2)
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits)

    async def __aenter__(self) -> "Clients":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send_all(
        self, requests: Sequence[CityRequest], title_of: Mapping[str, str], on_sent: Callable[[int], None]
    ) -> tuple[dict[UUID, CityRequest], list[str]]:
        """Send everything in batches, a few at a time; return appeal id → request, and why others were refused."""
        accepted: dict[UUID, CityRequest] = {}
        refused: list[str] = []
        batches = iter([requests[start : start + BATCH] for start in range(0, len(requests), BATCH)])

        async def sender() -> None:
            for batch in batches:
                for result in await self._send(batch, title_of):
                    if result["status"] == "created":
                        accepted[UUID(result["id"])] = batch[result["index"]]
                    else:
                        refused.append(str(result["problem"].get("detail", result["problem"])))
                on_sent(len(batch))

        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(sender())
        return accepted, refused

    async def _send(self, batch: Sequence[CityRequest], title_of: Mapping[str, str]) -> list[dict[str, Any]]:
        """The key makes sending again harmless, should an answer get lost."""
        first = batch[0].past
        answer = await self._http.post(
            f"{self._urls[Service.INTAKE]}/v1/appeals/batch",
            json={"items": [appeal_of(request, title_of) for request in batch]},
            headers={**self._authorization("call_center"), "Idempotency-Key": f"demo-{first.external_id}"},
        )
        if answer.status_code != httpx.codes.OK:
            raise StackError(f"intake refused a batch: {answer.status_code} {answer.text[:300]}")
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def tickets(self, created_since: datetime) -> AsyncIterator[tuple[UUID, RoutedTicket]]:
        """Every ticket made since then, newest first, through the pages of the list."""
        cursor: str | None = None
        while True:
            parameters = {"limit": str(PAGE), **({"cursor": cursor} if cursor else {})}
            answer = await self._http.get(
                f"{self._urls[Service.DISPATCH]}/v1/tickets",
                params=parameters,
                headers=self._authorization("dispatcher"),
            )
            if answer.status_code != httpx.codes.OK:
                raise StackError(f"dispatch does not list its tickets: {answer.status_code} {answer.text[:300]}")
            page = answer.json()
            for item in page["items"]:
                if datetime.fromisoformat(item["created_at"]) < created_since:
                    return
                yield UUID(item["appeal_id"]), _routed(item)
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _authorization(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._keys[role]}"}


def appeal_of(request: CityRequest, title_of: Mapping[str, str]) -> dict[str, Any]:
    """The body a call centre would send for this request."""
    past = request.past
    location: dict[str, Any] = {}
    if past.grid_code is not None:
        location["grid_code"] = past.grid_code
    if past.longitude is not None:
        location |= {"longitude": past.longitude, "latitude": past.latitude}
    return {
        "type": past.type,
        "channel": past.channel,
        "category_code": past.category_code,
        "title": title_of[past.category_code],
        "received_at": past.opened_at.isoformat(),
        "external_ref": {"system": past.system, "id": past.external_id},
        **({"location": location} if location else {}),
    }


def _routed(item: Mapping[str, Any]) -> RoutedTicket:
    return RoutedTicket(
        department_code=item["department_code"],
        policy_code=item["policy_code"],
        dispatched_at=_moment(item["dispatched_at"]),
        resolve_due_at=_moment(item["resolve_due_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

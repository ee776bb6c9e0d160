"""A small running city for the fuzz: real processes, the demo pack loaded, a few appeals at every step of the way."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from deploy.city.load import load_city
from deploy.keys import create
from shared.clock import SystemClock
from shared.identity.scopes import Scope
from shared.vocabulary import Service
from tests.support.processes import ServiceProcesses

PACK = Path(__file__).parents[2] / "deploy" / "cities" / "weidu"
CATEGORIES = ("0101", "0102")
_SEEDED = 12
_DEADLINE_SECONDS = 60.0


@dataclass
class RunningCity:
    """Where the services answer, the key that may do everything, and ids that exist, by the name paths call them."""

    processes: ServiceProcesses
    headers: dict[str, str]
    known: dict[str, list[str]] = field(default_factory=dict)

    def base_url(self, service: Service) -> str:
        return self.processes.base_url(service)

    def unhandled(self, service: Service) -> list[str]:
        """Log lines of a service's API process about something nobody foresaw."""
        lines = self.processes.all[f"{service.value}-api"].log_text().splitlines()
        return [line for line in lines if "unhandled_exception" in line or "failed_after_start" in line]


@contextmanager
def running_city(urls: Mapping[Service, str], redis_url: str, directory: Path) -> Iterator[RunningCity]:
    """Load the pack, start every process, send some appeals through; stops everything at the end."""
    key = _apart(lambda: _prepare(urls))
    limits = {"MINQING_RATE_LIMIT_PER_SECOND": "0", "FEEDBACK_PUBLIC_RATE_LIMIT_PER_SECOND": "0"}
    with ServiceProcesses(urls, redis_url, directory, extra_environment=limits) as processes:
        processes.start()
        city = RunningCity(processes, {"Authorization": f"Bearer {key}"})
        _seed(city)
        yield city


def _apart(work: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(work())).result()


async def _prepare(urls: Mapping[Service, str]) -> str:
    await load_city(PACK, urls)
    return (await create(urls, name="fuzz", scopes=[Scope.ADMIN], clock=SystemClock())).text


def _seed(city: RunningCity) -> None:
    with httpx.Client(headers=city.headers, timeout=20) as client:
        appeals = [_register(client, city, number) for number in range(_SEEDED)]
        intake, dispatch = city.base_url(Service.INTAKE), city.base_url(Service.DISPATCH)
        feedback = city.base_url(Service.FEEDBACK)
        tickets = _until(lambda: _items(client, f"{dispatch}/v1/tickets"), _SEEDED)
        for ticket in tickets[: _SEEDED // 2]:
            _carry_to_callback(client, f"{dispatch}/v1/tickets/{ticket['id']}")
        callbacks = _until(lambda: _items(client, f"{feedback}/v1/callbacks"), _SEEDED // 2)
        city.known = {
            "appeal_id": [appeal["id"] for appeal in appeals],
            "receipt_number": [appeal["receipt_number"] for appeal in appeals],
            "ticket_id": [ticket["id"] for ticket in tickets],
            "callback_id": [callback["id"] for callback in callbacks],
            "rule_set_id": [item["id"] for item in _items(client, f"{dispatch}/v1/routing/rule-sets")],
        }
        lists = {
            "categories": f"{intake}/v1/categories",
            "departments": f"{dispatch}/v1/departments",
            "grids": f"{dispatch}/v1/grids",
            "sla-policies": f"{dispatch}/v1/sla-policies",
            "calendars": f"{dispatch}/v1/calendars",
        }
        for name, address in lists.items():
            city.known[name] = [item["code"] for item in _items(client, address)]


def _register(client: httpx.Client, city: RunningCity, number: int) -> dict[str, Any]:
    answer = client.post(
        f"{city.base_url(Service.INTAKE)}/v1/appeals",
        json={
            "type": "complaint",
            "channel": "phone",
            "category_code": CATEGORIES[number % len(CATEGORIES)],
            "title": f"Rubbish in the street {number}",
            "description": "Not collected since Monday.",
            "location": {"grid_code": "411002001001001"},
            "reporter": {"name": "Test", "phone": "13800000000"},
        },
    )
    answer.raise_for_status()
    appeal: dict[str, Any] = answer.json()
    return appeal


def _carry_to_callback(client: httpx.Client, ticket: str) -> None:
    moves: list[tuple[str, dict[str, Any]]] = [
        ("acknowledge", {}),
        ("contact", {"channel": "phone", "note": "called"}),
        ("resolve", {"reply": "Collected.", "resolved": True, "measure": "final"}),
        ("review", {"decision": "accept", "note": "fine"}),
    ]
    for move, body in moves:
        answer = client.post(f"{ticket}/{move}", json=body)
        assert answer.is_success, f"{move}: {answer.text}"


def _items(client: httpx.Client, address: str) -> list[dict[str, Any]]:
    answer = client.get(address)
    answer.raise_for_status()
    body = answer.json()
    items: list[dict[str, Any]] = body["items"] if isinstance(body, dict) else body
    return items


def _until(find: Callable[[], list[dict[str, Any]]], how_many: int) -> list[dict[str, Any]]:
    end = time.monotonic() + _DEADLINE_SECONDS
    while True:
        found = find()
        if len(found) >= how_many:
            return found
        assert time.monotonic() < end, f"only {len(found)} of {how_many} have arrived"
        time.sleep(0.1)

"""Load that remembers everything the clients were promised, so that it can be held against the record."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from shared.vocabulary import Service

Keys = Mapping[str, Any]

_CATEGORIES = ("0101", "0104", "0201", "0204", "0205", "0301", "0501")
_RETRY_SECONDS = 0.1
_GIVE_UP_SECONDS = 60.0
_REPLAY_SHARE = 0.1
_LEASE_SECONDS = 30
_HANDLING_PAUSE_SECONDS = 0.3
_CREATED = 201
_SERVER_ERROR = 500
_RETRYABLE = frozenset({409, 429})
# The middle of the demo city's synthetic outline, and how far around it appeals come from, in degrees.
_CENTRE = (113.817, 34.037)
_REACH = 0.015


@dataclass
class Promise:
    """One appeal as its client saw it: the key it was sent with, and the first 201 it got."""

    key: str
    body: dict[str, Any]
    appeal_id: str = ""
    receipt_number: str = ""
    reply: bytes = b""
    sent: int = 0


@dataclass
class Lease:
    """A ticket held by a puller, by the puller's own clock."""

    ticket_id: str
    department: str
    began: float
    ends: float


@dataclass
class Ledger:
    """What was promised, and every contradiction the clients met themselves."""

    promises: dict[str, Promise] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    replays: int = 0
    pulled: int = 0
    handled: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> list[Promise]:
        return [promise for promise in self.promises.values() if promise.appeal_id]

    def note_reply(self, key: str, appeal_id: str, receipt_number: str, reply: bytes) -> None:
        """Keep the first 201 of a key; another answer to the same key contradicts it."""
        promise = self.promises.setdefault(key, Promise(key, {}))
        if promise.appeal_id and reply != promise.reply:
            self.contradictions.append(f"key {key} was answered in two ways")
            return
        promise.appeal_id, promise.receipt_number, promise.reply = appeal_id, receipt_number, reply

    def note_lease(self, lease: Lease) -> None:
        """Keep who holds a ticket; a second holder before the first lease has surely ended is a contradiction."""
        held = self.leases.get(lease.ticket_id)
        if held is not None and lease.began < held.ends:
            self.contradictions.append(f"ticket {lease.ticket_id} was leased twice at the same time")
        self.leases[lease.ticket_id] = lease

    def count(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


class Clients:
    """Call centre, departments, hotline office and callback agents of the demo city."""

    def __init__(self, urls: Mapping[Service, str], keys: Keys, *, seed: int) -> None:
        self._urls = urls
        self._keys = keys
        self._random = random.Random(seed)  # noqa: S311 - a load pattern, no secret
        self._http = httpx.AsyncClient(timeout=10.0, limits=httpx.Limits(max_connections=100))
        self.ledger = Ledger()

    async def close(self) -> None:
        await self._http.aclose()

    async def submit_forever(self, per_second: float, stop: asyncio.Event) -> None:
        """Send appeals at a steady rate, each until it is accepted; some accepted ones are sent again."""
        running: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while not stop.is_set():
            due += 1 / per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            accepted = self.ledger.accepted
            replays = bool(accepted) and self._random.random() < _REPLAY_SHARE
            task = asyncio.create_task(self._submit_or_replay(accepted if replays else []))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def _submit_or_replay(self, accepted: list[Promise]) -> None:
        if accepted:
            await self.replay(self._random.choice(accepted))
        else:
            await self.submit()

    async def submit(self) -> Promise:
        """Send one appeal until it is accepted, always with the same key, as a careful client would."""
        promise = Promise(key=str(uuid4()), body=self._appeal())
        self.ledger.promises[promise.key] = promise
        give_up = time.monotonic() + _GIVE_UP_SECONDS
        while time.monotonic() < give_up:
            response = await self._send(promise)
            if response is not None and response.status_code == _CREATED:
                self._note_reply(promise.key, response)
                return promise
            if response is not None and not _may_retry(response):
                self.ledger.contradictions.append(f"refused: {response.status_code} {response.text[:200]}")
                return promise
            await asyncio.sleep(_RETRY_SECONDS)
        self.ledger.contradictions.append(f"no 201 within {_GIVE_UP_SECONDS:.0f} s for key {promise.key}")
        return promise

    async def replay(self, promise: Promise) -> None:
        """Send an accepted appeal again: the answer must be the first one, to the byte."""
        response = await self._send(promise)
        if response is not None and response.status_code == _CREATED:
            self.ledger.replays += 1
            self._note_reply(promise.key, response)

    async def handle_forever(self, stop: asyncio.Event) -> None:
        """Pull for every department that has something waiting and take each ticket to its end."""
        while not stop.is_set():
            with contextlib.suppress(httpx.HTTPError):
                for code in await self._departments_with_work():
                    await self._pull(code, self._keys["departments"][code])
            await asyncio.sleep(_HANDLING_PAUSE_SECONDS)

    async def _departments_with_work(self) -> list[str]:
        path = "/v1/tickets?status=awaiting_acknowledgement&limit=100"
        response = await self._call(Service.DISPATCH, "GET", path, self._keys["dispatcher"])
        items = response.json()["items"] if response.status_code == httpx.codes.OK else []
        codes = sorted({item["department_code"] for item in items})
        self._random.shuffle(codes)
        return codes

    async def call_back_forever(self, stop: asyncio.Event) -> None:
        """Work through the callback list; three in four are content."""
        key = self._keys["callback_agent"]
        while not stop.is_set():
            with contextlib.suppress(httpx.HTTPError):
                listed = await self._call(Service.FEEDBACK, "GET", "/v1/callbacks?status=open&limit=50", key)
                for callback in listed.json().get("items", []) if listed.status_code == httpx.codes.OK else []:
                    content = self._random.random() < 0.75
                    body = {"outcome": "reached", "resolved": content, "satisfaction": 5 if content else 1}
                    path = f"/v1/callbacks/{callback['id']}/attempts"
                    await self._call(Service.FEEDBACK, "POST", path, key, body)
            await asyncio.sleep(0.2)

    async def ticket_exists(self, appeal_id: str) -> bool:
        """Whether dispatch has a ticket for the appeal."""
        with contextlib.suppress(httpx.HTTPError):
            path = f"/v1/tickets?appeal_id={appeal_id}"
            response = await self._call(Service.DISPATCH, "GET", path, self._keys["dispatcher"])
            return response.status_code == httpx.codes.OK and len(response.json()["items"]) == 1
        return False

    async def _pull(self, code: str, key: str) -> None:
        asked = time.monotonic()
        body = {"max": 10, "wait_seconds": 0, "lease_seconds": _LEASE_SECONDS}
        response = await self._call(Service.DISPATCH, "POST", "/v1/tickets/pull", key, body)
        if response.status_code != httpx.codes.OK:
            return
        got = time.monotonic()
        for item in response.json()["items"]:
            self.ledger.pulled += 1
            self.ledger.note_lease(Lease(item["ticket"]["id"], code, got, asked + _LEASE_SECONDS))
            await self._handle(item["ticket"], item["lease"]["token"], key)

    async def _handle(self, ticket: Mapping[str, Any], token: str, key: str) -> None:
        """Acknowledge under the lease, contact, resolve; then the office accepts or rejects."""
        moves: list[tuple[str, str, dict[str, Any]]] = [
            ("acknowledge", key, {"lease_token": token}),
            ("contact", key, {"channel": "phone", "note": "spoke to the citizen"}),
            ("resolve", key, {"reply": "done as asked", "resolved": True, "public_reply": "done"}),
        ]
        accepted = self._random.random() < 0.9
        moves.append(("review", self._keys["dispatcher"], {"decision": "accept", "note": "good"}))
        if not accepted:
            moves[-1] = ("review", self._keys["dispatcher"], {"decision": "reject", "note": "photo missing"})
        for move, by, body in moves:
            response = await self._persist(f"/v1/tickets/{ticket['id']}/{move}", by, body)
            if move == "acknowledge" and response is not None and response.is_success:
                self.ledger.leases.pop(ticket["id"], None)
            if response is None or not response.is_success:
                return
        self.ledger.handled += 1

    async def _persist(self, path: str, key: str, body: dict[str, Any]) -> httpx.Response | None:
        """Send a move with one idempotency key until somebody answers; None when nobody does for long."""
        headers = {"Idempotency-Key": str(uuid4())}
        for _ in range(40):
            try:
                response = await self._call(Service.DISPATCH, "POST", path, key, body, headers)
            except httpx.HTTPError as error:
                self.ledger.count(type(error).__name__)
            else:
                if response.status_code < _SERVER_ERROR and response.status_code not in _RETRYABLE:
                    return response
                if response.status_code in _RETRYABLE and "in_flight" not in response.text:
                    return response
            await asyncio.sleep(_RETRY_SECONDS * 2)
        return None

    def _note_reply(self, key: str, response: httpx.Response) -> None:
        answer = response.json()
        self.ledger.note_reply(key, answer["id"], answer["receipt_number"], response.content)

    async def _send(self, promise: Promise) -> httpx.Response | None:
        promise.sent += 1
        headers = {"Idempotency-Key": promise.key}
        try:
            return await self._call(
                Service.INTAKE, "POST", "/v1/appeals", self._keys["call_center"], promise.body, headers
            )
        except httpx.HTTPError as error:
            self.ledger.count(type(error).__name__)
            return None

    async def _call(
        self,
        service: Service,
        method: str,
        path: str,
        key: str,
        body: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        response = await self._http.request(
            method,
            self._urls[service] + path,
            json=body,
            headers={"Authorization": f"Bearer {key}", **(headers or {})},
        )
        if response.status_code >= _SERVER_ERROR:
            self.ledger.count(f"{service.value} answered {response.status_code}")
            if response.status_code == _SERVER_ERROR:
                self.ledger.contradictions.append(
                    f"500 from {method} {path.split('?', maxsplit=1)[0]}: {response.text[:200]}"
                )
        return response

    def _appeal(self) -> dict[str, Any]:
        longitude, latitude = (round(c + self._random.uniform(-_REACH, _REACH), 6) for c in _CENTRE)
        return {
            "type": "help",
            "channel": "phone",
            "category_code": self._random.choice(_CATEGORIES),
            "title": "chaos run",
            "description": f"made by the chaos run, number {len(self.ledger.promises)}",
            "location": {"longitude": longitude, "latitude": latitude},
            "reporter": {"name": "A. Citizen", "phone": "13800000000"},
        }


def _may_retry(response: httpx.Response) -> bool:
    if response.status_code >= _SERVER_ERROR or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return True
    return response.status_code == httpx.codes.CONFLICT and "in_flight" in response.text


Work = Callable[[asyncio.Event], Awaitable[None]]


async def run_until(stop: asyncio.Event, *works: Work) -> None:
    """Run all works until `stop` is set and each has come to its end."""
    async with asyncio.TaskGroup() as tasks:
        for work in works:
            tasks.create_task(_coroutine(work, stop))


async def _coroutine(work: Work, stop: asyncio.Event) -> None:
    await work(stop)

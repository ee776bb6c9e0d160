"""The field a benchmark plays on: a running stack, its clients' keys, the appeals they send, what became of them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import make_url

from deploy.bench.http_load import request_bytes
from deploy.scratch import Running
from shared.vocabulary import Service

# Categories of the demo city and the department that answers each.
DEPARTMENT_OF = {"0101": "SANI", "0201": "MUNI", "0104": "URBAN"}
CENTRE, REACH = (113.817, 34.037), 0.03
SENTENCE = "路面破损,坑洞积水,行人和电动车经过时很危险,希望尽快派人查看并修补。"


@dataclass
class Field:
    """One per run. Random places and wording, the same in every run of the same seed."""

    running: Running
    _random: random.Random = field(default_factory=lambda: random.Random(408))  # noqa: S311 - a load pattern

    @property
    def urls(self) -> Mapping[Service, str]:
        return self.running.urls

    @property
    def keys(self) -> Mapping[str, Any]:
        return self.running.keys

    def appeal(self) -> dict[str, Any]:
        """An ordinary appeal: a place, a reporter for the vault, a hundred or so characters."""
        number = self._random.randrange(10**8)
        return {
            "type": "help",
            "channel": "phone",
            "category_code": self._random.choice(tuple(DEPARTMENT_OF)),
            "title": f"道路坑洞 {number}",
            "description": SENTENCE * self._random.randint(1, 4),
            "location": {
                "longitude": round(CENTRE[0] + self._random.uniform(-REACH, REACH), 6),
                "latitude": round(CENTRE[1] + self._random.uniform(-REACH, REACH), 6),
            },
            "reporter": {"name": "测试", "phone": f"139{number:08d}"},
        }

    def post_appeal(self) -> bytes:
        """What a call centre sends, with everything intake owes for it: key, vault, idempotency."""
        once = f"Idempotency-Key: {uuid4()}\r\n"
        return request_bytes("POST", "/v1/appeals", self.keys["call_center"], self.appeal(), once)

    def post_batch(self, size: int) -> bytes:
        items = [self.appeal() for _ in range(size)]
        return request_bytes("POST", "/v1/appeals/batch", self.keys["call_center"], {"items": items})

    def post_bare(self) -> bytes:
        return request_bytes("POST", "/appeals", None, self.appeal())

    def pull(self, department: str, *, wait_seconds: float, lease_seconds: int = 60, most: int = 100) -> bytes:
        body = {"max": most, "wait_seconds": wait_seconds, "lease_seconds": lease_seconds}
        return request_bytes("POST", "/v1/tickets/pull", self.keys["departments"][department], body)

    def get(self, path: str, role: str = "dispatcher", extra: str = "") -> bytes:
        return request_bytes("GET", path, self.keys[role], None, extra)

    # --- the record -------------------------------------------------------------------------------------------------

    async def connect(self, service: Service) -> asyncpg.Connection:
        url = make_url(self.running.stack.database_urls[service]).set(drivername="postgresql")
        return await asyncpg.connect(url.render_as_string(hide_password=False), command_timeout=3600)

    async def rows(self, service: Service, query: str) -> Sequence[asyncpg.Record]:
        connection = await self.connect(service)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def count(self, service: Service, query: str) -> int:
        [row] = await self.rows(service, query)
        return int(row[0])

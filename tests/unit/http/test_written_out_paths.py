"""A path written out is a path of its own, also for methods that only a template beside it offers."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from shared.http.guards import public
from shared.http.problems import install_problem_handlers
from shared.http.routing import mount_router

router = APIRouter(prefix="/v1/notes", dependencies=[Depends(public())])


@router.get("/{note_id}")
async def get_note(note_id: Annotated[int, "a number"]) -> int:
    return note_id


@router.put("/{note_id}")
async def put_note(note_id: int) -> int:
    return note_id


@router.post("/batch")
async def post_batch() -> str:
    return "batch"


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    install_problem_handlers(app)
    mount_router(app, router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_method_of_the_template_is_not_offered_there(client: httpx.AsyncClient, method: str) -> None:
    async with client:
        answer = await client.request(method, "/v1/notes/batch")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_the_template_lists_only_its_own_methods(client: httpx.AsyncClient) -> None:
    async with client:
        answer = await client.post("/v1/notes/7")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, PUT")

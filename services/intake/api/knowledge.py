"""Articles that answers cite, with the dates between which they are valid."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])

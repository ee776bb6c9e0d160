"""How much came in and what became of it, counted out of the record."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["volume"])

"""The handling modes: answering, referring, declining, papers, hand-over, urges, withdrawal."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])

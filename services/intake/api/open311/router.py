"""The routes of GeoReport v2."""

from fastapi import APIRouter

router = APIRouter(prefix="/open311/v2", tags=["open311"])

"""One matter, many voices: look-alikes, attaching and detaching, joint appeals, alarms, volume."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])

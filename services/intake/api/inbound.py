"""Appeals that other systems send: signed webhooks and mail."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1/inbound", tags=["inbound"])

"""Campaigns, windows, informants: where appeals come from."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["entry"])

"""The access log, retention, legal holds, approvals by two persons."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["privacy"])

"""Suggested categories for a text."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1/categories", tags=["categories"])

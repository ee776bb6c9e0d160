"""Photographs, sound, video and documents of an appeal."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1/appeals", tags=["attachments"])

"""Campaigns, windows, informants, surveys and tables: where appeals come from."""

from fastapi import APIRouter

from services.intake.api import entry_campaigns, entry_csv, entry_people, entry_places, entry_surveys

router = APIRouter()
for part in (entry_places, entry_people, entry_campaigns, entry_surveys, entry_csv):
    router.include_router(part.router)

"""Which storage the settings name: `s3://bucket/prefix`, or the folder `attachments` of the data directory."""

from pathlib import Path
from urllib.parse import urlsplit

from services.intake.settings import Settings
from services.intake.storage.local_folder import LocalFolder
from services.intake.storage.port import ObjectStore
from services.intake.storage.staging import Staging

_INCOMING = "incoming"


def open_storage(settings: Settings) -> ObjectStore:
    """Open it; nothing is connected yet."""
    if settings.attachment_store is None:
        return LocalFolder(attachment_folder(settings))
    from services.intake.storage.s3_bucket import S3Bucket

    place = urlsplit(settings.attachment_store)
    key, secret = settings.attachment_s3_access_key_id, settings.attachment_s3_secret_access_key
    return S3Bucket(
        place.netloc,
        prefix=place.path.strip("/"),
        endpoint=settings.attachment_s3_endpoint,
        region=settings.attachment_s3_region,
        credentials=(key, secret) if key is not None and secret is not None else None,
    )


def open_staging(settings: Settings) -> Staging:
    """Where files lie sealed while they arrive: always on this machine."""
    return Staging(attachment_folder(settings) / _INCOMING)


def attachment_folder(settings: Settings) -> Path:
    """The folder of attachments in the data directory."""
    return settings.data_dir / "attachments"

"""Settings of attachments: bounds, where they lie, who scans them."""

from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from services.intake.domain.attachments import SizeBounds

_MEGABYTE = 1024 * 1024


class AttachmentSettings(BaseModel):
    """A part of intake's settings. Sizes are in megabytes of 1,048,576 bytes, pictures in millions of pixels."""

    attachment_photo_megabytes: int = Field(default=10, ge=1, le=100)
    attachment_audio_megabytes: int = Field(default=30, ge=1, le=500)
    attachment_video_megabytes: int = Field(default=200, ge=1, le=500)
    attachment_document_megabytes: int = Field(default=20, ge=1, le=500)
    attachment_megapixels: int = Field(default=64, ge=1, le=250)
    attachment_store: str | None = None
    attachment_s3_endpoint: str | None = None
    attachment_s3_region: str = "us-east-1"
    attachment_s3_access_key_id: SecretStr | None = None
    attachment_s3_secret_access_key: SecretStr | None = None
    attachment_sweep_seconds: float = Field(default=300.0, ge=0.05, le=86_400)
    clamd_url: str | None = None
    clamd_required: bool = True
    clamd_timeout_seconds: float = Field(default=60.0, gt=0, le=600)

    @property
    def attachment_bounds(self) -> SizeBounds:
        return SizeBounds(
            photo=self.attachment_photo_megabytes * _MEGABYTE,
            audio=self.attachment_audio_megabytes * _MEGABYTE,
            video=self.attachment_video_megabytes * _MEGABYTE,
            document=self.attachment_document_megabytes * _MEGABYTE,
        )

    @property
    def attachment_most_pixels(self) -> int:
        return self.attachment_megapixels * 1_000_000

    @field_validator("attachment_store")
    @classmethod
    def _names_a_bucket(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme != "s3" or not urlsplit(value).netloc):
            raise ValueError("is s3://bucket or s3://bucket/prefix; leave it out for a folder of the data directory")
        return value

    @field_validator("attachment_s3_endpoint")
    @classmethod
    def _names_an_endpoint(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value

    @field_validator("clamd_url")
    @classmethod
    def _names_a_scanner(cls, value: str | None) -> str | None:
        if value is None:
            return None
        place = urlsplit(value)
        over_tcp = place.scheme == "tcp" and place.hostname and place.port
        if not over_tcp and not (place.scheme == "unix" and place.path.startswith("/")):
            raise ValueError("is tcp://host:port or unix:///path/of/the/socket")
        return value

    @model_validator(mode="after")
    def _has_both_halves_of_the_key(self) -> Self:
        halves: tuple[Any, Any] = (self.attachment_s3_access_key_id, self.attachment_s3_secret_access_key)
        if (halves[0] is None) != (halves[1] is None):
            raise ValueError("ATTACHMENT_S3_ACCESS_KEY_ID and ATTACHMENT_S3_SECRET_ACCESS_KEY belong together")
        return self

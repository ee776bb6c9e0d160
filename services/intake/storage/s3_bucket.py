"""Objects in a bucket of anything that speaks S3, through obstore, which is loaded only then."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from services.intake.storage.port import ObjectMissing, StorageError

if TYPE_CHECKING:
    from obstore.store import S3Store


class S3Bucket:
    """An ObjectStore. Large objects go up in parts, and appear when the last one is there."""

    def __init__(self, bucket: str, *, prefix: str, endpoint: str | None, region: str, credentials: Any) -> None:
        self._store = _open_store(bucket, prefix, endpoint, region, credentials)

    async def put_stream(self, key: str, source: Path) -> None:
        from obstore import put_async

        try:
            await put_async(self._store, key, source)
            await asyncio.to_thread(source.unlink, missing_ok=True)
        except (OSError, _errors()) as error:
            raise StorageError("the object cannot be written") from error

    async def open_stream(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        from obstore import get_async

        try:
            found = await get_async(self._store, key, options={"range": (start, stop)})
            async for piece in found.stream():
                yield bytes(piece)
        except FileNotFoundError as error:
            raise ObjectMissing("there is no such object") from error
        except (OSError, _errors()) as error:
            raise StorageError("the object cannot be read") from error

    async def delete(self, key: str) -> None:
        from obstore import delete_async

        try:
            await delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (OSError, _errors()) as error:
            raise StorageError("the object cannot be removed") from error

    async def exists(self, key: str) -> bool:
        from obstore import head_async

        try:
            await head_async(self._store, key)
        except FileNotFoundError:
            return False
        except (OSError, _errors()) as error:
            raise StorageError("the storage does not answer") from error
        return True


def _errors() -> type[Exception]:
    from obstore.exceptions import BaseError

    return BaseError


def _open_store(
    bucket: str, prefix: str, endpoint: str | None, region: str, credentials: tuple[SecretStr, SecretStr] | None
) -> "S3Store":
    from datetime import timedelta

    from obstore.store import S3Store

    options: dict[str, Any] = {"region": region, "virtual_hosted_style_request": False}
    if endpoint is not None:
        options["endpoint"] = endpoint
    if credentials is not None:
        options["access_key_id"] = credentials[0].get_secret_value()
        options["secret_access_key"] = credentials[1].get_secret_value()
    return S3Store(
        bucket,
        prefix=prefix or None,
        **options,
        client_options={"allow_http": endpoint is not None and endpoint.startswith("http://"), "timeout": "60s"},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
    )

"""A small S3 on the loopback: objects, ranges, uploads in parts, deletion in bulk, signatures (version 4) checked.

Enough of the protocol to see what a client sends; a whole imitation of Amazon weighs more than this service.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree as ET

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

ACCESS_KEY, SECRET_KEY, REGION, BUCKET = "access", "secret-key-of-the-tests", "city-1", "evidence"
_CREDENTIAL: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w{64})"
)


@dataclass
class S3Server:
    """An ASGI application; `objects` is what it holds."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    away: bool = False
    requests: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        self.requests.append(f"{request.method} {' '.join(sorted(query))}".strip())
        if self.away:
            return Response(status_code=503)
        if not _is_signed(request):
            return _error(403, "SignatureDoesNotMatch")
        bucket, _, key = request.url.path.lstrip("/").partition("/")
        if bucket != BUCKET:
            return _error(404, "NoSuchBucket")
        if request.method == "POST":
            return self._multipart(key, query, body)
        if request.method == "PUT":
            return self._put(key, query, body)
        return self._get(request, key)

    def _multipart(self, key: str, query: dict[str, str], body: bytes) -> Response:
        if "uploads" in query:
            upload = f"upload-{len(self.uploads)}"
            self.uploads[upload] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key>"
                f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
        if "delete" in query:
            keys = [node.text or "" for node in ET.fromstring(body).iter() if node.tag.endswith("Key")]
            for gone in keys:
                self.objects.pop(gone, None)
            listed = "".join(f"<Deleted><Key>{gone}</Key></Deleted>" for gone in keys)
            return _xml(f"<DeleteResult>{listed}</DeleteResult>")
        parts = self.uploads.pop(query["uploadId"])
        named = [int(node.text or 0) for node in ET.fromstring(body).iter() if node.tag.endswith("PartNumber")]
        self.objects[key] = b"".join(parts[number] for number in named)
        return _xml(f'<CompleteMultipartUploadResult><Key>{key}</Key><ETag>"x"</ETag></CompleteMultipartUploadResult>')

    def _put(self, key: str, query: dict[str, str], body: bytes) -> Response:
        etag = {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
        if "partNumber" in query:
            self.uploads[query["uploadId"]][int(query["partNumber"])] = body
            return Response(headers=etag)
        self.objects[key] = body
        return Response(headers=etag)

    def _get(self, request: Request, key: str) -> Response:
        content = self.objects.get(key)
        if content is None:
            return _error(404, "NoSuchKey")
        headers = {"ETag": '"x"', "Last-Modified": "Mon, 02 Mar 2026 01:00:00 GMT"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if asked is None:
            return Response(content, headers=headers)
        start, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
        headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
        return Response(content[start : last + 1], 206, headers)


def _is_signed(request: Request) -> bool:
    found = _CREDENTIAL.fullmatch(request.headers.get("authorization", ""))
    if found is None or found[1] != ACCESS_KEY or found[3] != REGION:
        return False
    names = found[4].split(";")
    query = sorted(parse_qsl(request.url.query, keep_blank_values=True))
    canonical = "\n".join(
        [
            request.method,
            quote(request.scope["path"], safe="/-_.~"),
            "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query),
            *(f"{name}:{' '.join(request.headers[name].split())}" for name in names),
            "",
            found[4],
            request.headers["x-amz-content-sha256"],
        ]
    )
    scope = f"{found[2]}/{REGION}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (found[2], REGION, "s3", "aws4_request", to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(key.hex(), found[5])


def _xml(text: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{text}', media_type="application/xml")


def _error(status: int, code: str) -> Response:
    return Response(
        f"<Error><Code>{code}</Code><Message>{code}</Message></Error>", status, media_type="application/xml"
    )

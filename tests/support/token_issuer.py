"""A real OpenID issuer for tests: publishes a key set over HTTP, signs tokens, and can misbehave on purpose."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://id.city.example"
AUDIENCE = "minqing"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def _jwk(algorithm: str, key: PrivateKey, key_id: str) -> dict[str, Any]:
    makers: dict[str, Any] = {
        "RS256": jwt.algorithms.RSAAlgorithm,
        "ES256": jwt.algorithms.ECAlgorithm,
        "EdDSA": jwt.algorithms.OKPAlgorithm,
    }
    document: dict[str, Any] = json.loads(makers[algorithm].to_jwk(key.public_key()))
    document.pop("key_ops", None)
    return {**document, "kid": key_id, "use": "sig", "alg": algorithm}


@dataclass
class Issuer:
    """An issuer with one key per algorithm; `fetches` counts how often its key set was asked for."""

    clock_now: datetime
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=lambda: {"keys": []})
    fetches: int = 0
    broken: bool = False
    url: str = ""

    def add(self, key_id: str, algorithm: str, key: PrivateKey) -> None:
        self.keys[key_id] = key
        self.document["keys"].append(_jwk(algorithm, key, key_id))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Valid claims; a change to None takes the claim away."""
        now = self.clock_now
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "operator-7",
            "exp": int((now + timedelta(minutes=10)).timestamp()),
            "nbf": int(now.timestamp()),
            "scope": "tickets:dispatch openid profile",
        }
        claims |= changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key_id: str, algorithm: str, **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), self.keys[key_id], algorithm=algorithm, headers={"kid": key_id})

    def public_pem(self, key_id: str) -> bytes:
        return self.keys[key_id].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def encoded(part: Any) -> str:
    """One part of a hand-made token."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def running_issuer(now: datetime) -> Iterator[Issuer]:
    """An issuer with an RSA, an EC and an Ed25519 key, reachable over HTTP until the block ends."""
    issuer = Issuer(now)
    issuer.add("rsa-1", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))
    issuer.add("ec-1", "ES256", ec.generate_private_key(ec.SECP256R1()))
    issuer.add("ed-1", "EdDSA", ed25519.Ed25519PrivateKey.generate())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            body = b"not json" if issuer.broken else json.dumps(issuer.document).encode()
            self.send_response(500 if issuer.broken else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

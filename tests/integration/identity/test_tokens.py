"""Tokens of a real issuer: the three algorithms accepted, every known way of cheating refused."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.clock import ManualClock
from shared.errors import Unavailable
from shared.identity.principal import Unauthenticated
from shared.identity.tokens import ClaimMapping, TokenVerifier
from tests.support.token_issuer import AUDIENCE, ISSUER, Issuer, encoded, running_issuer


class Stopwatch:
    """Durations that move only when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer(manual_clock: ManualClock) -> Iterator[Issuer]:
    with running_issuer(manual_clock.now()) as running:
        yield running


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
async def verifier(issuer: Issuer, manual_clock: ManualClock, stopwatch: Stopwatch) -> AsyncIterator[TokenVerifier]:
    made = TokenVerifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        jwks_url=issuer.url,
        clock=manual_clock,
        claims=ClaimMapping("scope", "department_code", {"supervisor": ("feedback:supervise", "cases:read")}),
        monotonic=stopwatch,
    )
    yield made
    await made.close()


async def refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


@pytest.mark.parametrize(("key_id", "algorithm"), [("rsa-1", "RS256"), ("ec-1", "ES256"), ("ed-1", "EdDSA")])
async def test_each_allowed_algorithm_gives_a_principal(
    verifier: TokenVerifier, issuer: Issuer, key_id: str, algorithm: str
) -> None:
    principal = await verifier.verify(issuer.token(key_id, algorithm, department_code="D07"))

    assert principal.kind == "jwt"
    assert principal.id == f"{ISSUER}#operator-7"
    assert principal.scopes == {"tickets:dispatch"}
    assert principal.department_code == "D07"


async def test_roles_are_mapped_to_scopes_and_unknown_ones_dropped(verifier: TokenVerifier, issuer: Issuer) -> None:
    principal = await verifier.verify(issuer.token("ec-1", "ES256", scope=["supervisor", "root", 5]))

    assert principal.scopes == {"feedback:supervise", "cases:read"}


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"exp": None},
        {"nbf": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("inf")},
        {"department_code": 7},
        {"department_code": ""},
    ],
)
async def test_claims_that_do_not_hold_are_refused(
    verifier: TokenVerifier, issuer: Issuer, changes: dict[str, Any]
) -> None:
    await refused(verifier, _raw_token(issuer, changes))


def _raw_token(issuer: Issuer, changes: dict[str, Any]) -> str:
    """Signed by hand, for the library would not encode some of these."""
    signing_input = f"{encoded({'alg': 'ES256', 'kid': 'ec-1'})}.{encoded(issuer.claims(**changes))}"
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    key = issuer.keys["ec-1"]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return f"{signing_input}.{encoded(algorithm.sign(signing_input.encode(), key))}"


async def test_times_are_judged_by_the_injected_clock(
    verifier: TokenVerifier, issuer: Issuer, manual_clock: ManualClock
) -> None:
    token = issuer.token("rsa-1", "RS256")
    await verifier.verify(token)
    manual_clock.advance(timedelta(minutes=10, seconds=30))
    await refused(verifier, token)
    later = int((manual_clock.now() + timedelta(minutes=5)).timestamp())
    await refused(verifier, issuer.token("rsa-1", "RS256", nbf=later, exp=later + 600))


async def test_no_algorithm_is_refused(verifier: TokenVerifier, issuer: Issuer) -> None:
    for name in ("none", "None", "NONE", ""):
        header = {"alg": name, "kid": "rsa-1", "typ": "JWT"}
        await refused(verifier, f"{encoded(header)}.{encoded(issuer.claims())}.")


async def test_an_hmac_made_with_the_public_key_is_refused(verifier: TokenVerifier, issuer: Issuer) -> None:
    signing_input = f"{encoded({'alg': 'HS256', 'kid': 'rsa-1'})}.{encoded(issuer.claims())}"
    signature = hmac.new(issuer.public_pem("rsa-1"), signing_input.encode(), hashlib.sha256).digest()

    await refused(verifier, f"{signing_input}.{encoded(signature)}")


async def test_an_algorithm_of_another_key_type_or_strength_is_refused(verifier: TokenVerifier, issuer: Issuer) -> None:
    key = issuer.keys["rsa-1"]
    assert isinstance(key, rsa.RSAPrivateKey)
    for algorithm in ("RS512", "PS256", "RS384"):
        await refused(verifier, jwt.encode(issuer.claims(), key, algorithm=algorithm, headers={"kid": "rsa-1"}))
    await refused(verifier, jwt.encode(issuer.claims(), key, algorithm="RS256", headers={"kid": "ec-1"}))


async def test_a_key_brought_along_in_the_token_is_not_trusted(verifier: TokenVerifier, issuer: Issuer) -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for extra in (
        {"jwk": jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True)},
        {"jku": "https://evil.example/jwks"},
    ):
        token = jwt.encode(issuer.claims(), own, algorithm="RS256", headers={"kid": "rsa-1", **extra})
        await refused(verifier, token)


async def test_broken_tokens_are_refused(verifier: TokenVerifier, issuer: Issuer) -> None:
    good = issuer.token("rsa-1", "RS256")
    header, payload, signature = good.split(".")
    without_kid = jwt.encode(issuer.claims(), issuer.keys["ec-1"], algorithm="ES256")
    critical = jwt.encode(
        issuer.claims(), issuer.keys["ec-1"], algorithm="ES256", headers={"kid": "ec-1", "crit": ["b64"]}
    )
    broken = ["", ".", "..", "a.b.c", good[:-4], f"{header}.{payload}.", f"{header}.{signature}.{payload}", "é.é.é"]
    for token in [*broken, without_kid, critical, f"{header}.{encoded(['list'])}.{signature}"]:
        await refused(verifier, token)


async def test_an_unknown_key_id_refreshes_the_set_but_not_more_often_than_allowed(
    verifier: TokenVerifier, issuer: Issuer, stopwatch: Stopwatch
) -> None:
    await verifier.verify(issuer.token("rsa-1", "RS256"))
    issuer.add("ec-2", "ES256", ec.generate_private_key(ec.SECP256R1()))
    await refused(verifier, issuer.token("ec-2", "ES256"))
    assert issuer.fetches == 1
    stopwatch.now += 11
    assert (await verifier.verify(issuer.token("ec-2", "ES256"))).name == "operator-7"
    assert issuer.fetches == 2
    for _ in range(20):
        await refused(verifier, jwt.encode(issuer.claims(), issuer.keys["ec-1"], "ES256", headers={"kid": "forged"}))
    assert issuer.fetches == 2


async def test_a_withdrawn_key_is_no_longer_trusted_after_the_refresh(
    verifier: TokenVerifier, issuer: Issuer, stopwatch: Stopwatch
) -> None:
    token = issuer.token("ed-1", "EdDSA")
    await verifier.verify(token)
    issuer.document["keys"] = [key for key in issuer.document["keys"] if key["kid"] != "ed-1"]
    stopwatch.now += 301

    await refused(verifier, token)


async def test_known_keys_outlive_an_issuer_that_is_away_for_a_while(
    verifier: TokenVerifier, issuer: Issuer, stopwatch: Stopwatch
) -> None:
    token = issuer.token("rsa-1", "RS256")
    await verifier.verify(token)
    issuer.broken = True
    stopwatch.now += 900
    assert (await verifier.verify(token)).name == "operator-7"
    stopwatch.now += 3_600
    with pytest.raises(Unavailable):
        await verifier.verify(token)


async def test_weak_or_unsuitable_keys_of_the_set_are_ignored(verifier: TokenVerifier, issuer: Issuer) -> None:
    issuer.add("short", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024))
    issuer.document["keys"] += [
        {"kty": "oct", "kid": "shared", "k": encoded(b"secret" * 8), "alg": "HS256"},
        {"kty": "RSA", "kid": "rubbish", "n": "!", "e": "AQAB"},
        {"kty": "EC", "kid": "p521", "crv": "P-521", "x": "AA", "y": "AA"},
        {**issuer.document["keys"][0], "kid": "enc", "use": "enc"},
        "not a key",
    ]
    hmac_token = jwt.encode(issuer.claims(), b"secret" * 8, algorithm="HS256", headers={"kid": "shared"})
    issuer.keys["enc"] = issuer.keys["rsa-1"]

    assert (await verifier.verify(issuer.token("rsa-1", "RS256"))).name == "operator-7"
    await refused(verifier, hmac_token)
    await refused(verifier, issuer.token("enc", "RS256"))

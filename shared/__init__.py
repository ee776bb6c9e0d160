"""The kernel the three services share; it knows none of them."""

from shared.lazy_imports import load_when_used

# redis imports PyJWT, and with it 10 MB of cryptography, into every process; only one that checks a token needs it.
load_when_used("jwt")

"""Signatures after the Standard Webhooks specification: HMAC-SHA256, in base 64."""

import hmac
import secrets
from base64 import b64decode, b64encode

_PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """Return a secret as receivers are given it."""
    return f"{_PREFIX}{b64encode(secrets.token_bytes(_BYTES)).decode()}"


def signature(secret: str, message_id: str, seconds: int, body: str) -> str:
    """Return what is sent as `webhook-signature`; the time is that of the attempt."""
    key = b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{seconds}.{body}".encode()
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"

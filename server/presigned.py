"""Links to an object store that also say how it is to answer: Signature Version 4, by hand.

A store's client signs links, but no parameters with them: so what it signed is signed again, with
the same key, moment and length of time. https://docs.aws.amazon.com/IAM/latest/UserGuide/\
reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_SAFE = "-_.~"


def access_key_of(url: str) -> str | None:
    """Return the id of the key that a link was signed with."""
    scope = dict(parse_qsl(urlsplit(url).query)).get("X-Amz-Credential")
    return scope and scope.split("/")[0]


def signed_again(
    url: str, method: str, secret: str, added: Mapping[str, str], origin: str | None = None
) -> str:
    """Return a signed link with more parameters, perhaps under another name of the store's.

    added   parameters, such as `response-content-type`, or of another request
    origin  scheme, host and port by which whoever follows it knows the store
    """
    parts = urlsplit(url)
    kept = dict(parse_qsl(parts.query, keep_blank_values=True))
    kept.pop("X-Amz-Signature", None)
    query = "&".join(
        f"{name}={value}"
        for name, value in sorted(
            (quote(name, safe=_SAFE), quote(value, safe=_SAFE))
            for name, value in {**kept, **added}.items()
        )
    )
    base = origin or f"{parts.scheme}://{parts.netloc}"
    host = urlsplit(base).netloc
    request = f"{method}\n{parts.path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    moment, scope = kept["X-Amz-Date"], kept["X-Amz-Credential"].split("/", 1)[1]
    digest = hashlib.sha256(request.encode()).hexdigest()
    told = "\n".join((_ALGORITHM, moment, scope, digest))
    signature = _hmac(_signing_key(secret, scope), told).hex()
    return f"{base}{parts.path}?{query}&X-Amz-Signature={signature}"


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):  # day, region, service, `aws4_request`
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")

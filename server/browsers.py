"""What is known of a browser's request: its cookies, and whether a page of ours sent it."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

CSRF_HEADER = "X-CSRF-Token"
PENDING_SECONDS = 600
"""How long people may take to sign in with their provider."""

_SESSION, _PENDING = "hyperdata-session", "hyperdata-signing-in"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Browsers:
    """Reads and writes the cookies of a server at one address.

    public_url  where the server is reached; None for wherever the request went
    seconds     how long a session lasts
    """

    def __init__(self, secret: str, public_url: str | None, seconds: int) -> None:
        self.seconds = seconds
        self._secret = secret
        self._public_url = public_url

    def address(self, request: HTTPConnection) -> str:
        """Return where the sender of a request reaches the server, without a slash at the end."""
        scheme = request.url.scheme.replace("ws", "http", 1)
        return (self._public_url or str(request.base_url.replace(scheme=scheme))).rstrip("/")

    def is_own(self, request: HTTPConnection) -> bool:
        """Say whether a page of ours sent a request, as its browser vouches."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        ours, theirs = (
            _origin(url) for url in (self.address(request), request.headers.get("origin", ""))
        )
        return ours is not None and ours == theirs

    def session(self, request: HTTPConnection) -> str | None:
        """Return the secret of the session in a cookie that we made."""
        secret = self._read(request, _SESSION, self.seconds)
        return secret if isinstance(secret, str) else None

    def csrf_token(self, session: str) -> str:
        """Return what a page must send with a change, to show that it can read our answers."""
        key = f"hyperdata.csrf:{self._secret}".encode()
        return hmac.new(key, session.encode(), hashlib.sha256).hexdigest()

    def may_change(self, request: HTTPConnection, session: str) -> bool:
        """Say whether a request with a session's cookie was meant by a page of ours."""
        token = request.headers.get(CSRF_HEADER, "").encode()
        is_known = hmac.compare_digest(token, self.csrf_token(session).encode())
        return is_known and self.is_own(request)

    def remember(self, request: HTTPConnection, response: Response, session: str) -> None:
        """Have the browser keep a session."""
        self._write(request, response, _SESSION, session, self.seconds)

    def forget(self, request: HTTPConnection, response: Response) -> None:
        """Have the browser drop its session."""
        self._write(request, response, _SESSION, None, 0)

    def pending(self, request: HTTPConnection) -> Mapping[str, Any] | None:
        """Return what was kept by `keep_pending`."""
        pending = self._read(request, _PENDING, PENDING_SECONDS)
        return cast("Mapping[str, Any]", pending) if isinstance(pending, dict) else None

    def keep_pending(
        self, request: HTTPConnection, response: Response, pending: Mapping[str, Any] | None
    ) -> None:
        """Have the browser keep what is to be known when it comes back; None drops it."""
        self._write(request, response, _PENDING, pending, PENDING_SECONDS if pending else 0)

    def _read(self, request: HTTPConnection, name: str, seconds: int) -> Any:  # noqa: ANN401 - JSON of ours
        cookie = request.cookies.get(self._name(request, name), "")
        try:
            return self._signer(name).loads(cookie, max_age=seconds)
        except BadData:
            return None

    def _write(
        self,
        request: HTTPConnection,
        response: Response,
        name: str,
        value: Any,  # noqa: ANN401 - JSON of ours
        seconds: int,
    ) -> None:
        signed = "" if value is None else self._signer(name).dumps(value)
        response.set_cookie(
            self._name(request, name),
            signed,
            max_age=seconds,
            path="/",
            secure=self._is_https(request),
            httponly=True,
            samesite="lax",
        )

    def _name(self, request: HTTPConnection, name: str) -> str:
        return f"__Host-{name}" if self._is_https(request) else name

    def _is_https(self, request: HTTPConnection) -> bool:
        return self.address(request).lower().startswith("https:")

    def _signer(self, name: str) -> URLSafeTimedSerializer:
        options = {"digest_method": hashlib.sha256}
        return URLSafeTimedSerializer(self._secret, salt=name, signer_kwargs=options)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Return the scheme, host and port of a URL; None for what is no URL with a host."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None

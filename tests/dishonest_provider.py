"""An OpenID Connect provider on loopback that can be told to lie, and checks PKCE itself."""

import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "hyperdata"
SECRET = "the secret of the client"


@cache
def a_key(_number: int = 1) -> RSAKey:
    """Return one of some keys: making one takes a while."""
    return RSAKey.generate_key(2048)


@dataclass
class Provider:
    """What it says, which a test may change."""

    url: str = ""
    key: RSAKey = field(default_factory=a_key)
    sign: Callable[[dict[str, Any]], str] | None = None
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    userinfo: dict[str, Any] = field(default_factory=dict[str, Any])
    pending: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    credentials: list[str] = field(default_factory=list[str])

    def answer(self, authorize_url: str) -> dict[str, str]:
        """Return what a browser brings back that was sent to the provider, and let in."""
        asked = {
            name: values[0] for name, values in parse_qs(urlsplit(authorize_url).query).items()
        }
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        code = f"code {len(self.pending)}"
        self.pending[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.credentials.append(authorization or form.get("client_secret", ""))
        asked = self.pending.pop(form["code"], None)
        digest = sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        assert form["redirect_uri"] == asked["redirect_uri"]
        at = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "ada",
            "aud": CLIENT,
            "iat": at,
            "exp": at + 60,
            "nonce": asked["nonce"],
            "email": "ada@lab.example",
            "email_verified": True,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = (self.sign or self.signed)(claims)
        return 200, {"access_token": "token", "token_type": "Bearer", "id_token": signed}

    def signed(self, claims: dict[str, Any]) -> str:
        """Return claims as a token of the provider's."""
        return jwt.encode({"alg": "RS256"}, claims, self.key)

    @property
    def stated(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.metadata,
        }


def unsigned(claims: dict[str, Any]) -> str:
    """Return claims as a token that nobody signed."""
    return f"{_base64({'alg': 'none'})}.{_base64(claims)}."


def by_the_public_key(provider: Provider, claims: dict[str, Any]) -> str:
    """Return a token signed with the public key, as if it were a secret that two share."""
    content = f"{_base64({'alg': 'HS256'})}.{_base64(claims)}"
    signature = hmac.digest(provider.key.as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def _base64(content: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@contextmanager
def running() -> Generator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/.well-known/openid-configuration":
                self._say(200, provider.stated)
            elif path == "/jwks":
                self._say(200, {"keys": [provider.key.as_dict(private=False)]})
            elif path == "/userinfo" and self.headers["Authorization"] == "Bearer token":
                self._say(200, provider.userinfo)
            else:
                self._say(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*provider.token(form, self.headers.get("Authorization", "")))

        def _say(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()


def callback(answer: dict[str, str]) -> str:
    return f"/auth/oidc/callback?{urlencode(answer)}"

"""OpenID Connect: who somebody is, as a provider vouches. By authorization code, with PKCE."""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import BaseModel

from server.logs import whereabouts
from server.sign_in.accounts import Person
from server.sign_in.refusals import SignInRefused

LEEWAY_SECONDS = 60
"""How far the provider's clock may be from ours."""

SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Those by a key of the provider's alone: none is a signature that we could have made."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be known when somebody comes back from the provider."""

    state: str
    nonce: str
    verifier: str

    @property
    def kept(self) -> dict[str, str]:
        """The same, as a cookie can keep it."""
        return asdict(self)


class _Metadata(BaseModel):
    """What a provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class _Claims(BaseModel):
    sub: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None


class Provider:
    """An OpenID Connect provider, which is asked anew what it is each time: sign-ins are rare."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, name: str) -> None:
        self.name = name
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret

    async def start(self, redirect_uri: str) -> tuple[str, Pending]:
        """Return where to send somebody, and what to keep until they are back."""
        pending = Pending(*(secrets.token_urlsafe(32) for _ in range(3)))
        async with self._client(redirect_uri) as client:
            try:
                metadata = await self._metadata(client)
            except _FAILURES as error:
                raise self._failed(error) from error
            url, _state = client.create_authorization_url(
                metadata.authorization_endpoint,
                state=pending.state,
                nonce=pending.nonce,
                code_verifier=pending.verifier,
            )
        return url, pending

    @staticmethod
    def pending(kept: Mapping[str, str]) -> Pending:
        """Return what was kept as `Pending.kept`."""
        return Pending(**kept)

    async def finish(
        self, pending: Pending, redirect_uri: str, answer: Mapping[str, str]
    ) -> Person:
        """Return who came back with an answer; SignInRefused if it does not hold."""
        if not secrets.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise SignInRefused("This answer is not to what was asked here: sign in once more.")
        if "code" not in answer:
            raise SignInRefused(f"{self.name} did not say who you are: sign in once more.")
        async with self._client(redirect_uri) as client:
            try:
                return await self._person(client, pending, answer)
            except _FAILURES as error:
                raise self._failed(error) from error

    def _client(self, redirect_uri: str) -> Any:  # noqa: ANN401 - Authlib has no types
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            scope="openid email profile",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    async def _metadata(self, client: Any) -> _Metadata:  # noqa: ANN401 - Authlib has no types
        url = f"{self._issuer}/.well-known/openid-configuration"
        metadata = _Metadata.model_validate(await _json(client, url))
        if metadata.issuer.rstrip("/") != self._issuer:
            raise ValueError("the provider states another issuer")
        return metadata

    async def _person(self, client: Any, pending: Pending, answer: Mapping[str, str]) -> Person:  # noqa: ANN401 - Authlib has no types
        metadata = await self._metadata(client)
        if answer.get("iss", metadata.issuer) != metadata.issuer:  # RFC 9207: a mix-up
            raise ValueError("the answer is of another issuer")
        if self._client_secret is not None:
            client.token_endpoint_auth_method = _way_to_authenticate(metadata)
        token: Mapping[str, Any] = await client.fetch_token(
            metadata.token_endpoint, code=answer["code"], code_verifier=pending.verifier
        )
        keys = KeySet.import_key_set(await _json(client, metadata.jwks_uri))
        claims = self._verified(token, keys, metadata, pending.nonce)
        if claims.email is None and metadata.userinfo_endpoint is not None:
            told = _Claims.model_validate(
                await _json(client, metadata.userinfo_endpoint, known=True)
            )
            if told.sub != claims.sub:
                raise ValueError("the provider tells of somebody else")
            claims = told
        email = claims.email if claims.email_verified else None
        return Person(metadata.issuer, claims.sub, email, claims.name)

    def _verified(
        self, token: Mapping[str, Any], keys: KeySet, metadata: _Metadata, nonce: str
    ) -> _Claims:
        """Return the claims of an ID token that was made for us, now, and for this request."""
        stated = metadata.id_token_signing_alg_values_supported
        registry = JWSRegistry(
            algorithms=[each for each in SIGNATURES if each in stated], strict_check_header=False
        )
        signed = jwt.decode(token["id_token"], keys, registry=registry)
        expected = {
            "iss": {"essential": True, "value": metadata.issuer},
            "aud": {"essential": True, "value": self._client_id},
        }
        known = {
            "nonce": nonce,
            "client_id": self._client_id,
            "access_token": token.get("access_token"),
        }
        claims: Any = CodeIDToken(signed.claims, signed.header, expected, known)
        claims.validate(leeway=LEEWAY_SECONDS)
        return _Claims.model_validate(signed.claims)

    def _failed(self, error: Exception) -> SignInRefused:
        log.warning("Signing in with the provider failed: %s", whereabouts(error))
        return SignInRefused(
            f"{self.name} could not be asked who you are, or its answer does not hold: sign in "
            "once more, and if that does not help, tell the operator."
        )


_FAILURES = (OAuthError, JoseError, httpx2.HTTPError, ValueError, KeyError)


async def _json(client: Any, url: str, *, known: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Fetch JSON, with the token that the client has got if it is to be known."""
    response = await client.request("GET", url, withhold_token=not known)
    response.raise_for_status()
    return response.json()


def _way_to_authenticate(
    metadata: _Metadata,
) -> Literal["client_secret_basic", "client_secret_post"]:
    ways = metadata.token_endpoint_auth_methods_supported
    if "client_secret_basic" not in ways and "client_secret_post" in ways:
        return "client_secret_post"
    return "client_secret_basic"

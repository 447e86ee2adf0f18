"""Links that work for a while and for one thing: signing them, and telling whether they hold."""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal, cast

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from server.errors import ExpectedFailure
from server.settings import Settings

Purpose = Literal["export", "recording", "upload", "package", "erasure"]
"""What a link is for; a token for one purpose is worth nothing for another."""

UPLOAD_SECONDS = 900
"""How long, at most, an upload may wait to begin: it writes, so its link is for at once."""


class LinkExpired(ExpectedFailure):
    """The link was good, but its time is over."""

    code = "LINK_EXPIRED"


class LinkInvalid(ExpectedFailure):
    """The link was not made here, or not for this."""

    code = "LINK_INVALID"


class Signer:
    """Makes and checks the tokens of links."""

    def __init__(self, secret: str, seconds: int, clock: Callable[[], float] = time.time) -> None:
        self.seconds = seconds
        self._secret = secret
        self._clock = clock

    def seconds_for(self, purpose: Purpose) -> int:
        """Return how long a link works."""
        return min(self.seconds, UPLOAD_SECONDS) if purpose == "upload" else self.seconds

    def sign(
        self, purpose: Purpose, key: int, user_key: int, terms: Mapping[str, Any] | None = None
    ) -> str:
        """Return a token that lets its holder have one thing, with the rights of an account.

        `terms` is what else it is bound to, as JSON: whoever holds the token can read it.
        """
        token = self._serializer(purpose).dumps([key, user_key, *([terms] if terms else [])])
        assert isinstance(token, str)
        return token

    def check(self, purpose: Purpose, token: str, key: int) -> int:
        """Return the key of the account that the token was made for; as `terms`."""
        return self.terms(purpose, token, key)[0]

    def terms(self, purpose: Purpose, token: str, key: int) -> tuple[int, Mapping[str, Any]]:
        """Return the key of the account that the token was made for, and what it is bound to.

        LinkExpired or LinkInvalid unless it was made for this and still holds.
        """
        again = _AGAIN[purpose]
        seconds = self.seconds_for(purpose)
        try:
            signed = self._serializer(purpose).loads(token, max_age=seconds)
        except SignatureExpired as error:
            raise LinkExpired(f"This link has expired: {again} for a new one.") from error
        except BadData as error:
            raise LinkInvalid(_INVALID.format(again)) from error
        match signed:
            case [signed_key, int(user_key)] if signed_key == key:
                return user_key, {}
            case [signed_key, int(user_key), terms] if signed_key == key:
                return user_key, cast("dict[str, Any]", terms)
            case _:
                raise LinkInvalid(_INVALID.format(again))

    def digest(self, purpose: str, text: str) -> str:
        """Return what nobody can make of a text, or tell it from, who does not know the secret."""
        key = f"hyperdata.{purpose}.{self._secret}".encode()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _serializer(self, purpose: Purpose) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret,
            salt=f"hyperdata.{purpose}",
            signer=_TimedSigner,
            signer_kwargs={"digest_method": hashlib.sha256, "clock": self._clock},
        )


_AGAIN: Mapping[Purpose, str] = {
    "export": "read downloadUrl again",
    "recording": "read downloadUrl again",
    "upload": "ask recordingUploadCreate again",
    "package": "go back to where you found it",
    "erasure": "ask without `confirm`",
}
_INVALID = "This link is not valid: {}, and use it as it is."


class _TimedSigner(TimestampSigner):
    """A signer whose time is the one it is given."""

    def __init__(self, *args: Any, clock: Callable[[], float], **options: Any) -> None:  # noqa: ANN401 - whatever itsdangerous passes
        super().__init__(*args, **options)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


def load_secret(settings: Settings) -> str:
    """Return the operator's secret, or the one kept in the data folder, making it if need be."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    kept = settings.data_dir / "secret"
    if not kept.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        draft = kept.with_name(f"secret.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        with suppress(FileExistsError):  # another server made it first: use that one
            os.link(draft, kept)
        draft.unlink()
    return kept.read_text()

"""Links that work for a while and for one thing: signing them, and telling whether they hold."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from server.errors import ExpectedFailure
from server.settings import Settings

Purpose = Literal["export", "recording"]
"""What a link is for; a token for one purpose is worth nothing for another."""


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

    def sign(self, purpose: Purpose, key: int, user_key: int) -> str:
        """Return a token that lets its holder fetch one thing, with the rights of an account."""
        token = self._serializer(purpose).dumps([key, user_key])
        assert isinstance(token, str)
        return token

    def check(self, purpose: Purpose, token: str, key: int) -> int:
        """Return the key of the account that the token was made for.

        LinkExpired or LinkInvalid unless it was made for this and still holds.
        """
        try:
            signed = self._serializer(purpose).loads(token, max_age=self.seconds)
        except SignatureExpired as error:
            raise LinkExpired(
                "This link has expired: read downloadUrl again for a new one."
            ) from error
        except BadData as error:
            raise LinkInvalid(_INVALID) from error
        match signed:
            case [signed_key, int(user_key)] if signed_key == key:
                return user_key
            case _:
                raise LinkInvalid(_INVALID)

    def _serializer(self, purpose: Purpose) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret,
            salt=f"hyperdata.{purpose}",
            signer=_TimedSigner,
            signer_kwargs={"digest_method": hashlib.sha256, "clock": self._clock},
        )


_INVALID = "This link is not valid: read downloadUrl again, and use it as it is."


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

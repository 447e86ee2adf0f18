"""How people sign in with a browser: links that work once, sessions, and who vouches for them.

Of links and sessions only hashes are kept: who reads the database cannot use them.
"""

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import moment
from server.timestamps import Timestamp


class SignInLink(Stored, table=True):
    """A link that signs an account in, once."""

    hash: str = Field(unique=True)
    user_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    expires_at: Timestamp = moment("When it stops working.")
    used_at: Timestamp | None = moment("When it was used.", default=None)


class BrowserSession(Stored, table=True):
    """A browser in which somebody is signed in: by an API key, if it names one."""

    hash: str = Field(unique=True)
    user_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    api_key_key: int | None = Field(default=None, foreign_key="api_key.id", sa_type=KEY_TYPE)
    created_at: Timestamp = moment("When they signed in.")
    expires_at: Timestamp = moment("When it ends.")
    revoked_at: Timestamp | None = moment("When they signed out.", default=None)


class Identity(Stored, table=True):
    """Under which name an OpenID Connect provider knows an account."""

    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    issuer: str
    subject: str
    user_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)

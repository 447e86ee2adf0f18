"""API keys as they are stored: never the key, only its hash."""

from collections.abc import Mapping

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE, ByteCount
from server.db import Stored, Table
from server.records.columns import column, json_column, moment
from server.records.described import Described, OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp

MANAGES_KEYS = "admin:api_keys"
"""The scope in which keys are seen, made and revoked."""

SCOPES: Mapping[str, str] = {
    "read:experiments": "Experiments and rooms.",
    "read:participants": "Who took part.",
    "read:events": "Events.",
    "read:recordings": "Recordings.",
    "read:chat": "Chat messages.",
    "read:ratings": "Continuous and sparse ratings.",
    "read:sync": "Sync metrics.",
    "read:components": "Components.",
    "read:*": "All reading.",
    "write:events": "Adding records.",
    "write:experiments": "Setting experiments up, changing and sharing them.",
    "delete:experiments": "Deleting experiments, and erasing participants.",
    "export:data": "Taking data away in files.",
    MANAGES_KEYS: "Making and revoking API keys.",
    "*": "All that its owner may do.",
}
"""What a key can be allowed, and what that is."""


class KeyExpiry(Described):
    """How long a new API key works."""

    SEVEN_DAYS = "SEVEN_DAYS", "Seven days."
    THIRTY_DAYS = "THIRTY_DAYS", "Thirty days."
    NINETY_DAYS = "NINETY_DAYS", "Ninety days."
    ONE_YEAR = "ONE_YEAR", "365 days."
    NEVER = "NEVER", "Until it is revoked."

    @property
    def days(self) -> int | None:
        """How many days that is; None for no end."""
        return _DAYS[self]


_DAYS: Mapping[KeyExpiry, int | None] = {
    KeyExpiry.SEVEN_DAYS: 7,
    KeyExpiry.THIRTY_DAYS: 30,
    KeyExpiry.NINETY_DAYS: 90,
    KeyExpiry.ONE_YEAR: 365,
    KeyExpiry.NEVER: None,
}


class ApiKeyBase(SQLModel):
    """A key's public columns."""

    name: str = column("What its owner calls it.")
    description: str | None = column("What it is for.", default=None)
    prefix: str = column("How the key begins: enough to recognise it, not to use it.")
    scopes: list[str] = json_column("What it allows, such as `read:events` or `*`.")
    created_at: Timestamp = moment("When it was made.")
    expires_at: Timestamp | None = moment("When it stops working; null for never.", default=None)
    revoked_at: Timestamp | None = moment("When it was revoked.", default=None)
    last_used_at: Timestamp | None = moment(
        "When it was last used, to within a few seconds; null for never.", default=None
    )
    use_count: ByteCount = column(
        "How many requests it was used for.", unit="requests", default=0, sa_type=BigInteger
    )
    last_address: str | None = column("Network address it was last used from.", default=None)


class ApiKey(ApiKeyBase, Stored, table=True):
    """A stored key. `experiment_keys` narrows it to some experiments; null leaves them all."""

    hash: str = Field(unique=True)
    user_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    experiment_keys: list[int] | None = Field(default=None, sa_type=JSON_TYPE)


class ApiKeyAddress(Table, table=True):
    """From where a key has been used: any other network address is new to it."""

    api_key_key: int = Field(primary_key=True, foreign_key="api_key.id", sa_type=KEY_TYPE)
    address: str = Field(primary_key=True)


class ApiKeyFilter(Filter, of=ApiKeyBase):
    """Which keys to keep."""


class ApiKeyOrderField(OrderField):
    """What keys can be sorted by."""

    CREATED_AT = "created_at"


API_KEYS = Listed(
    model=ApiKey,
    filter=ApiKeyFilter,
    order=ApiKeyOrderField,
    scope=MANAGES_KEYS,
)

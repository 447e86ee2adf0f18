"""API keys as they are stored: never the key, only its hash."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE
from server.db import Stored
from server.records.columns import column, json_column, moment
from server.timestamps import Timestamp


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
    use_count: int = column("How many requests it was used for.", default=0, sa_type=BigInteger)
    last_address: str | None = column("Network address it was last used from.", default=None)


class ApiKey(ApiKeyBase, Stored, table=True):
    """A stored key. `experiment_keys` narrows it to some experiments; null leaves them all."""

    hash: str = Field(unique=True)
    user_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    experiment_keys: list[int] | None = Field(default=None, sa_type=JSON_TYPE)

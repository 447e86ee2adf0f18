"""Budgets: what holders of keys, and who is signed in, have spent lately, for all servers."""

from sqlalchemy import BigInteger
from sqlmodel import Field

from server.column_types import KEY_TYPE
from server.db import Table


class Budget(Table, table=True):
    """One that is not full. It holds for an API key, or, where that is 0, for a user's browsers.

    full_at  when all of it has come back, in microseconds since 1970: see `limits.bucket`
    """

    user_key: int = Field(primary_key=True, sa_type=KEY_TYPE)
    api_key_key: int = Field(primary_key=True, sa_type=KEY_TYPE)
    full_at: int = Field(sa_type=BigInteger)

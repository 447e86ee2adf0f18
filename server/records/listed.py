"""What listing a table's rows needs: how they are filtered, sorted and paged, and who may read."""

from dataclasses import dataclass

from server.db import Table
from server.records.described import OrderField
from server.records.filters import Filter


@dataclass(frozen=True, kw_only=True, eq=False)
class Listed:
    """A table that clients list.

    model   the table
    filter  which of its rows to keep
    order   what they can be sorted by: the values are columns, the first is the default
    scope   what an API key must be allowed in order to read them
    most    how many rows a page may have
    """

    model: type[Table]
    filter: type[Filter]
    order: type[OrderField]
    scope: str
    most: int = 1000

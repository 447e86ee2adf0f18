"""Stores of files, local and elsewhere, opened alike by servers and their workers.

Keys and regions are told by the variables that every client of S3 knows, `AWS_ACCESS_KEY_ID` and so
on, which a worker has from its server: they are in no plan, no log and no answer.
"""

import os
from datetime import timedelta
from typing import Any

from obstore.store import ObjectStore, from_url

PART = 8 << 20
"""Bytes sent or read at a time."""

PARTS_AT_ONCE = 4
"""How many parts of a file are on their way: what is in memory of it, however large it is."""

_MOST_PARTS = 9_000
"""S3 takes 10,000 parts of a file."""

_CLIENT = {"timeout": "120s", "connect_timeout": "5s"}
"""A part must come or go within the time, so a slow line has some."""

_RETRIES = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
"""Whoever needs a store that stays away longer waits by themselves, and can be told to stop."""


def open_store(url: str, endpoint: str | None = None) -> ObjectStore:
    """Open a store; `endpoint` is where its API is, unless that follows from the URL."""
    options: dict[str, Any] = {}
    if url.startswith("file:"):
        options["mkdir"] = True
    elif not url.startswith("memory:"):
        options["config"] = {} if endpoint is None else {"endpoint": endpoint}
        options["client_options"] = {**_CLIENT, "allow_http": _by_http(endpoint)}
        options["retry_config"] = _RETRIES
    return from_url(url, **options)


def _by_http(endpoint: str | None) -> bool:
    told = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return (endpoint or told or "").startswith("http://")


def part_size(size: int) -> int:
    """Return how many bytes the parts of a file of so many should have."""
    return max(PART, -(-size // _MOST_PARTS))

"""Attempts with wrong API keys: counted by where they come from, and slowed. Kept in memory.

An address that has sent too many in a minute must wait for the next; until then only those keys are
looked up that have worked from there before. So one wrong script locks nobody out who shares its
address and is at work already; and whoever guesses learns nothing about any other key.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

SECONDS = 60
"""How long attempts are counted together, from the first of them."""

MOST_KEPT = 10_000
"""Of how many addresses, and how many keys that worked, anything is known; the newest."""


@dataclass(slots=True)
class _Count:
    until: float
    failed: int = 0


class Attempts:
    """What has been tried from where.

    most   how many wrong keys an address may send in a minute
    clock  tells the time, in seconds
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._worked: OrderedDict[tuple[str, str], None] = OrderedDict()

    def seconds_to_wait(self, address: str, key_hash: str) -> int:
        """Return for how long a key is not looked up that comes from an address; mostly 0."""
        origin = network_of(address)
        count = self._counts.get(origin)
        if count is None or count.failed < self._most or (origin, key_hash) in self._worked:
            return 0
        return max(0, ceil(count.until - self._clock()))

    def failed(self, address: str, key_hash: str) -> bool:
        """Count a key that did not work; say whether it is the address's first in a minute."""
        origin, at = network_of(address), self._clock()
        self._worked.pop((origin, key_hash), None)
        count = self._counts.get(origin)
        if count is not None and at < count.until:
            count.failed += 1
            return False
        self._counts.pop(origin, None)
        self._counts[origin] = _Count(at + SECONDS, 1)
        if len(self._counts) > MOST_KEPT:
            self._counts.popitem(last=False)
        return True

    def worked(self, address: str, key_hash: str) -> None:
        """Remember that a key works, and is used from there."""
        known = network_of(address), key_hash
        self._worked[known] = None
        self._worked.move_to_end(known)
        if len(self._worked) > MOST_KEPT:
            self._worked.popitem(last=False)


@lru_cache(4096)
def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6, the network that one household is given."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(ip.ipv4_mapped or ip_network((int(ip), 64), strict=False))

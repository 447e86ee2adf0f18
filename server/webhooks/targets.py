"""Where webhooks may lead: to public addresses, by https; never into the server's own network."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from httpx2 import URL, InvalidURL

from server.errors import BadUserInput

LONGEST_URL = 2000
"""Characters."""

_GLOBAL = ip_network("2000::/3")
_TUNNELS = ip_network("2002::/16"), ip_network("2001::/32")
"""IPv6 addresses behind which any IPv4 address may be."""

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class UnsafeTarget(Exception):
    """A name leads to where no webhook may."""


def checked_url(text: str, *, loopback: bool) -> str:
    """Return an address that deliveries may be sent to, as far as can be told; else BadUserInput.

    `loopback` says that this machine may be one, also by http.
    """
    text = text.strip()
    try:
        url = URL(text)
    except InvalidURL:
        url = URL("")
    schemes = ("https", "http") if loopback and url.host in _LOOPBACK_NAMES else ("https",)
    whole = url.scheme in schemes and url.host and not url.userinfo and not url.fragment
    if not whole or len(text) > LONGEST_URL:
        raise BadUserInput(
            "Give an address that begins with https://, without a user's name or a fragment, of at "
            f"most {LONGEST_URL:,} characters.",
            ["input", "url"],
        )
    try:
        address = ip_address(url.host)
    except ValueError:
        return text
    if not may_be_sent_to(address, url.scheme, loopback=loopback):
        raise BadUserInput(
            "That address is not a public one: webhooks lead to no private network.",
            ["input", "url"],
        )
    return text


async def addresses_of(url: URL, *, loopback: bool) -> Sequence[str]:
    """Return the addresses of a URL's host; UnsafeTarget if any of them may not be sent to."""
    host = url.raw_host.decode("ascii").strip("[]")
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)
    for each in addresses:
        if not may_be_sent_to(ip_address(each), url.scheme, loopback=loopback):
            raise UnsafeTarget
    return list(addresses)


def may_be_sent_to(address: IPv4Address | IPv6Address, scheme: str, *, loopback: bool) -> bool:
    """Say whether an address is public, and reached by https; or this machine's, if it may be."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return loopback
    return scheme == "https" and _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return True
    return address in _GLOBAL and not any(address in network for network in _TUNNELS)

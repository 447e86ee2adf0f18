"""Settings with which a server must not be put where others can reach it: why, and what to set."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from server.settings import Settings

SHORTEST_SECRET = 32
"""How many characters a secret must have that somebody chose."""

FEWEST_DIFFERENT = 8
"""How many of them must be different: `xxxx…` is no secret."""

SHORTEST_TOKEN = 16

INSECURE = "--insecure-http"
"""What says that a network is trusted to carry keys, cookies and data in the clear."""

_PLACEHOLDERS = ("secret", "changeme", "change-me", "change_me", "password", "default", "example")


def is_public(host: str) -> bool:
    """Say whether other machines can reach what listens there."""
    if host.lower() == "localhost":
        return False
    try:
        return not ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return True


def unsafe(settings: Settings, host: str, *, insecure_http: bool = False) -> Iterator[str]:
    """Yield why a server must not listen at an address, each with what to set."""
    if not is_public(host):
        return
    if (weakness := weak_secret(settings)) is not None:
        yield weakness
    if not insecure_http:
        yield from _in_the_clear(settings, host)
    token = settings.metrics_token
    if token is not None and len(token.get_secret_value()) < SHORTEST_TOKEN:
        yield (
            f"HYPERDATA_METRICS_TOKEN has fewer than {SHORTEST_TOKEN} characters: set a random "
            "one, as `openssl rand -hex 32` prints."
        )
    if "*" in settings.trusted_proxies:
        yield (
            "HYPERDATA_TRUSTED_PROXIES=* believes everybody who they are: name the addresses or "
            "networks of your proxies."
        )


def weak_secret(settings: Settings) -> str | None:
    """Say what is wrong with the secret that signs links and cookies; None if it will do."""
    if settings.secret is None:
        return None  # made, and kept in the data folder
    secret = settings.secret.get_secret_value()
    is_guessable = any(word in secret.lower() for word in _PLACEHOLDERS)
    if len(secret) >= SHORTEST_SECRET and len(set(secret)) >= FEWEST_DIFFERENT and not is_guessable:
        return None
    return (
        f"HYPERDATA_SECRET can be guessed, and signs links and cookies: set at least "
        f"{SHORTEST_SECRET} random characters, as `openssl rand -hex 32` prints, or leave it out: "
        "one is made and kept in the data folder."
    )


def _in_the_clear(settings: Settings, host: str) -> Iterator[str]:
    address = settings.public_url or ""
    is_https = urlsplit(address).scheme == "https"
    if address and not is_https:
        yield (
            "HYPERDATA_PUBLIC_URL does not start with https://, so keys and data would go through "
            f"the network in the clear: set the https address of your proxy, or say {INSECURE}."
        )
    elif not is_https and not settings.trusted_proxies:
        yield (
            f"{host} can be reached by other machines, and this server speaks http: keys and data "
            "would go through the network in the clear. Put a proxy with https in front and set "
            "HYPERDATA_PUBLIC_URL=https://… and HYPERDATA_TRUSTED_PROXIES, or listen on 127.0.0.1; "
            f"{INSECURE} serves all the same, in a network that is trusted."
        )

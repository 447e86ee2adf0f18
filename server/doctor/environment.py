"""The settings themselves: whether they can be read, are known, and are safe."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path

from pydantic import ValidationError

from server.doctor.findings import Finding, error, ok, warning
from server.safety import is_public, unsafe, weak_secret
from server.settings import SECRETS_DIR, Settings

PREFIX = "HYPERDATA_"

NO_SETTINGS = ("HYPERDATA_URL", "HYPERDATA_API_KEY", SECRETS_DIR)
"""What `hyperdata export` reads, and where settings may be."""


def read(data_dir: Path | None) -> Settings | list[Finding]:
    """Return the settings, or what is wrong with them: values are not told, they may be secret."""
    try:
        return Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as refusal:
        return [
            error("settings", f"{_variable(each['loc'])}: {each['msg']}.".replace("..", "."))
            for each in refusal.errors(include_url=False, include_input=False)
        ]


def _variable(place: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{str(place[0]).upper()}" if place else "settings"


def unknown(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Yield variables that look like settings and are none."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in (*known, *NO_SETTINGS):
            close = get_close_matches(name.upper(), known, 1)
            hint = f": is {close[0]} meant?" if close else "."
            yield warning("settings", f"{name} is not a setting, and changes nothing{hint}")


def safe(settings: Settings, host: str, *, insecure_http: bool) -> Iterator[Finding]:
    """Yield what keeps the server from starting at an address, or should be known of it."""
    reasons = list(unsafe(settings, host, insecure_http=insecure_http))
    for reason in reasons:
        yield error("safety", reason)
    if not reasons:
        yield ok("safety", f"It may listen on {host}.")
    if not is_public(host) and (weakness := weak_secret(settings)) is not None:
        yield warning("safety", weakness)
    if settings.webhook_loopback and (is_public(host) or settings.public_url):
        yield warning(
            "safety",
            "HYPERDATA_WEBHOOK_LOOPBACK lets owners of experiments send requests to this machine: "
            "leave it out but for trying things.",
        )


def reachable(settings: Settings, host: str) -> Iterator[Finding]:
    """Yield what should be known of a server that others can reach: by which names, and as what."""
    if not is_public(host) and not settings.public_url:
        return
    names = [name.strip() for name in settings.allowed_hosts.split(",") if name.strip()]
    if "*" in names:
        yield warning(
            "names",
            "HYPERDATA_ALLOWED_HOSTS=* answers by any name, so pages of others can reach the "
            "server through browsers in its network: list its names.",
        )
    elif not names and not settings.public_url:
        yield warning(
            "names",
            "Neither HYPERDATA_PUBLIC_URL nor HYPERDATA_ALLOWED_HOSTS is set: it answers by its "
            "addresses, and refuses whoever asks for it by a name.",
        )
    if not settings.production:
        yield warning(
            "production",
            "HYPERDATA_PRODUCTION is off: errors tell which names of the schema may be meant. It "
            "helps those who write queries; set it to 1 where nobody should.",
        )


def proxies(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the proxies that are trusted."""
    for name in filter(None, (part.strip() for part in settings.trusted_proxies.split(","))):
        try:
            if name != "*":
                ip_network(name)
        except ValueError:
            yield error(
                "proxies",
                f"HYPERDATA_TRUSTED_PROXIES: `{name}` is no address and no network, such as "
                "10.0.0.0/8.",
            )
    behind = (settings.public_url or "").startswith("https://")
    if behind and not settings.trusted_proxies:
        yield warning(
            "proxies",
            "HYPERDATA_PUBLIC_URL is https, so there is a proxy in front, and "
            "HYPERDATA_TRUSTED_PROXIES does not name it: everybody seems to come from the proxy's "
            "address, in the audit log too, and one who guesses keys slows all.",
        )
    if settings.trusted_proxies and not settings.public_url:
        yield warning(
            "proxies",
            "HYPERDATA_PUBLIC_URL is not set: links are made from the Host header that the proxy "
            "sends.",
        )

"""Runs the server in this process."""

import asyncio
import gc
import resource
import sys
from functools import partial
from typing import cast

import uvicorn

from server.app import create_app
from server.edge.connections import Connections, Limits
from server.edge.protocol import GuardedProtocol
from server.logs import configure_logging
from server.settings import Settings

MESSAGE_BYTES = 1 << 20
"""How large a websocket message may be."""

SWITCH_SECONDS = 0.0005
"""After how long a thread that waits for Python's lock gets it: those that read wait for it."""

KEEP_ALIVE_SECONDS = 30
"""How long a connection stays open without a request; it makes room for others before."""

SPARE_FILES = 256
"""How many files may be open beside connections: the database's, the stored, those of workers."""


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until told to stop; then finish what is being answered, and put jobs back."""
    configure_logging()
    app = create_app(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # what is loaded by now stays: the collector need not look at it again
    connections = Connections(limits(settings, open_files()))
    protocol = partial(GuardedProtocol, connections=connections)
    uvicorn.run(
        app,
        http=cast("type[asyncio.Protocol]", protocol),  # whatever makes one
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # its lines hold the tokens of download links
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,  # measured: 37 KiB a socket
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),  # else anybody on this machine is believed
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=10,
    )


def limits(settings: Settings, files: int) -> Limits:
    """Return what a client may take of a server, which may have so many files open."""
    return Limits(
        connections=min(settings.connections_max, max(files - SPARE_FILES, SPARE_FILES)),
        header_bytes=settings.header_max_bytes,
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        unread_seconds=settings.unread_seconds,
    )


def open_files() -> int:
    """Return how many files this process may have open, once it may have as many as it can."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most

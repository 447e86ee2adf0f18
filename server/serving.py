"""Runs the server in this process, by itself or at one socket with others."""

import asyncio
import gc
import os
import resource
import socket
import sys
from contextlib import suppress
from functools import partial
from typing import cast

import uvicorn

from server.app import create_app
from server.db import Database
from server.edge.connections import Connections, Limits
from server.edge.protocol import GuardedProtocol
from server.health.checks import accounts
from server.logs import configure_logging
from server.migrate import migrate, require_current
from server.observing import lines
from server.persisted import UnreadableDocuments
from server.safety import is_public, unsafe
from server.settings import Settings
from server.supervising import NOT_STARTED, Post
from server.wire import SocketProtocol

MESSAGE_BYTES = 1 << 20
"""How large a websocket message may be."""

SWITCH_SECONDS = 0.0005
"""After how long a thread that waits for Python's lock gets it: those that read wait for it."""

KEEP_ALIVE_SECONDS = 30
"""How long a connection stays open without a request; it makes room for others before."""

SPARE_FILES = 256
"""How many files may be open beside connections: the database's, the stored, those of workers."""


def refuse_unsafe(settings: Settings, host: str, *, insecure_http: bool) -> None:
    """Raise SystemExit, which says why, if a server must not be put there with these settings."""
    if reasons := list(unsafe(settings, host, insecure_http=insecure_http)):
        raise SystemExit("\n".join(("This would be unsafe.", *reasons)))


def run(
    settings: Settings,
    host: str,
    port: int = 0,
    *,
    insecure_http: bool = False,
    post: Post | None = None,
) -> None:
    """Serve until told to stop; then finish what is being answered, and put jobs back.

    What would be unsafe is refused: SystemExit says why.
    """
    refuse_unsafe(settings, host, insecure_http=insecure_http)
    configure_logging()
    if is_public(host) and settings.oidc_issuer is None:
        asyncio.run(_require_accounts(settings))
    lines.configure(wanted=settings.access_log)
    try:
        app = create_app(settings)
    except UnreadableDocuments as error:
        raise SystemExit(f"HYPERDATA_DOCUMENTS_FILE: {error}") from error
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # what is loaded by now stays: the collector need not look at it again
    connections = Connections(limits(settings, open_files()))
    protocol = partial(GuardedProtocol, connections=connections)
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", protocol),  # whatever makes one
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # its lines hold the tokens of download links
        ws=SocketProtocol,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,  # measured: 37 KiB a socket
        server_header=False,
        proxy_headers=False,  # `observing` looks at them, after who it is that sends them
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config) if post is None else _Posted(config, post)
    with suppress(KeyboardInterrupt):
        server.run(None if post is None else [socket.socket(fileno=post.listening)])
    if not server.started:
        raise SystemExit(NOT_STARTED)


class _Posted(uvicorn.Server):
    """Serves with others: tells its supervisor once it does, and ends when that has died."""

    def __init__(self, config: uvicorn.Config, post: Post) -> None:
        super().__init__(config)
        self._post = post

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._post.alive, self._end)
        os.write(self._post.ready, b".")
        os.close(self._post.ready)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._post.alive)
        self.should_exit = True


async def _require_accounts(settings: Settings) -> None:
    """Raise SystemExit if nobody could enter what others can reach: it is not set up yet."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database)
    try:
        await (migrate(db) if db.file else require_current(db))
        if (wrong := await accounts(db)) is not None:
            raise SystemExit(wrong)
    finally:
        await db.close()


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


if __name__ == "__main__":
    _post = Post.read(sys.argv[1])
    run(Settings(), _post.host, insecure_http=_post.insecure_http, post=_post)

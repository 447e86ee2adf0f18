"""Runs the server in this process."""

import gc
import sys

import uvicorn

from server.app import create_app
from server.logs import configure_logging
from server.observing import lines
from server.safety import unsafe
from server.settings import Settings
from server.wire import SocketProtocol

MESSAGE_BYTES = 1 << 20
"""How large a websocket message may be."""

SWITCH_SECONDS = 0.0005
"""After how long a thread that waits for Python's lock gets it: those that read wait for it."""


def refuse_unsafe(settings: Settings, host: str, *, insecure_http: bool) -> None:
    """Raise SystemExit, which says why, if a server must not be put there with these settings."""
    if reasons := list(unsafe(settings, host, insecure_http=insecure_http)):
        raise SystemExit("\n".join(("This would be unsafe.", *reasons)))


def run(settings: Settings, host: str, port: int, *, insecure_http: bool = False) -> None:
    """Serve until told to stop; then finish what is being answered, and put jobs back.

    What would be unsafe is refused: SystemExit says why.
    """
    refuse_unsafe(settings, host, insecure_http=insecure_http)
    configure_logging()
    lines.configure(wanted=settings.access_log)
    app = create_app(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # what is loaded by now stays: the collector need not look at it again
    uvicorn.run(
        app,
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

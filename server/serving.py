"""Runs the server in this process."""

import gc
import sys

import uvicorn

from server.app import create_app
from server.lingering import Lingering
from server.logs import configure_logging
from server.settings import Settings

MESSAGE_BYTES = 1 << 20
"""How large a websocket message may be."""

SWITCH_SECONDS = 0.0005
"""After how long a thread that waits for Python's lock gets it: those that read wait for it."""


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until told to stop; then finish what is being answered, and put jobs back."""
    configure_logging()
    app = create_app(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # what is loaded by now stays: the collector need not look at it again
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=Lingering,
        log_config=None,
        access_log=False,  # its lines hold the tokens of download links
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,  # measured: 37 KiB a socket
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),  # else anybody on this machine is believed
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=10,
    )

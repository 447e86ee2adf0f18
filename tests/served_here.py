"""The server in this process, at a real port: sockets whose inside can be looked at."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from server.wire import SocketProtocol
from tests.conftest import Api
from tests.job_queue import until_true


@dataclass(frozen=True)
class Served:
    """Where it is reached, and its open connections."""

    url: str
    server: uvicorn.Server

    @property
    def protocols(self) -> list[SocketProtocol]:
        """The sockets that are open."""
        connections = self.server.server_state.connections
        return [each for each in connections if isinstance(each, SocketProtocol)]


@asynccontextmanager
async def served(
    api: Api, protocol: type[SocketProtocol] = SocketProtocol, send_buffer: int | None = None
) -> AsyncGenerator[Served]:
    """Serve an application that has started; `send_buffer` is what the system holds of it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if send_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        config = uvicorn.Config(
            api.app, ws=protocol, lifespan="off", log_config=None, ws_max_size=1 << 20
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await until_true(lambda: server.started)
        yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", server)
        server.should_exit = True
        await serving

"""Sending a delivery: signed, to an address that was looked at; nothing is kept of the answer."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx2
from httpx2 import URL, AsyncClient, ConnectError, ConnectTimeout, TransportError

from server.timestamps import now
from server.webhooks.signing import signature
from server.webhooks.targets import UnsafeTarget, addresses_of

SECONDS = 10.0
"""How long a receiver may take in all."""

CONNECT_SECONDS = 3.0

_AGENT = "HyperStudy-Data-Webhooks"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, where to, and the secret that signs it."""

    url: str
    secret: str
    message_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the receiver answered: None for nothing; and why that was not enough, if it was not."""

    status: int | None = None
    error: str | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return self.error is None


class Sender:
    """Sends messages.

    loopback  whether this machine may be sent to, also by http
    clock     tells the time, in milliseconds since 1970
    """

    def __init__(
        self,
        *,
        loopback: bool = False,
        seconds: float = SECONDS,
        clock: Callable[[], int] = now,
    ) -> None:
        self._loopback = loopback
        self._seconds = seconds
        self._clock = clock

    async def send(self, message: Message) -> Outcome:
        """Send a message once; whatever goes wrong is an outcome."""
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._sent(message)
        except UnsafeTarget:
            return Outcome(error="The name leads to an address that is not public.")
        except socket.gaierror:
            return Outcome(error="The name could not be resolved.")
        except (TimeoutError, httpx2.TimeoutException):
            return Outcome(error="There was no answer in time.")
        except (TransportError, OSError, ValueError):
            return Outcome(error="No connection could be made, or it broke.")
        return Outcome(status, _complaint(status))

    async def _sent(self, message: Message) -> int:
        url = URL(message.url)
        failure: Exception | None = None
        for address in await addresses_of(url, loopback=self._loopback):
            try:
                return await self._sent_to(address, url, message)
            except (ConnectError, ConnectTimeout) as error:  # nothing was sent: try the next
                failure = error
        raise failure or OSError

    async def _sent_to(self, address: str, url: URL, message: Message) -> int:
        """Send it to an address that was looked at: the name, asked again, could lead elsewhere."""
        seconds = self._clock() // 1000
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
            "webhook-id": message.message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(
                message.secret, message.message_id, seconds, message.body
            ),
        }
        timeout = httpx2.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds))
        async with (
            AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=message.body.encode(),
                headers=headers,
                extensions={"sni_hostname": url.raw_host.decode("ascii").strip("[]")},
            ) as response,
        ):
            return response.status_code


def _complaint(status: int) -> str | None:
    code = HTTPStatus
    if code.OK <= status < code.MULTIPLE_CHOICES:
        return None
    if code.MULTIPLE_CHOICES <= status < code.BAD_REQUEST:
        return "The receiver wants to be asked elsewhere, and redirects are not followed."
    return "The receiver did not take it."

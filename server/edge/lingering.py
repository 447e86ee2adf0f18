"""How connections end when the server is told to: not before what was sent to it is answered."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER_SECONDS = 0.5
"""How long a connection on which nothing is asked stays open: a request may be on its way."""


class Lingering(HttpToolsProtocol):
    """Closes a connection that is not in use some moments after it was told to, not at once.

    What a client has sent and the server has not read yet would be lost otherwise, and the client
    could not know whether it was done.
    """

    _ending = False

    def shutdown(self) -> None:
        self._ending = True
        cycle = getattr(self, "cycle", None)  # declared as if there always were one
        if cycle is None or cycle.response_complete:
            self.loop.call_later(LINGER_SECONDS, self._look_again)
        else:
            super().shutdown()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        cycle = getattr(self, "cycle", None)
        if self._ending and cycle is not None:
            cycle.keep_alive = False  # it was the last one here

    def _look_again(self) -> None:
        """Let what has come meanwhile be read first: the loop may have been busy all the time."""
        self.loop.call_later(LINGER_SECONDS / 10, self._close_unused)

    def _close_unused(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

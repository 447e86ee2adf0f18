"""`hyperdata probe`: whether a server on this machine is well, for supervisors of containers."""

from http.client import HTTPConnection
from typing import Annotated

import typer


def probe(
    port: Annotated[int, typer.Option(help="Its port.", min=1, max=65535)] = 8000,
    *,
    ready: Annotated[
        bool, typer.Option("--ready", help="Ask whether it can do its work: /readyz.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="How long it may take to answer.", min=0.1)] = 4,
) -> None:
    """Ask the server on this machine whether it is alive, say what it says; end with 1 if not."""
    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", "/readyz" if ready else "/healthz")
        answer = connection.getresponse()
        typer.echo(answer.read().decode(errors="replace"))
    except OSError as error:
        typer.echo(f"Nothing answers at port {port}: {type(error).__name__}.", err=True)
        raise typer.Exit(1) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise typer.Exit(1)

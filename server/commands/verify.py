"""`hyperdata verify`: what can be typed."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    package: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The ZIP, the folder it was unpacked to, or a file."),
    ],
    *,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a single file, where it is not FILE.manifest.json."),
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="What the whole file's SHA-256 is by the API."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say the verdict as JSON.")] = False,
) -> None:
    """Check an export offline: every file, its bytes, its rows, and that nothing is missing.

    Ends with 1 if anything is not as it should be.
    """
    from server.commands.checking import check

    raise typer.Exit(check(package, manifest, sha256, quiet=quiet, as_json=as_json))

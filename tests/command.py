"""The command line, run as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def hyperdata(
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    within: Path | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, in a folder if one is named."""
    command = [sys.executable, "-m", "server", *map(str, arguments)]
    around = {**os.environ, **(environment or {})}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=around, cwd=within
    )


def into(url: str, folder: Path) -> dict[str, str]:
    """Return the environment in which commands use a database."""
    return {"HYPERDATA_DATABASE_URL": url, "HYPERDATA_DATA_DIR": str(folder / "data")}

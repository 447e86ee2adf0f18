"""`python -m tests.faults.shifted FILE …`: the server, whose clock a file of seconds sets off."""

import sys
import time
from pathlib import Path


def shift(file: Path) -> None:
    """Have the clock tell a time that is off by the seconds that a file holds by then."""
    real, real_ns = time.time, time.time_ns

    def seconds() -> int:
        return int(file.read_text() or 0)

    time.time = lambda: real() + seconds()
    time.time_ns = lambda: real_ns() + seconds() * 1_000_000_000


if __name__ == "__main__":
    shift(Path(sys.argv.pop(1)))
    from server.cli import app

    app()

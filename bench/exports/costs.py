"""What a process takes, from its start to its end: processor time, time, memory."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

ROOT = Path(__file__).parent.parent.parent
_LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launched.py")))


@dataclass
class Cost:
    """Seconds of processor time and of the clock, and the most memory at once, in bytes."""

    cpu: float = 0.0
    wall: float = 0.0
    peak: int = 0


@dataclass(frozen=True)
class Launched:
    """A process that is being measured; its cost is known once the block has ended."""

    process: "subprocess.Popen[bytes]"
    cost: Cost


@contextmanager
def launched(command: Sequence[str], out: IO[bytes] | int | None = None) -> Generator[Launched]:
    """Run a command whose input ends with the block; fail if it does."""
    with TemporaryDirectory() as folder:
        result = Path(folder) / "cost.json"
        process = subprocess.Popen(
            [*_LAUNCHER, str(result), *command],
            stdin=subprocess.PIPE,
            stdout=out,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        running = Launched(process, Cost())
        try:
            yield running
        finally:
            assert process.stdin is not None
            process.stdin.close()
            code = process.wait()
        assert code == 0, f"{command[0]} ended with {code}"
        for name, value in json.loads(result.read_text()).items():
            setattr(running.cost, name, value)


def run(command: Sequence[str], out: IO[bytes] | None = None) -> Cost:
    """Run a command to its end."""
    with launched(command, out) as running:
        pass
    return running.cost


def cpu_seconds(process: int) -> float:
    """Return the processor time that a process has taken so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

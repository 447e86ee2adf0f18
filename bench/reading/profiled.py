"""Our server with a sampler in it: run in its stead, it tells where its processor time goes.

The main thread's stack is looked at a thousand times per second of processor time, or as often as
the kernel's clock allows. What happens in C, such as SQLite's work, counts for the Python function
that called it.
"""

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from server.serving import run
from server.settings import Settings

EVERY = 0.001
SHOWN = 25

alone: Counter[str] = Counter()
"""Samples in which a function was the innermost."""
within: Counter[str] = Counter()
"""Samples in which a function was anywhere on the stack."""


def sample(_signal: int, frame: FrameType | None) -> None:
    names = []
    while frame is not None:
        code = frame.f_code
        names.append(f"{_short(code.co_filename)}:{code.co_name}")
        frame = frame.f_back
    alone[names[0]] += 1
    within.update(set(names))


def _short(path: str) -> str:
    return path.rpartition("site-packages/")[2] if "site-packages" in path else path[-40:]


def tell(_signal: int, _frame: FrameType | None) -> None:
    """Write what was seen since the last time, and begin anew."""
    signal.signal(signal.SIGPROF, signal.SIG_IGN)  # a sample now would change what is being read
    total = alone.total() or 1
    lines = [f"{total} samples", "  alone within  function"]
    lines += [
        f"{count / total:7.1%} {within[name] / total:6.1%}  {name}"
        for name, count in alone.most_common(SHOWN)
    ]
    draft = report.with_suffix(".draft")
    draft.write_text("\n".join(lines) + "\n")
    draft.replace(report)
    alone.clear()
    within.clear()
    signal.signal(signal.SIGPROF, sample)


if __name__ == "__main__":
    port, folder, report = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR1, tell)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    run(Settings(data_dir=folder), "127.0.0.1", port)

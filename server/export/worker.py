"""The worker process: jobs come in as lines of JSON, progress and results go out likewise.

    in    {"job": …, "plan": {…}}
    out   {"ready": true, "pid": …}
          {"job": …, "progress": {"rows": …, "total": …, "bytes": …, "message": …}}
          {"job": …, "done": {…}}  or  {"job": …, "failed": {"code": …, "message": …}}

It ends when its input does, whatever it is doing: then nobody is left to write for.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

from server.loading import loading

_ONE_THREAD = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system"}  # which keeps the least of what it was given
_NICE = 10

_INTERNAL = (
    "The export failed for a reason of the server's own, and no file was made. Start it again; if "
    "that fails too, give the operator the id of this export."
)
_STORAGE_FAILED = (
    "The file could not be written to storage. Ask the operator to look at its space, its rights "
    "and its address, then start the export again."
)
_STORAGE_FULL = (
    "There is no space left for the file, and none of it was kept. Ask the operator for space, or "
    "ask for less, then start the export again."
)
_ROWS_LOST = (
    "What was written is not what was selected: records were deleted or changed meanwhile. No file "
    "was made; start the export again."
)


def main(prepare: "Callable[[], Callable[[bytes, Say], None]] | None" = None) -> None:
    """Take jobs until the input ends; `prepare` returns what answers them, if not an export."""
    os.nice(_NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends us
    os.environ.update({**dict.fromkeys(_ONE_THREAD, "1"), **_MEMORY})
    sys.meta_path.insert(0, _WithoutPandas())
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no message
    lines = SimpleQueue[bytes]()
    Thread(target=_listen, args=(sys.stdin.buffer, lines), daemon=True).start()
    with loading():
        answer = (prepare or _prepared)()

    def say(message: dict[str, Any]) -> None:
        out.write(_line(message))
        out.flush()

    say({"ready": True, "pid": os.getpid()})
    while True:
        answer(lines.get(), say)


class _WithoutPandas:
    """Hides pandas from Arrow, which loads it where it is installed: 46 MB that no export needs."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Find nothing, and let nobody else find it."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _listen(stdin: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    """Pass on what comes in; when no more can come, end the process in the middle of its work."""
    for line in stdin:
        lines.put(line)
    os._exit(0)


def _line(message: dict[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(message) + b"\n"


Say = Callable[[dict[str, Any]], None]


def _prepared() -> Callable[[bytes, Say], None]:
    """Import what takes long, and reads how many threads it may have when it is imported."""
    import orjson

    from server.export.running import RowsLost, run
    from server.export.spool import StorageFailed, StorageFull
    from server.export.tables import read_plan

    def answer(line: bytes, say: Say) -> None:
        asked = orjson.loads(line)
        job = asked["job"]
        try:
            plan = read_plan(asked["plan"])
            done = run(plan, lambda progress: say({"job": job, "progress": progress}))
        except StorageFull:
            say(_failed(job, "STORAGE_FULL", _STORAGE_FULL))
        except StorageFailed:
            traceback.print_exc()
            say(_failed(job, "STORAGE_FAILED", _STORAGE_FAILED))
        except RowsLost:
            say(_failed(job, "RECORDS_CHANGED", _ROWS_LOST))
        except Exception:  # one job must not take the worker with it
            traceback.print_exc()
            say(_failed(job, "INTERNAL", _INTERNAL))
        else:
            say({"job": job, "done": done})

    return answer


def _failed(job: object, code: str, message: str) -> dict[str, Any]:
    return {"job": job, "failed": {"code": code, "message": message}}


if __name__ == "__main__":
    main()

"""A worker that behaves as its export's title says: writes, waits, or dies, on command.

It speaks the protocol of `server.export.worker`, and leaves half a file behind as that would.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

STEPS = 5
ROWS = 100 * STEPS
SECRET = "anna@example.org"


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def act(title: str, fence: int) -> None:
    """Do what the title asks for in the middle of the writing."""
    if title in {"crash", f"crash in attempt {fence}"}:
        os.kill(os.getpid(), signal.SIGKILL)
    if title in {"hang", f"hang in attempt {fence}"}:
        sys.stdin.read()  # for as long as there is somebody to write for
        sys.exit()
    if title.startswith("slow"):
        time.sleep(0.3)


def write(job: str, plan: dict[str, Any]) -> dict[str, Any]:
    title = plan["title"]
    path = Path(url2pathname(urlsplit(plan["storage_url"]).path), plan["storage_key"])
    half = path.with_name(f"{path.name}#1")
    path.parent.mkdir(parents=True)
    content = b""
    for step in range(1, STEPS + 1):
        content += b"0123456789\n" * 100
        half.write_bytes(content)
        count = {"rows": step * 100, "total": ROWS, "bytes": len(content)}
        say(job=job, progress={**count, "message": f"Step {step}"})
        act(title, int(job.split("/")[1]))
    half.rename(path)
    return {
        "storage_key": plan["storage_key"],
        "file_name": plan["file_name"],
        "bytes": len(content) + (title == "short"),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": ROWS,
        "manifest": {"files": ["room/events.csv"] * (100_000 if title == "wide" else 1)},
    }


def main() -> None:
    if "--broken" in sys.argv:
        raise ValueError(SECRET)
    if "--deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(ready=True, pid=os.getpid())
    while line := sys.stdin.readline():
        asked = json.loads(line)
        job, plan = asked["job"], asked["plan"]
        if plan["title"] == "refuse":
            say(job=job, failed={"code": "STORAGE_FAILED", "message": "There is no room left."})
        elif plan["title"] == "raise":
            raise ValueError(SECRET)
        else:
            if plan["title"] == "babble":
                sys.stdout.write(f"{SECRET}\n")
            say(job=job, done=write(job, plan))


if __name__ == "__main__":
    main()

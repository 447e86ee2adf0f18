"""Who holds a lease: a host, a process, when that process began, and a number of its own."""

import os
import socket
from pathlib import Path
from uuid import uuid4


def new_holder() -> str:
    """Return a name for a holder in this process."""
    pid = os.getpid()
    return f"{_host()}:{pid}:{_born(pid)}:{uuid4().hex}"


def is_dead(holder: str) -> bool:
    """Tell whether a lease is held by a process that this host knows to be dead."""
    host, pid, born, _ = holder.rsplit(":", 3)
    return born != "None" and host == _host() and _born(int(pid)) != born


def _host() -> str:
    space = Path("/proc/self/ns/pid")  # a container counts processes for itself
    return f"{socket.gethostname()}/{space.stat().st_ino if space.exists() else 0}"


def _born(pid: int) -> str | None:
    """Return when a process began, as Linux counts; None if it is dead."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else fields[18]

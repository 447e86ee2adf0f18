"""Disks that are full for a while."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 128 << 20
"""Bytes of a disk that is mounted for a test."""

Switch = Callable[[bool], None]
"""Fills a disk, or frees it."""


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a small disk at a folder until the block ends; tell whether that may be done here."""
    command = ("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder))
    mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(("umount", "--lazy", str(folder)), check=True)


def fill(folder: Path) -> Path:
    """Take all that is left of a disk; return the file that does."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
    return ballast


@contextmanager
def no_space(folder: Path, pid: int, *, mounted: bool) -> Iterator[None]:
    """Leave no space on a disk, or else let no file of a process grow, until the block ends."""
    if mounted:
        ballast = fill(folder)
        try:
            yield
        finally:
            ballast.unlink()
        return
    processes = [pid, *_children(pid)]
    before = {each: resource.prlimit(each, resource.RLIMIT_FSIZE) for each in processes}
    for each in processes:
        resource.prlimit(each, resource.RLIMIT_FSIZE, (4096, before[each][1]))
    try:
        yield
    finally:
        for each in processes:
            if Path(f"/proc/{each}").exists():
                resource.prlimit(each, resource.RLIMIT_FSIZE, before[each])


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

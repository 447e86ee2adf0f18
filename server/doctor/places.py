"""The folder of the data, the disk it is on, and the store of files."""

import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryFile

from httpx2 import HTTPError

from server.doctor.findings import Finding, error, ok, warning
from server.health import checks
from server.settings import Settings
from server.storage import Storage

SCARCE = 2 << 30
TOO_SCARCE = 200 << 20
"""How many bytes of free disk are a reason to worry, and how many are too few to go on."""

_STORE_SECONDS = 15.0
"""How long a store may take to answer; it may be far away."""


def data_folder(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the folder of the data."""
    folder = settings.data_dir
    if folder.exists() and not folder.is_dir():
        yield error("data folder", f"{folder} is a file: set HYPERDATA_DATA_DIR to a folder.")
        return
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    try:
        with TemporaryFile(dir=existing):
            pass
    except OSError as failure:
        yield error(
            "data folder",
            f"Nothing can be written in {existing} ({failure.strerror}): make it writable for the "
            "user that the server runs as, or set HYPERDATA_DATA_DIR.",
        )
        return
    made = "" if folder.exists() else "; the folder will be made"
    yield ok("data folder", f"{folder} can be written{made}.")
    yield from _secret(folder / "secret")
    yield _disk(existing)


def _secret(kept: Path) -> Iterator[Finding]:
    if kept.exists() and stat.S_IMODE(kept.stat().st_mode) & 0o077:
        yield error(
            "data folder",
            f"Others on this machine can read {kept}, which signs links and cookies: "
            f"`chmod 600 {kept}`, or delete it, which ends all links and sessions.",
        )


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    left = f"{free / (1 << 30):.1f} GiB are free in the data folder's disk"
    if free < TOO_SCARCE:
        return error("disk", f"{left}: exports and uploads will fail. Make room.")
    if free < SCARCE:
        return warning("disk", f"{left}, which exports may use up. Make room.")
    return ok("disk", f"{left}.")


async def store(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is wrong with the store, by writing, reading and deleting a small file."""
    default = " (in the data folder)" if settings.storage_url is None else ""
    try:
        opened = Storage.of(settings)
    except Exception as failure:
        yield error(
            "storage",
            f"The store cannot be opened ({type(failure).__name__}): look at "
            "HYPERDATA_STORAGE_URL.",
        )
        return
    wrong = await checks.made(checks.storage(opened), _STORE_SECONDS)
    if wrong is None:
        yield ok("storage", f"Files can be written, read and deleted{default}.")
        if await _keeps_versions(opened):
            yield warning(
                "storage",
                "The bucket keeps versions of what is deleted, also of people whose data were "
                "erased: suspend versioning, or let versions that are not current expire.",
            )
    else:
        yield error(
            "storage",
            f"Files cannot be written, read and deleted{default}. {wrong} Look at "
            "HYPERDATA_STORAGE_URL and the rights there.",
        )


async def _keeps_versions(opened: Storage) -> bool:
    """Tell whether a store is known to keep what is deleted; not every one says so."""
    try:
        return await opened.keeps_versions()
    except HTTPError:
        return False

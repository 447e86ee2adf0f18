"""`hyperdata backup` and `hyperdata restore`: what people see of them."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rich.console import Console

from server.backups.checking import verify
from server.backups.making import Making, thinned
from server.backups.restoring import restore
from server.backups.snapshots import FILES, Manifest, newest_of
from server.errors import BadUserInput, ExpectedFailure
from server.settings import Settings

DONE, FAILED = 0, 1


def make(settings: Settings, into: Path, keep: int | None) -> int:
    """Make a snapshot; return what the command ends with."""

    def act(said: Console) -> None:
        database, files = _places(settings)
        with said.status("Making a backup …") as status:
            making = Making(database, files, settings.data_dir / "secret", into)
            snapshot, manifest = making.make(lambda doing: status.update(f"{doing} …"))
        said.print(f"{snapshot}", markup=False)
        _tell(said, manifest)
        if keep is not None and (gone := thinned(into, keep)):
            said.print(f"{gone} older snapshots were removed.")

    return _ended(act)


def check(folder: Path) -> int:
    """Say whether a snapshot is whole; return what the command ends with."""

    def act(said: Console) -> None:
        snapshot = newest_of(folder)
        manifest = verify(snapshot)
        said.print(f"{snapshot} is whole.", markup=False)
        _tell(said, manifest)

    return _ended(act)


def bring_back(settings: Settings, folder: Path) -> int:
    """Make a data folder of a snapshot; return what the command ends with."""

    def act(said: Console) -> None:
        snapshot = newest_of(folder)
        with said.status("Restoring …"):
            manifest = restore(snapshot, settings.data_dir)
        said.print(f"{settings.data_dir} is as {snapshot} was.", markup=False)
        _tell(said, manifest)

    return _ended(act)


def _places(settings: Settings) -> tuple[Path, Path]:
    """Return the database's file, and the folder of the files."""
    if settings.database_url is not None:
        raise BadUserInput(
            "The database is not the embedded one: back it up by its own means, as by `pg_dump`, "
            "or copy it by `hyperdata copy`."
        )
    parts = urlsplit(settings.storage)
    if parts.scheme != "file":
        raise BadUserInput(
            "The files are in an object store, which is backed up by its own means: see "
            "docs/backup.md. `hyperdata copy` copies rows and files."
        )
    database = settings.data_dir / "hyperdata.db"
    if not database.exists():
        raise BadUserInput(f"There are no data in {settings.data_dir}: name their folder.")
    return database, Path(url2pathname(parts.path))


def _tell(said: Console, manifest: Manifest) -> None:
    files = [each for each in manifest.kept if each.path.startswith(f"{FILES}/")]
    size = sum(each.bytes for each in manifest.kept)
    said.print(
        f"Of {manifest.created_at}: the database and {len(files):,} files, {size:,} bytes; "
        f"{manifest.entries:,} entries of the audit log fit together."
    )
    if manifest.missing:
        said.print(
            f"{len(manifest.missing):,} files that rows name were not in the store; manifest.json "
            "names them."
        )


def _ended(act: Callable[[Console], None]) -> int:
    said, wrong = (
        Console(highlight=False, soft_wrap=True, stderr=where) for where in (False, True)
    )
    try:
        act(said)
    except ExpectedFailure as refusal:
        wrong.print(str(refusal), style="red", markup=False)
        return FAILED
    except OSError as error:
        wrong.print(f"It cannot be done: {error.strerror} ({error.filename}).", style="red")
        return FAILED
    return DONE

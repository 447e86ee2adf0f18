"""Files of recordings: noted with the rows that go, and deleted once those are gone."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select, update
from sqlmodel import col

from server.erasure.mentions import Tombstones
from server.erasure.pieces import Piece, Run
from server.records.recordings import Recording


async def note_files(
    run: Run, piece: Piece, names: Sequence[str], recordings: Sequence[int] = ()
) -> None:
    """Note which files are to go with recordings: but for those that others' recordings have."""
    stored = col(Recording.storage_key)
    kept = set(await piece.tx.scalars(select(stored).where(stored.in_(names))))
    known = {*kept, *piece.subject.files}
    going = [name for name in dict.fromkeys(names) if name not in known]
    sizes = [await run.tools.storage.size(name) for name in going]
    piece.count("mediaFiles", sum(size is not None for size in sizes))
    piece.count("mediaBytes", sum(filter(None, sizes)))
    piece.subject = replace(
        piece.subject,
        files=(*piece.subject.files, *going),
        recordings=(*piece.subject.recordings, *recordings),
    )


async def files(run: Run, _stopping: asyncio.Event) -> None:
    """Delete the files that were noted: they are in the list until they are gone for certain."""
    async with run.piece() as piece:
        subject = piece.subject
    for key in subject.files:
        await run.tools.storage.delete(key)
    uploads = run.tools.uploads
    await asyncio.to_thread(_drop_drafts, uploads, subject.recordings)
    if subject.recordings:  # what a crash left in the store, before a recording was told of it
        starts = tuple(f"recordings/{key}-" for key in subject.recordings)
        for found in await run.tools.storage.keys("recordings"):
            if found.startswith(starts):
                await run.tools.storage.delete(found)
    async with run.piece() as piece:
        piece.subject = replace(piece.subject, files=(), recordings=())


def _drop_drafts(folder: Path, recordings: Sequence[int]) -> None:
    for key in recordings:
        for draft in folder.glob(f"{key}-*"):
            draft.unlink(missing_ok=True)


async def moved_files(run: Run, stopping: asyncio.Event) -> None:
    """Give files of others whose names in the store hold the person's id another name."""
    async with run.piece() as piece:
        tombstones = Tombstones(piece.subject)
        stored = col(Recording.storage_key)
        here = col(Recording.experiment_key) == piece.experiment_key
        found = await piece.tx.execute(
            select(col(Recording.id), stored).where(
                here, stored.contains(piece.subject.participant_id, autoescape=True)
            )
        )
        named = [(key, name, tombstones.label(name)) for key, name in found if name]
    for key, name, other in named:
        if other == name or stopping.is_set():
            continue
        if await run.tools.storage.size(name) is not None:
            await run.tools.storage.put(other, run.tools.storage.stream(name))
        async with run.piece() as piece:
            this = update(Recording).where(col(Recording.id) == key)
            await piece.tx.execute(this.values(storage_key=other))
            piece.count("tombstones", 1, "Recording")
            piece.subject = replace(piece.subject, files=(*piece.subject.files, name))
    await files(run, stopping)

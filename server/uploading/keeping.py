"""Giving a recording the file that came: first the store has it, then the recording."""

from dataclasses import dataclass

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.audit import Origin, add
from server.containers import suffix_of
from server.db import Database
from server.errors import ExpectedFailure
from server.followed_links import holder_of
from server.global_ids import global_id
from server.records.audit import AuditAction
from server.records.recordings import Recording
from server.resolvers.uploads import Target, UploadTerms, target
from server.storage import Storage
from server.uploading.drafts import Draft


@dataclass(frozen=True, slots=True)
class Upload:
    """For which recording a file is sent, by whose link and from where."""

    recording_key: int
    user_key: int
    terms: UploadTerms
    origin: Origin

    async def target(self, tx: AsyncConnection, *, alone: bool = False) -> Target:
        """Return the recording as it is by now.

        NotFound or LinkInvalid if the link's account may not add to it any more.
        """
        actor = await holder_of(tx, self.user_key)
        return await target(tx, actor, col(Recording.id) == self.recording_key, alone=alone)


async def keep(db: Database, storage: Storage, upload: Upload, draft: Draft, sha256: str) -> None:
    """Store a draft as the file of its recording, unless that has it already.

    AlreadyThere if it has another by now; NotFound, LinkInvalid as `Upload.target`.
    """
    async with db.read() as tx:
        if (await upload.target(tx)).has(sha256):
            return
    await _put(storage, draft)
    try:
        async with db.write() as tx:
            given = await _give(tx, upload, draft, sha256)
    except ExpectedFailure:  # anything else may have come after the commit: a sweep finds out
        await _take_back(storage, draft)
        raise
    if given:
        draft.undecided = False
    else:
        await _take_back(storage, draft)


async def _put(storage: Storage, draft: Draft) -> None:
    draft.undecided = True
    try:
        await storage.put_file(draft.storage_key, draft.path)
    except Exception:
        await _take_back(storage, draft)
        raise


async def _take_back(storage: Storage, draft: Draft) -> None:
    await storage.delete(draft.storage_key)
    draft.undecided = False


async def _give(tx: AsyncConnection, upload: Upload, draft: Draft, sha256: str) -> bool:
    """Say in the recording's row where its file is; False if it has this one already."""
    recording = await upload.target(tx, alone=True)
    if recording.has(sha256):
        return False
    terms = upload.terms
    changed = update(Recording).where(col(Recording.id) == recording.key)
    await tx.execute(
        changed.values(
            storage_key=draft.storage_key,
            file_name=terms.file_name,
            file_size=terms.file_size,
            format=func.coalesce(col(Recording.format), suffix_of(terms.file_name)),
            sha256=sha256,
        )
    )
    await add(
        tx,
        upload.origin,
        AuditAction.UPLOAD,
        experiment_keys=[recording.experiment_key],
        resource=global_id(Recording.__name__, recording.key),
    )
    return True

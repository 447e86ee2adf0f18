"""Uploads of recordings' files: who may send which file, and whether it is there already."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.containers import CONTAINERS, suffix_of
from server.errors import AlreadyThere, BadUserInput, NotFound
from server.ingest.storing import ADDING
from server.records.experiments import Experiment
from server.records.recordings import Recording
from server.resolvers.context import Context
from server.resolvers.managed import require_open
from server.rows import layout_of
from server.timestamps import Timestamp, now

LONGEST_NAME = 255
"""Characters of a file's name."""

_RECORDING = layout_of(Recording)
_NAME = re.compile(rf"[^\x00-\x1f\x7f/\\]{{1,{LONGEST_NAME}}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class UploadTerms:
    """The file that a link is for: no other is taken by it."""

    file_name: str
    file_size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A recording to which a file is sent, and the file that it has, if any."""

    key: int
    recording_id: str
    experiment_key: int
    storage_key: str | None
    file_size: int | None
    sha256: str | None

    def require_room(self, terms: UploadTerms) -> None:
        """Raise AlreadyThere if there is a file that is, by what is known, another."""
        known = self.sha256 is not None and self.file_size == terms.file_size
        if self.storage_key is not None and not (known and terms.sha256 in (None, self.sha256)):
            raise _another()

    def has(self, sha256: str) -> bool:
        """Say whether the file is there; AlreadyThere if there is another."""
        if self.storage_key is None:
            return False
        if self.sha256 != sha256:
            raise _another()
        return True


@dataclass(frozen=True, slots=True)
class UploadLink:
    """Where a file is to be sent, and until when that can begin."""

    url: str
    expires_at: Timestamp


async def upload_link(
    context: Context,
    experiment_id: str,
    recording_id: str,
    terms: UploadTerms,
    media_type: str | None = None,
) -> UploadLink:
    """Return a link by which a recording's file can be sent, by whoever may add records to it.

    NotFound; BadUserInput for a file that is none of a recording; AlreadyThere.
    """
    context.actor.require(ADDING)
    _check(terms, media_type, context.services.upload_max_bytes)
    owner = select(col(Experiment.id)).where(col(Experiment.experiment_id) == experiment_id)
    this = col(Recording.experiment_key).in_(owner)
    async with context.db.read() as tx:
        found = await target(tx, context.actor, this, col(Recording.recording_id) == recording_id)
    found.require_room(terms)
    expires_at = Timestamp(now() + context.services.signer.seconds_for("upload") * 1000)
    path = f"/recordings/{found.key}/upload"
    return UploadLink(context.link(path, "upload", found.key, asdict(terms)), expires_at)


async def target(
    tx: AsyncConnection, actor: Actor, *this: ColumnElement[bool], alone: bool = False
) -> Target:
    """Return a recording of an experiment that the actor manages; NotFound, Archived.

    `alone` keeps others from changing it until the transaction ends.
    """
    asked = select(
        col(Recording.id),
        col(Recording.recording_id),
        col(Recording.experiment_key),
        col(Recording.storage_key),
        col(Recording.file_size),
        col(Recording.sha256),
        col(Experiment.status),
    )
    asked = asked.join(Experiment, col(Experiment.id) == col(Recording.experiment_key))
    asked = asked.where(*this, actor.owns(_RECORDING))
    if alone:
        asked = asked.with_for_update(of=Recording)
        experiment = select(col(Experiment.id)).where(
            col(Experiment.id).in_(select(col(Recording.experiment_key)).where(*this))
        )
        await tx.execute(experiment.with_for_update(read=True))  # so that it is not archived
    found = (await tx.execute(asked)).one_or_none()
    if found is None:
        raise NotFound(
            "There is no such recording that you may add to: send its record first, by "
            "`recordsIngest`.",
            ["input", "recordingId"],
        )
    *known, status = tuple[Any, ...](found)
    require_open(status, ["input", "experimentId"])
    return Target(*known)


def _check(terms: UploadTerms, media_type: str | None, most: int) -> None:
    container = CONTAINERS.get(suffix_of(terms.file_name))
    if container is None or _NAME.fullmatch(terms.file_name) is None:
        raise BadUserInput(
            "A recording's file has a name, without folders, that ends in one of "
            f"{', '.join(f'`.{each}`' for each in CONTAINERS)}.",
            ["input", "fileName"],
        )
    if media_type is not None and not container.is_called(media_type):
        raise BadUserInput(
            "That is no media type of a file of that name: leave it out, or correct one.",
            ["input", "mediaType"],
        )
    if not 0 < terms.file_size <= most:
        raise BadUserInput(
            f"A file has 1 to {most:,} bytes here: split the recording, or compress it.",
            ["input", "fileSize"],
        )
    if terms.sha256 is not None and _SHA256.fullmatch(terms.sha256) is None:
        raise BadUserInput(
            "A SHA-256 is 64 hexadecimal digits, in lower case.", ["input", "sha256"]
        )


def _another() -> AlreadyThere:
    return AlreadyThere(
        "The recording has another file, and none is ever overwritten: add a recording of its own "
        "for this one."
    )

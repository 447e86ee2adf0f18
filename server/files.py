"""Downloads: exports and recordings, for whoever holds a link that was signed for one of them."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal
from urllib.parse import quote

from obstore.exceptions import BaseError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from server.access import Actor
from server.byte_ranges import PartialFile, Unsatisfiable, span_of, unmet, unsatisfied
from server.containers import CONTAINERS
from server.db import Database
from server.errors import Busy, ExpectedFailure, NotFound
from server.export.media_types import MEDIA_TYPES
from server.followed_links import FollowedLinks, holder_of, lost
from server.links import LinkExpired, LinkInvalid, Purpose, Signer
from server.records.exports import Export, ExportStatus
from server.records.recordings import Recording
from server.records.users import UserRole
from server.resolvers.own_views import OwnView, own_view
from server.resolvers.requesters import may_have
from server.rows import layout_of
from server.storage import CHUNK, Storage, UnsafeKey
from server.timestamps import now

log = logging.getLogger(__name__)


class FileExpired(ExpectedFailure):
    """There was a file; it is withdrawn now that its time is over."""

    code = "FILE_EXPIRED"


_STATUS: Mapping[type[ExpectedFailure], int] = {
    LinkExpired: 403,
    LinkInvalid: 403,
    NotFound: 404,
    FileExpired: 410,
    Busy: 503,
}

_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address is the right to read
    "Cross-Origin-Resource-Policy": "cross-origin",  # so pages elsewhere may show what they have
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",  # `media-src` is for a browser that plays it
}


@dataclass(frozen=True, slots=True)
class File:
    """A stored file, and how to send it.

    experiment_key  the experiment whose recording it is
    redirected      whether the store may send it itself, under an address made of its key
    """

    key: str
    name: str
    media_type: str
    inline: bool = False
    sha256: str | None = None
    experiment_key: int | None = None
    redirected: bool = True

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with its content, whole or in part."""
        name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", self.name)  # no part of a path, no line end
        ascii_name = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        kind = "inline" if self.inline else "attachment"
        names = f"filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
        etag = {"ETag": f'"{self.sha256}"'} if self.sha256 else {}
        return {**_HEADERS, **etag, "Content-Disposition": f"{kind}; {names}"}


def file_routes(db: Database, storage: Storage, signer: Signer) -> list[Route]:
    """Return the routes that links lead to."""
    links = FollowedLinks(db)

    def route(path: str, purpose: Purpose, find: Find) -> Route:
        async def endpoint(request: Request) -> Response:
            key: int = request.path_params["id"]
            whose: Actor | None = None
            try:
                token = request.query_params.get("token", "")
                user_key = signer.check(purpose, token, key)
                async with db.read() as tx:
                    whose = await holder_of(tx, user_key)
                    file = await find(tx, key, whose)
                if whose.role is UserRole.PARTICIPANT:
                    file = _disguised(file, await own_view(db, whose))
                response = await send(file, storage, request, signer.seconds)
                await links.followed(request, response, purpose, key, whose)
                return response
            except (LinkInvalid, LinkExpired) as failure:
                await links.refused(request, purpose, key, whose)
                return refusal(failure)
            except ExpectedFailure as failure:
                return refusal(failure)

        return Route(path, endpoint, methods=["GET", "HEAD"])

    return [
        route("/exports/{id:int}/download", "export", exported_file),
        route("/recordings/{id:int}/media", "recording", recorded_file),
    ]


Find = Callable[[AsyncConnection, int, Actor], Awaitable[File]]
"""Finds the file of a row, for an actor with the rights that they have by now."""


async def exported_file(tx: AsyncConnection, key: int, actor: Actor) -> File:
    """Return the file of a completed export.

    NotFound or FileExpired if there is none, LinkInvalid if the right to it was lost.
    """
    layout = layout_of(Export)
    found = await tx.execute(
        select(Export).where(col(Export.id) == key, actor.sees_exports(layout))
    )
    export = found.one_or_none()
    if export is None:
        raise NotFound(f"There is no export {key}.")
    completed, expires_at = export.status == ExportStatus.COMPLETED, export.expires_at
    over = completed and expires_at is not None and expires_at < now()
    if over or export.status == ExportStatus.EXPIRED:
        raise FileExpired(
            f"The file of export {key} was deleted, as its time was over or somebody in it has "
            "withdrawn: export again."
        )
    if export.status != ExportStatus.COMPLETED:
        raise NotFound(f"Export {key} has no file: its status is {export.status}, not COMPLETED.")
    if not await may_have(tx, actor, export):
        raise lost()
    media_type = MEDIA_TYPES.get(PurePath(export.file_name).suffix[1:], "application/octet-stream")
    return File(export.storage_key, export.file_name, media_type, sha256=export.sha256)


async def recorded_file(tx: AsyncConnection, key: int, actor: Actor) -> File:
    """Return the file of a recording; NotFound if it never arrived, or may not be seen."""
    layout = layout_of(Recording)
    found = await tx.execute(
        select(
            col(Recording.storage_key),
            col(Recording.file_name),
            col(Recording.recording_id),
            col(Recording.format),
            col(Recording.kind),
            col(Recording.experiment_key),
            col(Recording.sha256),
        ).where(col(Recording.id) == key, actor.sees(layout), actor.identified(layout))
    )
    recording = found.one_or_none()
    if recording is None or recording.storage_key is None:
        raise NotFound("That recording has no file: it never arrived, or was deleted.")
    container = PurePath(recording.storage_key).suffix[1:] or recording.format or ""
    name = recording.file_name or f"{recording.recording_id}.{container}"
    known = CONTAINERS.get(container.lower())
    if known is None:  # whatever it is, no browser must take it for a page of ours
        media_type = "application/octet-stream"
    else:
        media_type = f"{recording.kind.lower()}/{known.subtype}"
    return File(
        recording.storage_key,
        name,
        media_type,
        inline=known is not None,
        sha256=recording.sha256,
        experiment_key=recording.experiment_key,
    )


def _disguised(file: File, view: OwnView) -> File:
    """Return a file that tells a participant of nobody else by what it is called."""
    if file.experiment_key is None:
        return file
    if (disguise := view.disguises.get(file.experiment_key)) is None:
        raise lost()
    return replace(file, name=disguise.text(file.name), redirected=not view.hides(file.key))


class _LocalFile(PartialFile):
    chunk_size = CHUNK  # twice as fast as Starlette's own


async def send(file: File, storage: Storage, request: Request, seconds: int) -> Response:
    """Answer a request with a file, or with where the store sends it; NotFound if it has none.

    seconds  how long the store's own link works
    """
    try:
        if (path := storage.local_path(file.key)) is not None:
            stat = await asyncio.to_thread(path.stat)
            return _LocalFile(path, file.headers, file.media_type, stat)
        if file.redirected and (url := _handed_on(file, storage, request, seconds)) is not None:
            return RedirectResponse(url, headers=_HEADERS)  # Range and all are up to the store
        if (size := await storage.size(file.key)) is None:
            raise FileNotFoundError
    except (OSError, UnsafeKey, BaseError) as error:
        if not await storage.is_there():
            raise Busy("The files cannot be reached at this moment: try again soon.") from error
        log.error("A file that a row points to is not in the store: %s", type(error).__name__)
        raise NotFound("That file is not in the store: tell the operator.") from error
    return _passed_on(file, storage, request, size)


def _handed_on(file: File, storage: Storage, request: Request, seconds: int) -> str | None:
    """Return the store's own link to a file; None if it gives none."""
    method: Literal["HEAD", "GET"] = "HEAD" if request.method == "HEAD" else "GET"
    answer = {
        "content-disposition": file.headers["Content-Disposition"],
        "content-type": file.media_type,
        "cache-control": _HEADERS["Cache-Control"],
    }
    return storage.signed_url(file.key, method, seconds, answer)


def _passed_on(file: File, storage: Storage, request: Request, size: int) -> Response:
    """Answer with a file of an object store, or a part of it, that we read there ourselves."""
    headers = {**file.headers, "Accept-Ranges": "bytes"}
    if "ETag" in headers and (answer := unmet(request, headers)) is not None:
        return answer
    try:
        span = span_of(request, headers, size)
    except Unsatisfiable:
        return unsatisfied(file.headers, size)
    first, last = span or (0, size - 1)
    headers["Content-Length"] = str(last + 1 - first)
    if span is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    if request.method == "HEAD":
        return Response(headers=headers, media_type=file.media_type)
    content = storage.stream(file.key, (first, last + 1))
    status = 200 if span is None else 206
    return StreamingResponse(content, status, headers=headers, media_type=file.media_type)


def refusal(failure: ExpectedFailure) -> JSONResponse:
    """Say why there is no file for whoever asks."""
    error = {"message": failure.message, "extensions": {"code": failure.code}}
    return JSONResponse({"errors": [error]}, _STATUS.get(type(failure), 400), _HEADERS)

"""A participant's link, as a browser follows it, and the package that it leads to."""

from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.audit import add
from server.errors import ExpectedFailure, NotFound
from server.files import File, FileExpired, refusal, send
from server.followed_links import holder_of, lost
from server.global_ids import global_id
from server.origins import origin_of
from server.own_data import pages
from server.records.audit import AuditAction
from server.records.data_requests import AskedBy, DataRequest, DataRequestState
from server.records.exports import Export, ExportStatus
from server.records.users import UserRole
from server.requests.links import PATH, Link, link_with, still_fetches, use
from server.resolvers.context import Services
from server.resolvers.own_packages import Asked, one, receive
from server.rows import Row, layout_of
from server.sign_in.routes import form_of
from server.timestamps import now

_REQUEST = layout_of(DataRequest)
_NONE = "Its time is over, or it was never one of ours."
_USED = "This link was used already: you can ask once by it."
_BY = "link"


class _LinkRefused(ExpectedFailure):
    """A link does not let its holder do this."""

    code = "LINK_INVALID"


@dataclass(frozen=True, slots=True)
class OwnData:
    """What the pages need: the parts of the server that a request for data is made with."""

    services: Services

    @property
    def routes(self) -> list[Route]:
        """The routes of the pages, and of the packages."""
        return [
            Route(PATH, self._look, methods=["GET"]),
            Route(PATH, self._ask, methods=["POST"]),
            Route("/data-requests/{id:int}/package", self._package, methods=["GET", "HEAD"]),
        ]

    async def _look(self, request: Request) -> Response:
        token = request.query_params.get("token", "")
        async with self.services.db.read() as tx:
            if (link := await link_with(tx, token)) is None:
                return pages.refused_page(_NONE)
            if link.request_key is None:
                return pages.offer_page(link.experiment_name, token)
            row = await one(tx, _REQUEST.columns["key"] == link.request_key)
        return self._shown(link, token, row)

    def _shown(self, link: Link, token: str, row: Row) -> Response:
        if row.package_status == ExportStatus.COMPLETED:
            signed = self.services.signer.sign("package", row.key, 0, {_BY: link.key})
            address = f"/data-requests/{row.key}/package?token={signed}"
            return pages.ready_page(link.experiment_name, address)
        if row.state == DataRequestState.RECEIVED:
            return pages.waiting_page(link.experiment_name, token, row.due_at)
        return pages.over_page(link.experiment_name, row.refusal_reason)

    async def _ask(self, request: Request) -> Response:
        form = await form_of(request)
        token = form.get("token", "")
        try:
            async with self.services.db.write() as tx:
                await self._asked(tx, request, token, include_media="media" in form)
        except ExpectedFailure as failure:
            async with self.services.db.write() as tx:
                origin = origin_of(request)
                await add(tx, origin, AuditAction.DATA_REQUEST, allowed=False, resource=_BY)
            return pages.refused_page(failure.message)
        self.services.exporter.wake()
        return RedirectResponse(f"{PATH}?token={token}", 303, {"Cache-Control": "no-store"})

    async def _asked(
        self, tx: AsyncConnection, request: Request, token: str, *, include_media: bool
    ) -> None:
        """Take a request by a link, and use the link up."""
        if (link := await link_with(tx, token)) is None:
            raise _LinkRefused(_NONE)
        if link.request_key is not None:
            raise _LinkRefused(_USED)
        asked = Asked(AskedBy.LINK, link.experiment_key, link.participant_id, include_media)
        row = await receive(tx, asked, origin_of(request))
        if not await use(tx, link, row.key):
            raise _LinkRefused(_USED)

    async def _package(self, request: Request) -> Response:
        key: int = request.path_params["id"]
        try:
            token = request.query_params.get("token", "")
            user_key, terms = self.services.signer.terms("package", token, key)
            async with self.services.db.read() as tx:
                user_id, row, is_theirs = await _request(tx, key, user_key, terms.get(_BY))
                file = await _file(tx, row)
            response = await send(
                file, self.services.storage, request, self.services.signer.seconds
            )
            if request.method == "GET" and response.status_code < HTTPStatus.BAD_REQUEST:
                await self._noted(request, row, user_id, is_theirs=is_theirs)
        except ExpectedFailure as failure:
            return refusal(failure)
        return response

    async def _noted(
        self, request: Request, row: Row, user_id: str | None, *, is_theirs: bool
    ) -> None:
        """Note a download; what the person has had is answered."""
        async with self.services.db.write() as tx:
            await add(
                tx,
                origin_of(request, user_id),
                AuditAction.DOWNLOAD,
                experiment_keys=[row.experiment_key],
                resource=global_id(DataRequest.__name__, row.key),
            )
            if is_theirs or row.asked_by == AskedBy.OWNER:
                first = col(DataRequest.id) == row.key, col(DataRequest.downloaded_at).is_(None)
                await tx.execute(update(DataRequest).where(*first).values(downloaded_at=now()))


async def _request(
    tx: AsyncConnection, key: int, user_key: int, link: object
) -> tuple[str | None, Row, bool]:
    """Return whose account it is, the request, and whether the person themselves has asked.

    LinkInvalid if the right to it was lost, NotFound if there is none.
    """
    where: list[ColumnElement[bool]] = [_REQUEST.columns["key"] == key]
    user_id, is_theirs = None, True
    if isinstance(link, int):
        if not await still_fetches(tx, link, key):
            raise lost()
    else:
        actor = await holder_of(tx, user_key)
        where.append(actor.sees_data_requests(_REQUEST))
        user_id, is_theirs = actor.user_id, actor.role is UserRole.PARTICIPANT
    values = (await tx.execute(select(*_REQUEST.selected).where(*where))).one_or_none()
    if values is None:
        raise NotFound("There is no such request.")
    return user_id, _REQUEST.row(values), is_theirs


async def _file(tx: AsyncConnection, row: Row) -> File:
    """Return the package; NotFound or FileExpired if there is none."""
    this = col(Export.id) == row.export_key
    export = (await tx.execute(select(Export).where(this))).one_or_none()
    if export is None or export.status not in (ExportStatus.COMPLETED, ExportStatus.EXPIRED):
        raise NotFound("The package is not there yet, or was deleted.")
    over = export.expires_at is not None and export.expires_at <= now()
    if over or export.status == ExportStatus.EXPIRED:
        raise FileExpired("The package was deleted when its time was over: ask again.")
    return File(
        export.storage_key,
        export.file_name,
        "application/zip",
        sha256=export.sha256,
        redirected=False,
    )

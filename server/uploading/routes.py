"""`/recordings/{id}/upload`: a file as the body of a PUT, or as the one part of a form by POST."""

import logging
from collections.abc import AsyncIterable
from contextlib import aclosing
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from server.bodies import chunks
from server.errors import BadUserInput, Busy, ExpectedFailure
from server.followed_links import FollowedLinks, holder_of
from server.ingest.gate import RETRY_SECONDS
from server.links import LinkExpired, LinkInvalid
from server.logs import incident, whereabouts
from server.origins import origin_of
from server.resolvers.context import Services
from server.resolvers.uploads import UploadTerms
from server.uploading.drafts import drafting
from server.uploading.forms import MOST_AROUND, Form
from server.uploading.keeping import Upload, keep
from server.uploading.receiving import Expected, receive
from server.uploading.refusals import STATUS, WrongKind

log = logging.getLogger(__name__)


def upload_route(services: Services, folder: Path) -> Route:
    """Return the route that files are sent to; what comes in is written to a folder first."""
    links = FollowedLinks(services.db)

    async def endpoint(request: Request) -> JSONResponse:
        key: int = request.path_params["id"]
        try:
            with services.upload_gate.entered():
                return await _take(request, services, folder, key)
        except (LinkInvalid, LinkExpired) as failure:
            await links.refused(request, "upload", key, None)
            return _refusal(failure)
        except ExpectedFailure as failure:
            return _refusal(failure)
        except ClientDisconnect:
            return JSONResponse({}, 499)  # nobody hears it
        except Exception as error:
            number = incident()
            log.error("Internal error %s: %s", number, whereabouts(error))
            return _answer(500, "INTERNAL", _BROKEN.format(number))

    return Route("/recordings/{id:int}/upload", endpoint, methods=["PUT", "POST"])


_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_BROKEN = (
    "Something went wrong on our side. Send the same again; if it happens again, tell the "
    "operator: incident {}."
)
_AGAIN = "Nothing of the file is kept: send all of it again."


async def _take(request: Request, services: Services, folder: Path, key: int) -> JSONResponse:
    token = request.query_params.get("token", "")
    user_key, said = services.signer.terms("upload", token, key)
    terms = UploadTerms(**said)
    async with services.db.read() as tx:
        account = await holder_of(tx, user_key)
        upload = Upload(key, user_key, terms, origin_of(request, account.user_id))
        target = await upload.target(tx)
    target.require_room(terms)
    expected = Expected(terms, services.upload_max_bytes)
    with drafting(folder, key, expected.suffix) as draft:
        async with aclosing(chunks(request, _AGAIN)) as body:
            sha256 = await receive(_file(request, body, expected), expected, draft)
        await keep(services.db, services.storage, upload, draft, sha256)
    told = {"recordingId": target.recording_id, "fileSize": terms.file_size, "sha256": sha256}
    return JSONResponse(told, headers=_HEADERS)


def _file(request: Request, body: AsyncIterable[bytes], expected: Expected) -> AsyncIterable[bytes]:
    """Return what there is of the file in a body; refuse one whose headers say that it won't do."""
    headers = request.headers
    if headers.get("content-encoding", "identity") != "identity":
        raise WrongKind("Send the file as it is, not compressed on its way.")
    length = _length(headers.get("content-length"))
    if request.method == "POST":
        if length is not None:
            expected.require_size(length - MOST_AROUND)
        return Form(headers.get("content-type", ""), expected.require_type).file(body)
    if length is not None:
        expected.require_size(length, whole=True)
    expected.require_type(headers.get("content-type"))
    return body


def _length(header: str | None) -> int | None:
    if header is None:
        return None
    if not header.isascii() or not header.isdigit():
        raise BadUserInput("The Content-Length is no number of bytes.")
    return int(header)


def _refusal(failure: ExpectedFailure) -> JSONResponse:
    response = _answer(STATUS.get(type(failure), 400), failure.code, failure.message)
    if isinstance(failure, Busy):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _answer(status: int, code: str, message: str) -> JSONResponse:
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status, _HEADERS)

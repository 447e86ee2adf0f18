"""The web pages: built from `web/`, carried by the wheel, served with everything they load."""

import os
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.edge.compression import compress, takes

STATIC = Path(__file__).parent / "static"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""`unsafe-inline` is for GraphiQL's editor, which writes styles as it goes."""

MISSING = (
    "The pages are not built: run `make pages` (it needs Node 20 and npm), or install the wheel, "
    "which carries them. The API at /graphql works without.\n"
)


def built() -> bool:
    """Say whether there are pages to serve."""
    return (STATIC / "graphiql.html").exists()


def page_routes() -> list[BaseRoute]:
    """Return the routes of the pages and of what they load."""
    return [
        Route("/", _home),
        Route("/graphiql", _graphiql),
        Mount("/static", _Assets(directory=STATIC, check_dir=False)),
    ]


class _Assets(StaticFiles):
    """Files whose names change with their content. Workers take their policy from their own."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        path, asked = Path(full_path), Headers(scope=scope)
        if path.suffix in _TEXTS:
            is_whole = isinstance(response, FileResponse) and "range" not in asked
            if is_whole and takes(asked.get("accept-encoding", "").encode()):
                response = _compressed(response, path, stat_result.st_mtime_ns)
            response.headers["Vary"] = "Accept-Encoding"
        response.headers.update(HEADERS)
        if "/assets/" in scope["path"]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


_TEXTS = (".js", ".css", ".svg", ".html", ".ttf")


def _compressed(response: Response, path: Path, changed_at: int) -> Response:
    """Return a file's answer with its content compressed."""
    small = Response(_gzipped(path, changed_at), response.status_code, dict(response.headers))
    small.headers["Content-Length"] = str(len(small.body))
    small.headers["Content-Encoding"] = "gzip"
    small.headers["ETag"] = f"W/{response.headers['etag']}"  # the same file, in other bytes
    return small


@lru_cache(maxsize=64)
def _gzipped(path: Path, _changed_at: int) -> bytes:
    """Return a file, compressed once: else whoever asks again and again keeps a core busy."""
    return compress(path.read_bytes(), level=2)


async def _home(_request: Request) -> Response:
    return RedirectResponse("/graphiql")


async def _graphiql(_request: Request) -> Response:
    if not built():
        return Response(MISSING, 503, media_type="text/plain")
    return FileResponse(STATIC / "graphiql.html", headers={**HEADERS, "Cache-Control": "no-cache"})

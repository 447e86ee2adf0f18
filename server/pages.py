"""The web pages: built from `web/`, carried by the wheel, served with everything they load."""

import os
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.edge.compression import compress, takes

STATIC = Path(__file__).parent / "static"

_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
)


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": _POLICY + policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


HEADERS = _headers(
    "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:"
)
"""`unsafe-inline` is for GraphiQL's editor, which writes styles as it goes."""

DEEP_LINKS = ("/", "/experiments/{rest:path}", "/exports", "/exports/schedules", "/settings/keys")
"""Where the dashboard is: its own script finds the view. Any other path is answered 404."""

MISSING = (
    "The pages are not built: run `make pages` (it needs Node 20 and npm), or install the wheel, "
    "which carries them. The API at /graphql works without.\n"
)


def built() -> bool:
    """Say whether there are pages to serve."""
    return all((STATIC / page).exists() for page in ("index.html", "graphiql.html"))


def page_routes(media_origins: tuple[str, ...] = ()) -> list[BaseRoute]:
    """Return the routes of the pages and of what they load.

    `media_origins` are where recordings may come from, such as `https://bucket.example.org`.
    """
    media = " ".join(("media-src 'self' blob:", *media_origins))
    dashboard = _page("index.html", _headers(f"style-src 'self'; font-src 'self'; {media}"))
    return [
        *(Route(path, dashboard) for path in DEEP_LINKS),
        Route("/graphiql", _page("graphiql.html", HEADERS)),
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


def _page(name: str, headers: dict[str, str]) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a page."""

    async def answer(_request: Request) -> Response:
        if not built():
            return Response(MISSING, 503, media_type="text/plain")
        return FileResponse(STATIC / name, headers={**headers, "Cache-Control": "no-cache"})

    return answer

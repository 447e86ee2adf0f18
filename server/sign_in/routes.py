"""Signing in and out, as a browser asks for it."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from server.audit import add
from server.browsers import Browsers
from server.db import Database
from server.entrance import Entrance
from server.errors import ExpectedFailure, Throttled, Unauthenticated
from server.origins import origin_of
from server.records.audit import AuditAction
from server.records.users import User
from server.sessions import Session, begin, end, session_with
from server.sign_in import links, pages
from server.sign_in.accounts import Account, account_of, account_with
from server.sign_in.refusals import SignInRefused
from server.timestamps import iso

if TYPE_CHECKING:
    from server.sign_in.openid import Provider

HOME = "/"
"""Where people go once they are signed in, unless they wanted to go elsewhere."""

MOST_FORM_BYTES = 16_384
_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_USED = "This link was used already, or its time is over: ask for a new one."


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the pages need: the database, the cookies, the provider if there is one, whom to ask."""

    db: Database
    browsers: Browsers
    entrance: Entrance
    provider: "Provider | None" = None
    create: bool = False
    contact: str | None = None

    @property
    def routes(self) -> list[Route]:
        """The routes of the pages."""
        return [
            Route("/auth/sign-in", self._form, methods=["GET"]),
            Route("/auth/sign-in", self._by_key, methods=["POST"]),
            Route("/auth/sign-out", self._sign_out, methods=["POST"]),
            Route("/auth/session", self._session, methods=["GET"]),
            Route(links.PATH, self._ask, methods=["GET"]),
            Route(links.PATH, self._by_link, methods=["POST"]),
            Route("/auth/oidc/start", self._go_to_provider, methods=["GET"]),
            Route("/auth/oidc/callback", self._by_provider, methods=["GET"]),
        ]

    async def _form(self, request: Request) -> Response:
        goal = own_path(request.query_params.get("next"))
        if (session := await self._known(request)) is not None:
            return pages.signed_in_page(session.name, goal)
        return pages.sign_in_page(goal, self._provider_name)

    async def _session(self, request: Request) -> Response:
        headers = {"Cache-Control": "no-store"}
        session = await self._known(request)
        secret = self.browsers.session(request)
        if session is None or secret is None:
            failure = Unauthenticated("You are not signed in: sign in at /auth/sign-in.")
            error = {"message": failure.message, "extensions": {"code": failure.code}}
            return JSONResponse({"errors": [error]}, 401, headers)
        user = {"userId": session.user_id, "name": session.name, "role": session.actor.role}
        answer = {
            "user": user,
            "csrfToken": self.browsers.csrf_token(secret),
            "expiresAt": iso(session.expires_at),
        }
        return JSONResponse(answer, headers=headers)

    async def _by_key(self, request: Request) -> Response:
        form = await form_of(request)
        goal, secret = own_path(form.get("next")), form.get("key", "").strip()
        try:
            async with self._noting(request, way := "API key"):
                self._require_own(request)
                holder = await self.entrance.holder(secret, origin_of(request).address)
                async with self.db.write() as tx:
                    account = await account_with(tx, col(User.id) == holder.actor.user_key)
                    key = holder.key, holder.actor.api_key
                    return await self._entered(tx, request, account, way, goal, *key)
        except Throttled as failure:
            page = pages.sign_in_page(goal, self._provider_name, failure.message, 429)
            page.headers["Retry-After"] = str(failure.seconds)
            return page
        except ExpectedFailure as failure:
            return pages.sign_in_page(goal, self._provider_name, failure.message, 403)

    async def _ask(self, request: Request) -> Response:
        token = request.query_params.get("token", "")
        async with self.db.read() as tx:
            works = await links.is_unused(tx, token)
        return pages.link_page(token) if works else self._refused(SignInRefused(_USED))

    async def _by_link(self, request: Request) -> Response:
        form = await form_of(request)
        try:
            async with self._noting(request, way := "one-time link"):
                self._require_own(request)
                async with self.db.write() as tx:
                    if (user_key := await links.use(tx, form.get("token", ""))) is None:
                        raise SignInRefused(_USED)
                    account = await account_with(tx, col(User.id) == user_key)
                    return await self._entered(tx, request, account, way, HOME)
        except ExpectedFailure as failure:
            return self._refused(failure)

    async def _go_to_provider(self, request: Request) -> Response:
        if self.provider is None:
            return RedirectResponse("/auth/sign-in", 303)
        try:
            url, pending = await self.provider.start(self._callback(request))
        except SignInRefused as failure:
            return self._refused(failure, 502)
        response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
        kept = {**pending.kept, "next": own_path(request.query_params.get("next"))}
        self.browsers.keep_pending(request, response, kept)
        return response

    async def _by_provider(self, request: Request) -> Response:
        kept = dict(self.browsers.pending(request) or {})
        goal = own_path(kept.pop("next", None))
        try:
            async with self._noting(request, way := "OpenID Connect"):
                if self.provider is None or not kept:
                    raise SignInRefused("It took too long, or was done already: sign in once more.")
                pending = self.provider.pending(kept)
                callback = self._callback(request)
                person = await self.provider.finish(pending, callback, request.query_params)
                async with self.db.write() as tx:
                    account = await account_of(tx, person, create=self.create)
                    response = await self._entered(tx, request, account, way, goal)
        except ExpectedFailure as failure:
            response = self._refused(failure)
        self.browsers.keep_pending(request, response, None)  # an answer counts once
        return response

    def _require_own(self, request: Request) -> None:
        if not self.browsers.is_own(request):
            raise SignInRefused("This request did not come from a page of this site: sign in here.")

    async def _entered(
        self,
        tx: AsyncConnection,
        request: Request,
        account: Account,
        way: str,
        goal: str,
        api_key_key: int | None = None,
        api_key: str | None = None,
    ) -> Response:
        """Begin a session, in place of one that the browser has, and send it to its goal."""
        if (before := self.browsers.session(request)) is not None:
            await end(tx, before)
        secret = await begin(tx, account.key, self.browsers.seconds, api_key_key)
        origin = origin_of(request, account.user_id, api_key)
        await add(tx, origin, AuditAction.SIGN_IN, resource=way)
        response = RedirectResponse(goal, 303, {"Cache-Control": "no-store"})
        self.browsers.remember(request, response, secret)
        return response

    @asynccontextmanager
    async def _noting(self, request: Request, way: str) -> AsyncGenerator[None]:
        """Note an attempt to sign in that is refused."""
        try:
            yield
        except ExpectedFailure:
            async with self.db.write() as tx:
                origin = origin_of(request)
                await add(tx, origin, AuditAction.SIGN_IN, allowed=False, resource=way)
            raise

    async def _sign_out(self, request: Request) -> Response:
        if not self.browsers.is_own(request):
            return self._refused(SignInRefused("Sign out on a page of this site."))
        secret, session = self.browsers.session(request), await self._known(request)
        if secret is not None and session is not None:
            async with self.db.write() as tx:
                await end(tx, secret)
                origin = origin_of(request, session.user_id, session.actor.api_key)
                await add(tx, origin, AuditAction.SIGN_OUT)
        response = RedirectResponse("/auth/sign-in", 303, {"Cache-Control": "no-store"})
        self.browsers.forget(request, response)
        return response

    async def _known(self, request: Request) -> Session | None:
        if (secret := self.browsers.session(request)) is None:
            return None
        try:
            return await session_with(self.db, secret)
        except Unauthenticated:
            return None

    @property
    def _provider_name(self) -> str | None:
        return None if self.provider is None else self.provider.name

    def _callback(self, request: Request) -> str:
        return f"{self.browsers.address(request)}/auth/oidc/callback"

    def _refused(self, failure: ExpectedFailure, status: int = 403) -> Response:
        return pages.refused_page(failure.message, self.contact, status)


def own_path(wanted: object) -> str:
    """Return a path on this site to go to: the wanted one, unless it could lead elsewhere."""
    return wanted if isinstance(wanted, str) and _PATH.fullmatch(wanted) else HOME


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; none of one that is larger than ours."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_FORM_BYTES:
            return {}
    return dict(parse_qsl(body.decode(errors="replace")))

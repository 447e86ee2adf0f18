"""The one address of the API: GraphQL over HTTP and over graphql-transport-ws, to the letter."""

from graphql import FormattedExecutionResult
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from server.authentication import CSRF_REFUSED, caller_of, key_in
from server.browsers import Browsers
from server.endpoint.answers import answered, refused
from server.endpoint.asking import Asked, asked_by
from server.endpoint.negotiation import GRAPHQL, JSON, negotiated
from server.endpoint.refusals import Refusal, bad_request
from server.endpoint.sockets import Sockets
from server.errors import Throttled, Unauthenticated
from server.resolvers.context import Caller, Services
from server.schema import schema

_METHODS = {
    "GET": {OperationType.QUERY},
    "POST": {OperationType.QUERY, OperationType.MUTATION},
}
"""What is executed by which method: what is to be watched needs a websocket."""

_NO_OPERATION: FormattedExecutionResult = {
    "data": None,
    "errors": [
        {
            "message": "The document holds no operation of that name, or none at all.",
            "extensions": {"code": "BAD_USER_INPUT"},
        }
    ],
}
_CROSS_SITE = ("cross-site", "same-site")


class GraphQLEndpoint:
    """Answers whoever is known, over either transport.

    sockets_per_key        how many sockets a key may have open; a person who is signed in likewise
    operations_per_socket  how many operations may go on at once on one of them
    """

    def __init__(
        self,
        services: Services,
        browsers: Browsers,
        *,
        sockets_per_key: int,
        operations_per_socket: int,
    ) -> None:
        self._services = services
        self._browsers = browsers
        self._sockets = Sockets(
            services,
            browsers,
            sockets_per_key=sockets_per_key,
            operations_per_socket=operations_per_socket,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._sockets(scope, receive, send)
            return
        request = Request(scope, receive)
        media = negotiated(",".join(request.headers.getlist("accept")))
        try:
            response = await self._answer(request, media)
        except Refusal as refusal:
            response = refused(refusal, media or JSON)
        except ClientDisconnect:
            return  # nobody waits for an answer
        await response(scope, receive, send)

    async def _answer(self, request: Request, media: str | None) -> Response:
        if request.method not in _METHODS:
            raise _method_refused("Send GraphQL requests by POST, or queries by GET.", "GET, POST")
        if media is None:
            raise Refusal(406, "NOT_ACCEPTABLE", f"Answers are `{GRAPHQL}` or `{JSON}` only.")
        self._require_own(request)
        caller = await self._caller(request)
        asked = await asked_by(request, self._services.persisted)
        return answered(await _executed(asked, caller, request.method), media)

    def _require_own(self, request: Request) -> None:
        """Refuse a GET that a page of another site has a browser send, with its cookie at best.

        Whoever sends a key has been let to by the rules for other origins, or is no browser.
        """
        is_cross_site = request.headers.get("sec-fetch-site") in _CROSS_SITE
        if is_cross_site and request.method == "GET" and key_in(request.headers) is None:
            raise Refusal(403, "CSRF_REFUSED", "Pages of other sites must send an API key.")

    async def _caller(self, request: Request) -> Caller:
        caller = caller_of(request, self._services, self._browsers)
        try:
            await caller.authenticate()
        except Unauthenticated as failure:
            how = {"WWW-Authenticate": "Bearer"}
            raise Refusal(401, failure.code, failure.message, how) from failure
        except Throttled as failure:
            wait = {"Retry-After": str(failure.seconds)}
            raise Refusal(429, failure.code, failure.message, wait) from failure
        return caller


async def _executed(asked: Asked, caller: Caller, method: str) -> FormattedExecutionResult:
    """Return the result of what is asked: of a query that was asked before, straight from it."""
    if schema.knows(asked.query, asked.operation_name):
        context = caller.context(asked.query)
        return await schema.execute_known(
            asked.query, asked.operation_name, asked.variables, context
        )
    try:
        result = await schema.execute(
            asked.query,
            variable_values=asked.variables,
            context_value=caller,
            operation_name=asked.operation_name,
            operation_extensions=asked.extensions,
            allowed_operation_types=_METHODS[method],
        )
    except InvalidOperationTypeError as failure:
        raise _not_by(method, failure.operation_type) from failure
    except CannotGetOperationTypeError:
        return _NO_OPERATION
    return _formatted(result)


def _formatted(result: ExecutionResult) -> FormattedExecutionResult:
    said: FormattedExecutionResult = {"data": result.data}
    if result.errors:
        said["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        said["extensions"] = result.extensions
    return said


def _not_by(method: str, kind: OperationType) -> Refusal:
    """Return why an operation of some kind is not executed that came by a method."""
    if kind is OperationType.SUBSCRIPTION:
        return bad_request(
            "Subscriptions are carried by a websocket: open one at this address, with the "
            "subprotocol `graphql-transport-ws`."
        )
    if method == "GET":
        return _method_refused("GET is for queries: send mutations by POST.", "POST")
    return Refusal(403, "CSRF_REFUSED", CSRF_REFUSED)  # see `Caller.may_change`


def _method_refused(message: str, allowed: str) -> Refusal:
    return Refusal(405, "METHOD_NOT_ALLOWED", message, {"Allow": allowed})

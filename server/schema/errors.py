"""What a client is told of a failure: a code always, and nothing of how we are made."""

import logging

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.extensions import MaskErrors

from server.errors import Busy, ExpectedFailure, Throttled
from server.logs import incident, whereabouts

log = logging.getLogger(__name__)


class CodedErrors(MaskErrors):
    """Gives each error its `extensions.code`, and hides those that are bugs of ours."""

    def __init__(self) -> None:
        super().__init__(is_bug)

    def _process_errors(self, errors: list[GraphQLError]) -> list[GraphQLError]:
        return [coded(error) for error in errors]


def coded(error: GraphQLError) -> GraphQLError:
    """Return the error as a client may see it."""
    if is_bug(error):
        number = incident()
        log.error("Internal error %s: %s", number, whereabouts(error.original_error))
        return GraphQLError(
            f"Something went wrong on our side. Tell the operator: incident {number}.",
            nodes=error.nodes,
            path=error.path,
            extensions={"code": "INTERNAL", "requestId": number},
        )
    cause = error.original_error
    if isinstance(cause, ExpectedFailure):
        code = cause.code
    elif isinstance(error, GraphQLSyntaxError):
        code = "GRAPHQL_PARSE_FAILED"
    elif cause is None:
        code = "GRAPHQL_VALIDATION_FAILED"
    else:
        code = "INTERNAL" if is_unshowable(error) else "BAD_USER_INPUT"
    told = {"retryAfterMs": cause.milliseconds} if isinstance(cause, Throttled) else {}
    error.extensions = {"code": code, **told, **(error.extensions or {})}
    return error


def unnoted(failure: Exception) -> GraphQLError:
    """Return what is answered where the audit log could not be added to."""
    if isinstance(failure, Busy):
        return GraphQLError(failure.message, extensions={"code": failure.code})
    number = incident()
    log.error("Not noted in the audit log, incident %s: %s", number, whereabouts(failure))
    return GraphQLError(
        "This could not be noted in the audit log, so it is not answered: ask again, or tell the "
        f"operator: incident {number}.",
        extensions={"code": "INTERNAL", "requestId": number},
    )


def is_bug(error: GraphQLError) -> bool:
    """Tell a bug from a failure we expect, and from a request that cannot be executed."""
    cause = error.original_error
    if cause is None or error.path is None:
        return False
    return not isinstance(cause, ExpectedFailure | GraphQLError)


def is_unshowable(error: GraphQLError) -> bool:
    """Tell whether a stored value, such as an infinite number, has no GraphQL form.

    It names no place in the document: what a client wrote, a client can be shown.
    """
    cause = error.original_error
    if error.path is None or isinstance(cause, StrawberryInputCoercionError):
        return False
    return isinstance(cause, GraphQLError) and cause.nodes is None

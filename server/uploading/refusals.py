"""Why a file is not taken, and the status by which HTTP says so."""

from collections.abc import Mapping

from server.bodies import TooSlow
from server.errors import AlreadyThere, Archived, BadUserInput, Busy, ExpectedFailure, NotFound
from server.links import LinkExpired, LinkInvalid


class TooLarge(ExpectedFailure):
    """The file is larger than any may be."""

    code = "PAYLOAD_TOO_LARGE"


class WrongKind(ExpectedFailure):
    """The file is no recording of the kind that its name says."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class NotAsDeclared(ExpectedFailure):
    """The file is not the one that the link is for."""

    code = "NOT_AS_DECLARED"


class NoRoom(ExpectedFailure):
    """The disk is full."""

    code = "INSUFFICIENT_STORAGE"


STATUS: Mapping[type[ExpectedFailure], int] = {
    BadUserInput: 400,
    LinkExpired: 403,
    LinkInvalid: 403,
    NotFound: 404,
    TooSlow: 408,
    AlreadyThere: 409,
    Archived: 409,
    TooLarge: 413,
    WrongKind: 415,
    NotAsDeclared: 422,
    Busy: 429,
    NoRoom: 507,
}

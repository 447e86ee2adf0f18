"""What can go wrong that a caller should be told, each with a code that a program can switch on.

    ExpectedFailure
    ├── Unauthenticated     UNAUTHENTICATED    no API key, or not one of ours
    ├── Throttled           THROTTLED          too many wrong API keys, or the budget is spent
    ├── TooComplex          QUERY_TOO_COMPLEX  the document asks for more than any may
    ├── DeadlineExceeded    DEADLINE_EXCEEDED  it took too long, and was stopped
    ├── IntrospectionOff    GRAPHQL_VALIDATION_FAILED    the schema is not shown
    ├── DocumentNotFound    PERSISTED_DOCUMENT_NOT_FOUND  no document of that id
    ├── DocumentRequired    PERSISTED_DOCUMENT_REQUIRED   only known documents are executed
    ├── Forbidden           FORBIDDEN          the key does not allow this
    ├── NotFound            NOT_FOUND          no such thing, or none that the caller may see
    ├── BadUserInput        BAD_USER_INPUT     an argument cannot be used
    ├── InvalidCursor       INVALID_CURSOR     a cursor from elsewhere, or for another order
    ├── NothingToExport     NOTHING_TO_EXPORT  the selection holds no record
    ├── BadPackage          BAD_PACKAGE        what is to be imported is no whole export of ours
    ├── AlreadyThere        ALREADY_THERE      what is to be imported, or sent, would overwrite some
    ├── AlreadyFinished     ALREADY_FINISHED   the export has come to its end
    ├── ConsentWithdrawn    CONSENT_WITHDRAWN  its participant has withdrawn
    ├── NotFinished         NOT_FINISHED       the export is still going on
    ├── Archived            ARCHIVED           the experiment is read-only
    └── Busy                BUSY               not now, but soon

Any other exception is a bug: it is logged, and the caller is told only that it happened.
A mutation shows an ExpectedFailure among its payload's `userErrors`; everything else as a
GraphQL error with `extensions.code`.
"""

from collections.abc import Sequence
from math import ceil
from typing import ClassVar


class ExpectedFailure(Exception):
    """A failure that a caller can understand and mend; `field` is the input at fault, if one is."""

    code: ClassVar[str]

    def __init__(self, message: str, field: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.field = tuple(field)


class Unauthenticated(ExpectedFailure):
    """Nobody we know is asking."""

    code = "UNAUTHENTICATED"


class Throttled(ExpectedFailure):
    """Somebody must wait: too many wrong API keys came from there, or their budget is spent."""

    code = "THROTTLED"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.milliseconds = ceil(seconds * 1000)
        self.seconds = ceil(seconds)


class TooComplex(ExpectedFailure):
    """A document, or a value that comes with it, is beyond what any may be."""

    code = "QUERY_TOO_COMPLEX"


class DeadlineExceeded(ExpectedFailure):
    """An operation took longer than any may, and was stopped."""

    code = "DEADLINE_EXCEEDED"


class IntrospectionOff(ExpectedFailure):
    """The server does not show its schema."""

    code = "GRAPHQL_VALIDATION_FAILED"


class DocumentNotFound(ExpectedFailure):
    """No persisted document has that id."""

    code = "PERSISTED_DOCUMENT_NOT_FOUND"


class DocumentRequired(ExpectedFailure):
    """The server executes persisted documents alone."""

    code = "PERSISTED_DOCUMENT_REQUIRED"


class Forbidden(ExpectedFailure):
    """The caller is known but not allowed."""

    code = "FORBIDDEN"


class NotFound(ExpectedFailure):
    """There is no such thing, or the caller may not know of it."""

    code = "NOT_FOUND"


class BadUserInput(ExpectedFailure):
    """An argument cannot be used; the message says what would do."""

    code = "BAD_USER_INPUT"


class InvalidCursor(ExpectedFailure):
    """The cursor was not issued by this list, in this order, with this filter."""

    code = "INVALID_CURSOR"


class NothingToExport(ExpectedFailure):
    """The selection holds no record that the caller may take away."""

    code = "NOTHING_TO_EXPORT"


class BadPackage(ExpectedFailure):
    """What is to be imported is not an export as we write it, whole and unchanged."""

    code = "BAD_PACKAGE"


class AlreadyThere(ExpectedFailure):
    """Something of this name is in the database already."""

    code = "ALREADY_THERE"


class AlreadyFinished(ExpectedFailure):
    """The export has come to its end, so there is nothing to cancel or to try again."""

    code = "ALREADY_FINISHED"


class NotFinished(ExpectedFailure):
    """The export is still going on, so it cannot be tried again."""

    code = "NOT_FINISHED"


class ConsentWithdrawn(ExpectedFailure):
    """It is about somebody who has withdrawn, so that nothing of them is kept."""

    code = "CONSENT_WITHDRAWN"


class Archived(ExpectedFailure):
    """The experiment is archived: what it holds is read, and not changed."""

    code = "ARCHIVED"


class Busy(ExpectedFailure):
    """It cannot be done at this moment; the same, asked again, can."""

    code = "BUSY"

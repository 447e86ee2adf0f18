"""Taking a file in: never more of it in memory than a block, and nothing that was not declared."""

import asyncio
import errno
from collections.abc import AsyncIterable, Generator
from contextlib import contextmanager

from server.containers import CONTAINERS, HEAD, Container, suffix_of
from server.resolvers.uploads import UploadTerms
from server.storage import CHUNK
from server.uploading.drafts import Draft
from server.uploading.refusals import NoRoom, NotAsDeclared, TooLarge, WrongKind

_ANYTHING = ("application/octet-stream", "application/x-www-form-urlencoded")
"""What clients call a body whose type nobody told them."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Expected:
    """The file that is to come: its terms, and how large any may be."""

    def __init__(self, terms: UploadTerms, most: int) -> None:
        self.terms = terms
        self.suffix = suffix_of(terms.file_name)
        self._container: Container = CONTAINERS[self.suffix]
        self._most = most
        self.require_size(terms.file_size)

    def require_type(self, media_type: str | None) -> None:
        """Raise WrongKind for a media type that is none of the file's."""
        if media_type is None or media_type.partition(";")[0].strip().lower() in _ANYTHING:
            return
        if not self._container.is_called(media_type):
            raise WrongKind(
                f"A `.{self.suffix}` file is not of that media type: leave the type out, or send "
                "the file that you named."
            )

    def require_beginning(self, data: bytes | bytearray) -> None:
        """Raise WrongKind if a file begins in a way that none of its kind does."""
        if not self._container.is_begun_by(bytes(data[:HEAD])):
            raise WrongKind(f"What was sent is no `.{self.suffix}` file, though its name says so.")

    def require_size(self, size: int, *, whole: bool = False) -> None:
        """Raise TooLarge or NotAsDeclared for a size that is more than it may be, or not it."""
        if size > self._most:
            raise TooLarge(f"A file may have at most {self._most:,} bytes here.")
        if size > self.terms.file_size or (whole and size != self.terms.file_size):
            raise NotAsDeclared(
                f"The file was said to have {self.terms.file_size:,} bytes, and has "
                f"{'' if whole else 'at least '}{size:,}: send that file, whole, or ask for a link "
                "for this one."
            )


async def receive(body: AsyncIterable[bytes], expected: Expected, draft: Draft) -> str:
    """Write a file as it comes, to disk for good; return its SHA-256.

    TooLarge, WrongKind or NotAsDeclared as soon as that is known; NoRoom.
    """
    block, size, begun = bytearray(), 0, False
    async for chunk in body:
        size += len(chunk)
        expected.require_size(size)
        block += chunk
        if not begun and len(block) >= HEAD:
            expected.require_beginning(block)
            begun = True
        if len(block) >= CHUNK:
            with _storing():
                await asyncio.to_thread(draft.write, block)
            block = bytearray()
    if not begun:
        expected.require_beginning(block)
    expected.require_size(size, whole=True)
    with _storing():
        await asyncio.to_thread(draft.write, block)
        await asyncio.to_thread(draft.settle)
    sha256 = draft.sha256.hexdigest()
    if expected.terms.sha256 not in (None, sha256):
        raise NotAsDeclared(
            "The file has another SHA-256 than was said: it was changed on its way, or is another. "
            "Send it again, or ask for a link for this one."
        )
    return sha256


@contextmanager
def _storing() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise NoRoom("There is no space left for the file: tell the operator.") from error

"""The one file of a form, `multipart/form-data`, as it comes."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from server.errors import BadUserInput
from server.uploading.refusals import WrongKind

MOST_AROUND = 1 << 16
"""Bytes of a form that are not its file."""


class Form:
    """Reads a form of one file; `accept` is asked of that file's media type, None without one.

    WrongKind if it is no form; BadUserInput if it is one of something else, or is broken off.
    """

    def __init__(self, content_type: str, accept: Callable[[str | None], None]) -> None:
        media_type, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if media_type != b"multipart/form-data" or not boundary:
            raise WrongKind("Send a form, `multipart/form-data`; or the file itself, by PUT.")
        self._accept = accept
        self._name = self._value = b""
        self._headers: dict[str, str] = {}
        self._data = bytearray()
        self._files = 0
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _not_a_form() from error

    async def file(self, body: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
        """Yield what the file holds."""
        around = 0
        async for chunk in body:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise _not_a_form() from error
            around += len(chunk) - len(self._data)
            if around > MOST_AROUND:
                raise BadUserInput("The form holds too much besides the file: send the file alone.")
            if self._data:
                yield bytes(self._data)
                self._data.clear()
        if not self._ended or not self._files:
            raise _not_a_form()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        self._files += 1
        if b"filename" not in options or self._files > 1:
            raise BadUserInput("Send one file, and no other field, in the form.")
        self._accept(self._headers.get("content-type"))
        self._headers = {}

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _on_end(self) -> None:
        self._ended = True


def _not_a_form() -> BadUserInput:
    return BadUserInput("The form is broken, or not whole: send it again.")

"""JSON of any length, read value by value: what is in memory is one value, never the document."""

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any

Read = Callable[[int], bytes]

_PIECE = 1 << 20
LONGEST = 256 << 20
"""Characters of the longest single value, above which a text is taken for broken."""

_SPACE = " \t\n\r"


class Malformed(Exception):
    """The text is not what its format says; the message tells where it stops to be."""


class JsonStream:
    """A JSON text that is being read; lists and objects can be entered, or taken as one value."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        # What a number is does not matter here, and Python refuses to read very long ones.
        self._scan = json.JSONDecoder(parse_int=len, parse_float=len).raw_decode
        self._text = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is no space; nothing at the end."""
        while True:
            while self._at < len(self._text):
                if (char := self._text[self._at]) not in _SPACE:
                    return char
                self._at += 1
            if self._ended:
                return ""
            self._more(_PIECE)

    def value(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the next value; every number in it is the length of its text."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except ValueError as error:
                if self._ended:
                    raise Malformed("a value breaks off, or is no JSON") from error
            except RecursionError as error:
                raise Malformed("a value is nested too deeply to be read") from error
            else:
                if end < len(self._text) or self._ended:  # else a number may go on
                    self._at = end
                    return value
            self._more(max(_PIECE, len(self._text) - self._at))

    def elements(self) -> Iterator[None]:
        """Enter a list: at each step its next value is to be read, or entered."""
        yield from self._inside("[", "]")

    def members(self) -> Iterator[str]:
        """Enter an object: at each step the value of that key is to be read, or entered."""
        for _ in self._inside("{", "}"):
            if self.peek() != '"':
                raise Malformed("an object lacks a key")
            key: str = self.value()
            self._take(":")
            yield key

    def _inside(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        if self.peek() != closing:
            yield
            while self.peek() == ",":
                self._take(",")
                yield
        self._take(closing)

    def _take(self, char: str) -> None:
        if (found := self.peek()) != char:
            met = repr(found) if found else "the end"
            raise Malformed(f"{char!r} is missing: {met} stands there")
        self._at += 1

    def _more(self, size: int) -> None:
        if len(self._text) - self._at > LONGEST:
            raise Malformed("a single value is too long to be read")
        piece = self._read(size)
        self._ended = not piece
        try:
            decoded = self._decode(piece, self._ended)
        except UnicodeDecodeError as error:
            raise Malformed("it is not UTF-8") from error
        self._text = self._text[self._at :] + decoded
        self._at = 0

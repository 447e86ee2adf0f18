"""JSON read from a stream, value by value, each with the text it was: files of any size."""

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

_CHUNK = 1 << 20
_LONGEST = 1 << 28
"""Letters of the longest value: what ends nowhere is not read to the end of a large file."""

_BLANK = " \t\r\n"


class Scanner:
    """Where one is in a stream of JSON. What is no JSON, or ends too early, is a ValueError."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._letters = codecs.getincrementaldecoder("utf-8")()
        self._decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode
        self._text = ""
        self._at = 0
        self._passed = 0
        self._ended = False

    @property
    def position(self) -> int:
        """How many letters lie behind."""
        return self._passed + self._at

    def ended(self) -> bool:
        """Tell whether nothing is left."""
        return self._next() == ""

    def next_is(self, symbol: str) -> bool:
        """Tell whether a symbol is what comes next."""
        return self._next() == symbol

    def take(self, symbol: str) -> bool:
        """Go past a symbol if it is what comes next."""
        if self._next() != symbol:
            return False
        self._at += 1
        return True

    def expect(self, symbol: str) -> None:
        """Go past a symbol, which must come next."""
        if not self.take(symbol):
            raise ValueError(f"no {symbol}")

    def value(self) -> tuple[Any, str]:
        """Read a value; return it, and the text it was."""
        self._next()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._read():
                    raise
                continue
            if end == len(self._text) and self._read():
                continue  # it may be the beginning of a longer number
            text = self._text[self._at : end]
            self._at = end
            return value, text

    def keys_of_object(self) -> Iterator[str]:
        """Go through an object: at each key, its value comes next and must be read."""
        self.expect("{")
        if self.take("}"):
            return
        while True:
            key, _ = self.value()
            if not isinstance(key, str):
                raise ValueError("no key")
            self.expect(":")
            yield key
            if not self.take(","):
                break
        self.expect("}")

    def items(self) -> Iterator[None]:
        """Go through a list: at each item, it comes next and must be read."""
        self.expect("[")
        if self.take("]"):
            return
        while True:
            yield
            if not self.take(","):
                break
        self.expect("]")

    def until_the_end(self) -> Iterator[None]:
        """Go through values that stand one after the other: each must be read."""
        while not self.ended():
            yield

    def _next(self) -> str:
        """Return the symbol that comes next; nothing at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._read():
                return ""

    def _read(self) -> bool:
        """Read on, as much as is there already: so what is long is not looked through too often."""
        kept = self._text[self._at :]
        if self._ended or len(kept) > _LONGEST:
            return False
        more = self._stream.read(max(_CHUNK, len(kept)))
        self._ended = not more
        self._passed += self._at
        self._text, self._at = kept + self._letters.decode(more, final=self._ended), 0
        return not self._ended


def _no_constant(name: str) -> None:
    raise ValueError(name)

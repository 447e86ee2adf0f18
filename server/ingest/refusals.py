"""Why a record is refused: a code, the field at fault, and a sentence."""

from dataclasses import dataclass

from server.records.quarantine import RefusalCode


class Refusal(Exception):
    """A record that is not stored: `field` is a name of the API, None if it is not one of them."""

    def __init__(self, code: RefusalCode, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is refused before it is one: its text, as far as it is kept."""

    text: str
    refusal: Refusal

"""What people call things."""

from collections.abc import Sequence

from server.errors import BadUserInput

LONGEST_NAME = 200
"""Characters."""


def named(text: str, what: str, field: Sequence[str]) -> str:
    """Return a name as it is kept; BadUserInput if it is none."""
    name = text.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadUserInput(
            f"Give the {what} a name, a line of at most {LONGEST_NAME} characters.", field
        )
    return name

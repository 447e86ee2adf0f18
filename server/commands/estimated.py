"""An estimate, shown as an indented list: it may hold whatever the server thinks worth saying."""

import re
from typing import Any

from server.commands.endings import say


def tell_estimate(found: Any, indent: str = "") -> None:  # noqa: ANN401 - any JSON
    """Write what is known of an export that was not made."""
    for name, value in found.items():
        label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
        match value:
            case dict():
                say(f"{indent}{label}")
                tell_estimate(value, indent + "  ")
            case [dict(), *_]:
                say(f"{indent}{label}")
                for each in value:
                    say(f"{indent}  - {', '.join(_pair(*pair) for pair in each.items())}")
            case _:
                say(f"{indent}{label}  {_text(value)}")


def _pair(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    return f"{name} {_text(value)}"


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(map(_text, value)) or "none"
        case dict():
            return f"({', '.join(_pair(*pair) for pair in value.items())})"
        case _:
            return str(value)

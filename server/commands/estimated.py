"""An estimate, shown as an indented list: it may hold whatever the server thinks worth saying."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from server.commands.endings import say


def tell_estimate(found: Mapping[str, Any], indent: str = "") -> None:
    """Write what is known of an export that was not made."""
    for name, value in found.items():
        label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
        match value:
            case dict():
                say(f"{indent}{label}")
                tell_estimate(cast("dict[str, Any]", value), indent + "  ")
            case [dict(), *_]:
                say(f"{indent}{label}")
                for each in cast("list[dict[str, Any]]", value):
                    say(f"{indent}  - {_pairs(each)}")
            case _:
                say(f"{indent}{label}  {_text(value)}")


def _pairs(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_text(each)}" for name, each in value.items())


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(map(_text, cast("Sequence[Any]", value))) or "none"
        case dict():
            return f"({_pairs(cast('dict[str, Any]', value))})"
        case _:
            return str(value)

"""What an export would hold: asked in the server's own words, as the estimate may say ever more."""

from typing import Any

from server.client.connection import Server
from server.errors import ExpectedFailure

_DEPTH = 4

_SCHEMA = """{ __schema { types { name kind fields { name args { type { kind } }
  type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }"""


class NoEstimates(ExpectedFailure):
    """The server is older than estimates."""

    code = "NO_ESTIMATES"


def estimate(server: Server, asked: dict[str, Any]) -> dict[str, Any]:
    """Return all that the server says of an export before it is made; nothing is queued."""
    types = {each["name"]: each for each in server.ask(_SCHEMA)["__schema"]["types"]}
    field = _field(types["Query"], "exportEstimate")
    if field is None:
        raise NoEstimates("This server cannot estimate an export: it is older than that.")
    selected = _selection(types, _named(field["type"]), _DEPTH)
    query = f"query($input: ExportInput!) {{ exportEstimate(input: $input) {selected} }}"
    answer: dict[str, Any] = server.ask(query, input=asked)["exportEstimate"]
    return answer


def _field(owner: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((each for each in owner["fields"] or () if each["name"] == name), None)


def _selection(types: dict[str, Any], name: str, depth: int) -> str:
    """Return every field of a type that needs no argument, as far down as `depth`."""
    chosen: list[str] = []
    for field in types[name]["fields"] or ():
        inner = types[_named(field["type"])]
        if any(argument["type"]["kind"] == "NON_NULL" for argument in field["args"]):
            continue
        if inner["kind"] in ("SCALAR", "ENUM"):
            chosen.append(field["name"])
        elif inner["kind"] == "OBJECT" and depth > 1:
            chosen.append(f"{field['name']} {_selection(types, inner['name'], depth - 1)}")
    return f"{{ {' '.join(chosen) or '__typename'} }}"


def _named(type_: dict[str, Any]) -> str:
    while type_.get("ofType"):
        type_ = type_["ofType"]
    name: str = type_["name"]
    return name

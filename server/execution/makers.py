"""Code compiled for a selection: it makes answers of rows and of pages."""

# graphql-core's types are generic in what they leave unsaid:
# pyright: basic

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from server.execution.expressions import Names, read
from server.execution.plans import NotPlanned, Read, Selection, Typename, Within
from server.rows import Layout

Make = Callable[..., list[dict[str, Any]]]
"""Makes the answers of rows, or of pages, and of what was loaded for each, field by field."""

_PAGE_INFO = {
    "has_next_page": "p.has_next_page",
    "has_previous_page": "p.has_previous_page",
    "start_cursor": "(w(p.values[0]) if p.values else None)",
    "end_cursor": "(w(p.values[-1]) if p.values else None)",
}


def rows_maker(selection: Selection, layout: Layout) -> Make:
    """Return what makes the answers of the values of rows: `(rows, *loaded)`."""
    made: Make | None = selection.makers.get(layout)
    if made is None:
        names = Names()
        loaded = _loaded(selection)
        shown = _row(names, selection, layout, loaded)
        body = f"return [{shown} {_each('r', 'rows', loaded.values())}]"
        made = _compiled(names, ["rows", *_lists(loaded.values())], [body])
        selection.makers[layout] = made
    return made


def pages_maker(selection: Selection, layout: Layout) -> Make:
    """Return what makes the answers of pages: `(pages, *loaded, *nodes)`.

    `nodes` are iterators over the answers for all rows of all pages, one for each of `node_fields`
    that has something to load.
    """
    made: Make | None = selection.makers.get(layout)
    if made is None:
        names = Names()
        loaded = _loaded(selection)
        nodes = {id(each): f"node{i}" for i, each in enumerate(node_fields(selection))}
        shown = _page(names, selection, layout, loaded, nodes)
        parameters = ["pages", *_lists(loaded.values()), *_lists(nodes.values())]
        body = [
            "done = []",
            f"{_each('p', 'pages', loaded.values())}:",
            *(["  w = p.write_cursor"] if "w(" in shown else []),
            f"  done.append({shown})",
            "return done",
        ]
        made = _compiled(names, parameters, body)
        selection.makers[layout] = made
    return made


def node_fields(selection: Selection) -> list[Selection]:
    """Return what is selected of a page's rows, where something must be loaded for each."""
    return [node for node in _nodes(selection) if node.loads]


def _nodes(selection: Selection) -> Iterable[Selection]:
    for entry in selection.entries.values():
        if isinstance(entry, Within) and entry.name in ("edges", "nodes"):
            yield from _nodes(entry.selection) if entry.name == "edges" else [entry.selection]
        elif isinstance(entry, Within) and entry.name == "node":
            yield entry.selection


def _row(names: Names, selection: Selection, layout: Layout, loaded: dict[str, str]) -> str:
    if layout.type_name != selection.type.name:
        raise NotPlanned
    shown: dict[str, str] = {}
    for key, entry in selection.entries.items():
        match entry:
            case Typename():
                shown[key] = repr(entry.name)
            case Read():
                shown[key] = read(names, layout, entry.name, entry.type)
            case Within(name="page_info") if "page_info" in layout.place:
                page = f"r[{layout.place['page_info']}]"
                shown[key] = _page_info(entry.selection, {n: f"{page}.{n}" for n in _PAGE_INFO})
            case Within():
                raise NotPlanned
            case _:
                shown[key] = loaded[key]
    return _braced(shown)


def _page(
    names: Names,
    selection: Selection,
    layout: Layout,
    loaded: dict[str, str],
    nodes: dict[int, str],
) -> str:
    if "edges" not in selection.type.fields:
        raise NotPlanned
    shown: dict[str, str] = {}
    for key, entry in selection.entries.items():
        match entry:
            case Typename():
                shown[key] = repr(entry.name)
            case Within(name="page_info"):
                shown[key] = _page_info(entry.selection, _PAGE_INFO)
            case Within(name="nodes"):
                shown[key] = _bare_nodes(names, entry.selection, layout, nodes)
            case Within(name="edges"):
                shown[key] = _edges(names, entry.selection, layout, nodes)
            case Read() | Within():
                raise NotPlanned
            case _:
                shown[key] = loaded[key]
    return _braced(shown)


def _edges(names: Names, selection: Selection, layout: Layout, nodes: dict[int, str]) -> str:
    shown: dict[str, str] = {}
    beside: list[str] = []
    for key, entry in selection.entries.items():
        match entry:
            case Typename():
                shown[key] = repr(entry.name)
            case Read(name="cursor"):
                shown[key] = "w(r)"
            case Within(name="node") if id(entry.selection) in nodes:
                shown[key] = nodes[id(entry.selection)]
                beside.append(shown[key])
            case Within(name="node"):
                shown[key] = _row(names, entry.selection, layout, {})
            case _:
                raise NotPlanned
    return f"[{_braced(shown)} {_each('r', 'p.values', beside)}]"


def _bare_nodes(names: Names, selection: Selection, layout: Layout, nodes: dict[int, str]) -> str:
    if (node := nodes.get(id(selection))) is not None:
        return f"[{node} {_each('r', 'p.values', [node])}]"
    return f"[{_row(names, selection, layout, {})} {_each('r', 'p.values', [])}]"


def _page_info(selection: Selection, expressions: Mapping[str, str]) -> str:
    shown: dict[str, str] = {}
    for key, entry in selection.entries.items():
        match entry:
            case Typename():
                shown[key] = repr(entry.name)
            case Read() if entry.name in expressions:
                shown[key] = expressions[entry.name]
            case _:
                raise NotPlanned
    return _braced(shown)


def _loaded(selection: Selection) -> dict[str, str]:
    return {key: f"loaded{i}" for i, (key, _) in enumerate(selection.loads)}


def _lists(names: Iterable[str]) -> list[str]:
    return [f"{name}s" for name in names]


def _each(name: str, values: str, beside: Collection[str]) -> str:
    """Return the `for` clause through some values, and through what is beside each."""
    if not beside:
        return f"for {name} in {values}"
    return f"for {name}, {', '.join(beside)} in zip({values}, {', '.join(_lists(beside))})"


def _braced(shown: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key!r}: {value}" for key, value in shown.items()) + "}"


def _compiled(names: Names, parameters: list[str], body: list[str]) -> Make:
    lines = [f"def make({', '.join(parameters)}):", *(f"  {line}" for line in body)]
    exec(compile("\n".join(lines), "<selection>", "exec"), names.values)  # noqa: S102 - of our own making: of what a client wrote it holds only the repr of names
    made: Make = names.values["make"]
    return made

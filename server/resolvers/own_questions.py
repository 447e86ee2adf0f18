"""What a participant may ask: nothing of which the answer would tell what is hidden from them.

They may ask of times, numbers, truth values, our own closed sets, and of whole ids and words. Of
those, what is hidden from them is equal to nothing.
"""

from collections.abc import Iterable
from typing import Any, cast

from pydantic.alias_generators import to_camel

from server.errors import Forbidden
from server.records.conditions import Condition, OneOf
from server.records.filters import Filter
from server.records.json_conditions import JsonMatch
from server.records.listed import Listed
from server.resolvers.context import Context
from server.resolvers.own_columns import THEMSELVES, holds_text, identifies, is_closed
from server.resolvers.own_views import OwnView
from server.rows import layout_of

NOTHING = "\uffff"
"""What no column holds: it is no character."""

_PARTS = ("contains", "starts_with")


async def findable(context: Context, text: str) -> str:
    """Return an id to look for on behalf of the caller: one that nothing has, if it is hidden."""
    view = await context.own_view()
    return text if view is None else _findable(view, text)


def asked_by(view: OwnView, listed: Listed, kept: Filter) -> Filter:
    """Return a participant's filter as it is looked for; Forbidden if it could tell of others."""
    columns = layout_of(listed.model).columns

    def changed(name: str, condition: Condition) -> Condition:
        if name == THEMSELVES:  # whoever else is named has no row that they see
            return condition
        if identifies(columns.get(name)) is not None or isinstance(condition, JsonMatch):
            raise Forbidden(
                f"Participants cannot filter by `{to_camel(name)}`, in which others may be named: "
                "leave it out, and choose among the rows that you are shown.",
                ["filter"],
            )
        return _whole(view, name, condition)

    return kept.mapped(changed)


def check_order(listed: Listed, names: Iterable[str]) -> None:
    """Raise Forbidden if the order of a participant's list could tell of others."""
    columns = layout_of(listed.model).columns
    for name in names:
        if name != THEMSELVES and holds_text(columns[name]) and not is_closed(listed.model, name):
            raise Forbidden(
                f"Participants cannot sort by `{to_camel(name)}`, in which others may be named: "
                "sort by a time or a number, and then the rows that you are shown.",
                ["orderBy"],
            )


def _whole(view: OwnView, name: str, condition: Condition) -> Condition:
    """Return a condition that looks for no hidden text; Forbidden if it looks for a part of one."""
    if isinstance(condition, OneOf):
        return cast("Condition", condition)
    if parts := [part for part in _PARTS if getattr(condition, part, None) is not None]:
        raise Forbidden(
            f"Participants cannot filter by parts of `{to_camel(name)}`, in which others may be "
            f"named: give whole values, by `equals` or `in`, not by `{to_camel(parts[0])}`.",
            ["filter"],
        )
    changed = {what: _sought(view, value) for what, value in condition}
    return condition.model_copy(update=changed)


def _sought(view: OwnView, value: Any) -> Any:  # noqa: ANN401 - a condition's
    if isinstance(value, tuple):
        return tuple(_sought(view, each) for each in cast("tuple[object, ...]", value))
    return _findable(view, value) if isinstance(value, str) else value


def _findable(view: OwnView, text: str) -> str:
    return NOTHING if view.hides(text) else text

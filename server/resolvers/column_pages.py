"""Column pages: a page of a list as parallel lists, of which only those asked for are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite
from operator import ne
from typing import Any

from server.batches import Wanted
from server.paging import Page
from server.resolvers.context import Context
from server.resolvers.listings import PageWithin
from server.rows import Layout, Row, TableLayout


class ColumnPage(Row):
    """A row of lists: one of each column, and `page_info`, the page that they are."""

    __slots__ = ("page",)

    def __init__(self, layout: Layout, page: Page) -> None:
        width = len(page.layout.place)
        columns = [*zip(*page.values, strict=True)][:width] or [()] * width
        super().__init__(layout, [*(_finite(column) for column in columns), page])
        self.page = page

    @property
    def kin(self) -> Any:  # noqa: ANN401 - as the page's
        return self.page.kin

    @property
    def parent(self) -> int | None:
        """Whose rows they are."""
        return self.page.parent


@dataclass(frozen=True, slots=True)
class ColumnsWithin:
    """A page of the rows that belong to each source, as an object of some type.

    `aliases` are other names for columns: the name, and the column's.
    """

    type_name: str
    page: PageWithin
    aliases: tuple[tuple[str, str], ...] = ()

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[ColumnPage]:
        if wanted is not None:
            wanted = wanted.union(column for name, column in self.aliases if name in wanted)
        pages = await self.page.load(context, sources, wanted)
        layout = _layout(self.type_name, pages[0].layout, self.aliases)
        return [ColumnPage(layout, page) for page in pages]


@lru_cache(256)
def _layout(type_name: str, of_rows: TableLayout, aliases: tuple[tuple[str, str], ...]) -> Layout:
    layout = Layout(type_name, [*of_rows.place, "page_info"])
    same = {name: of_rows.place[column] for name, column in aliases if column in of_rows.place}
    layout.place = {**layout.place, **same}
    return layout


def _finite(values: Sequence[Any]) -> Sequence[Any]:
    """Return numbers, with null where one is infinite or none at all: JSON cannot say that.

    Looked for without a line of Python a value: that was half of a page of 100,000.
    """
    if float not in set(map(type, values)):
        return values
    if inf in values or -inf in values or any(map(ne, values, values)):  # NaN is not itself
        return [None if isinstance(v, float) and not isfinite(v) else v for v in values]
    return values

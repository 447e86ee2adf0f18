"""Which of the caller's exports draw on an experiment."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.batches import Wanted
from server.cursors import SortKey
from server.paging import Page
from server.records.conditions import TextIn
from server.records.exports import EXPORTS, ExportFilter, ExportOrderField
from server.resolvers.context import Context
from server.resolvers.listings import Listing, PageOfAll, Window
from server.rows import Row

_NEWEST = (SortKey(ExportOrderField.CREATED_AT.value, descending=True),)


@dataclass(frozen=True, slots=True)
class ExportsOf:
    """A page of the exports that draw on each experiment, the newest first.

    An export may draw on several, so that there is a statement for each.
    """

    window: Window

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Page]:
        pages = dict[str, Page]()
        for source in sources:
            if (name := source.experiment_id) not in pages:
                kept = ExportFilter(experiment_id=TextIn(in_=(name,)))
                page = PageOfAll(Listing(EXPORTS, kept, _NEWEST), self.window)
                [pages[name]] = await page.load(context, [source], wanted)
        return [pages[source.experiment_id] for source in sources]

"""How many records are selected: counted, or told by the tallies, which takes no look at them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select
from sqlmodel import col

from server.export.recipe import PLACES, Recipe
from server.export.statements import Dialect
from server.export.tables import Query
from server.records import RecordType
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.tallies import Tally

_FEW = 100_000
"""So many keys after a snapshot are looked through sooner than all that is selected."""


def counted(dialect: Dialect, name: str, where: Sequence[ColumnElement[bool]]) -> Query:
    """Count the records of a type that some clauses keep."""
    return dialect.compiled(_count(RecordType[name].value.model, where))


def tallied(
    dialect: Dialect, recipe: Recipe, name: str, where: Sequence[ColumnElement[bool]]
) -> Query | None:
    """Have the tallies count what these clauses keep; None where tallies cannot tell.

    Nor do they where a file says how many rows there are before it holds them: if a tally is wrong,
    that is found out at the end, and the records are counted then.
    """
    says_so_early = (
        recipe.packaging is ExportPackaging.ZIP
        or recipe.format is ExportFormat.JSON
        or recipe.anonymization is Anonymization.AGGREGATE_ONLY
    )
    if says_so_early or name in recipe.filters or recipe.after:
        return None
    model: Any = RecordType[name].value.model
    bound = recipe.bounds[name]
    told = select(func.coalesce(cast(func.sum(col(Tally.record_count)), BigInteger), 0)).where(
        recipe.selects_of(Tally), col(Tally.data_type) == name
    )
    places = (col(getattr(model, place)) + 0 for place in PLACES)  # no index but that of the keys
    later = _count(model, [col(model.id) > bound, recipe.selects(*places)])
    newest = select(func.coalesce(func.max(col(model.id)), 0)).scalar_subquery()
    return dialect.compiled(
        select(
            case(
                (newest <= bound + _FEW, told.scalar_subquery() - later.scalar_subquery()),
                else_=_count(model, where).scalar_subquery(),
            )
        )
    )


def _count(model: Any, where: Sequence[ColumnElement[bool]]) -> Any:  # noqa: ANN401 - a table, a statement
    return select(func.count()).select_from(model).where(*where)

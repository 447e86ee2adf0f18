"""Lists that may be narrowed to one experiment."""

from typing import Annotated

import strawberry

from server.records.conditions import TextIn

OfExperiment = Annotated[
    str | None,
    strawberry.argument(description="Those of this experiment alone, `exp_…`; all when left out."),
]


def of_experiment(experiment_id: str | None) -> TextIn | None:
    """Return what a filter is to ask; no id holds U+0000, nor U+FFFF."""
    if experiment_id is None:
        return None
    return TextIn(in_=(experiment_id.replace("\0", "\uffff"),))

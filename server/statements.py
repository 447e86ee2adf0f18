"""Statements compiled once: their text, and the parameters that each run gives or that stay."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from sqlalchemy import CompoundSelect, Dialect, Select

Statement = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]


class Prepared:
    """A statement for one dialect, with parameters in the order of their places.

    `statement.params` that a run does not name keep the value they were made with.
    """

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        self.statement = statement
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text = str(compiled)
        names: Sequence[str] = compiled.positiontup or ()
        self._has_truth_values = bool(dialect.supports_native_boolean)
        self._values = [self._plain(compiled.params[name]) for name in names]
        self._places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            self._places.setdefault(name, []).append(place)
        self._writers: dict[str, Callable[[Any], Any]] = {
            name: writer
            for name, bind in compiled.binds.items()
            if (writer := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        for name in self._writers.keys() & self._places.keys():
            self._put(self._values, name, compiled.params[name])

    def place_of(self, name: str) -> int | None:
        """Return where a parameter stands, the first time; None if there is none of that name."""
        return next(iter(self._places.get(name, ())), None)

    def parameters(self, given: Mapping[str, Any]) -> Sequence[Any]:
        """Return the parameters of a run, in order."""
        values = self._values.copy()
        for name, value in given.items():
            if name in self._places:
                self._put(values, name, value)
        return values

    def _put(self, values: list[Any], name: str, value: object) -> None:
        writer = self._writers.get(name)
        written = self._plain(value) if writer is None else writer(value)
        for place in self._places[name]:
            values[place] = written

    def _plain(self, value: Any) -> Any:  # noqa: ANN401 - whatever a clause compares with
        """Return a parameter as drivers take it."""
        if isinstance(value, Enum):
            return self._plain(value.value)
        is_number = isinstance(value, bool) and not self._has_truth_values
        return int(value) if is_number else value

"""Columns without what tells who people are, by what is declared of each."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from server.export.arrow import Array, Columns, pa, pc
from server.export.disguises import Disguise
from server.export.patterns import NOT_PLAIN
from server.export.reading import Reader
from server.export.tables import BORNE_BY, Column, Identifying, Identities, Kind

_WORTH_A_DETECTOR = 128
"""How many texts it takes until a detector saves more than the milliseconds that it takes to be
made, each time: fewer are looked at by the exact pattern, which finds the same."""


class CodeMissing(Exception):
    """Somebody has no code yet; nothing may be written under their own id instead."""


class People:
    """Who is known in the exported experiments, and how each is disguised.

    own  ids, names and addresses of whom the files are for: they stay
    """

    def __init__(self, reader: Reader, identities: Identities, own: Sequence[str] = ()) -> None:
        codes = defaultdict[int, dict[str, str]](dict)
        for experiment, person, code in reader.tuples(identities.people):
            codes[experiment][person] = code
        names = defaultdict[int, dict[str, str | None]](dict)
        for experiment, person, name in reader.tuples(identities.names):
            code = codes[experiment].get(person)
            known = names[experiment]
            known[name] = code if known.get(name, code) == code else None
        contacts = defaultdict[int, set[str]](set)
        for experiment, *addresses in reader.tuples(identities.contacts):
            contacts[experiment].update(filter(None, addresses))
        self._disguises = {
            experiment: Disguise(codes[experiment], names[experiment], contacts[experiment], own)
            for experiment in {*codes, *names, *contacts}
        }

    def codes(self, experiments: Array, participant_ids: Array) -> Array:
        """Return the codes of participants."""
        people = zip(experiments.to_pylist(), participant_ids.to_pylist(), strict=True)
        found = [self._of(experiment).code(person) for experiment, person in people]
        if None in found:
            raise CodeMissing
        return pa.array(found, pa.string())

    def labels(self, experiments: Array, labels: Array) -> Array:
        """Return the ids of other things, which may be made of those of participants."""
        pairs = zip(experiments.to_pylist(), labels.to_pylist(), strict=True)
        return pa.array([self.label(key, label) for key, label in pairs], pa.string())

    def label(self, experiment: int, text: str) -> str:
        """Return the id of another thing, or a short text, of one experiment."""
        return self._of(experiment).label(text)

    def without_identities(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a JSON value without what tells who anybody is."""
        for disguise in self._disguises.values():
            value = disguise.value(value, disguise.text, keys=False)
        return value

    def scrubbed(self, columns: Sequence[Column], experiment: int, rows: Columns) -> Columns:
        """Return rows of one experiment without what tells who people are."""
        disguise = self._of(experiment)
        changed = {
            column.name: _scrubbed(column, rows[column.name], disguise) for column in columns
        }
        for name, bearer in BORNE_BY.items():
            if name in changed:
                borne = changed[bearer]
                if disguise.has_own:  # whose name stays with their id
                    stays = pc.fill_null(pc.equal(borne, rows[bearer]), fill_value=False)
                    borne = pc.if_else(stays, changed[name], borne)
                changed[name] = pc.if_else(pc.is_valid(rows[name]), borne, None)
        return changed

    def _of(self, experiment: int) -> Disguise:
        return self._disguises.get(experiment) or Disguise({}, {})


def _scrubbed(column: Column, values: Array, disguise: Disguise) -> Array:
    if column.kind not in (Kind.TEXT, Kind.JSON) or column.key:
        return values
    json = column.kind is Kind.JSON
    like: str | None
    match column.identifies:
        case Identifying.DIRECTLY:
            return _replaced(values, disguise.json_people if json else disguise.code)
        case Identifying.IN_PART:
            if not disguise.has_own:
                return pa.nulls(len(values), pa.string())
            return _replaced(values, lambda text: text if disguise.is_own(text) else None)
        case Identifying.IN_TEXT:
            like = disguise.suspicious_json if json else disguise.suspicious
            change = disguise.json_text if json else disguise.text
        case _ if json:
            like = rf"{disguise.known}|\\" if disguise.known else None
            change = disguise.json_label
        case _:
            if not pc.any(_may_hold_known(values, disguise)).as_py():
                return values
            like, change = disguise.known, disguise.label
    return _replaced_where(values, like, change) if like else values


def _may_hold_known(values: Array, disguise: Disguise) -> Array:
    """Tell, without looking for each that is known, where none can be: most ids are too short."""
    long_enough = pc.greater_equal(pc.binary_length(values), disguise.shortest_plain)
    return pc.or_(long_enough, pc.match_substring_regex(values, NOT_PLAIN))


def _replaced(values: Array, change: Callable[[str], str | None]) -> Array:
    """Change every text, each distinct one once."""
    distinct = values.dictionary_encode()
    changed = [change(text) for text in distinct.dictionary.to_pylist()]
    return pc.take(pa.array(changed, pa.string()), distinct.indices)


def _replaced_where(values: Array, like: str, change: Callable[[str], str]) -> Array:
    """Change the texts that a detector finds: it looks at each distinct one once."""
    distinct = values.dictionary_encode()
    texts = distinct.dictionary
    if len(texts) < _WORTH_A_DETECTOR:
        return _replaced(values, change)
    found = pc.match_substring_regex(texts, like)
    if not pc.any(found).as_py():
        return values
    changed = [change(text) for text in texts.filter(found).to_pylist()]
    replaced = pc.replace_with_mask(texts, found, pa.array(changed, pa.string()))
    return pc.take(replaced, distinct.indices)

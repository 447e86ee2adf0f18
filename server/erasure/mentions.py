"""What stands in the place of a person in texts and JSON of others: words that tell nothing."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from server.erasure.subjects import Subject
from server.export.patterns import PLAIN, any_name, any_of

ERASED = "[erased]"
"""In the place of a name or an address. In that of an id: `erased-7`, of the seventh erasure."""

SHORTEST_ID = 6
"""Characters of an id that is found within words; a shorter one is looked for as a word."""


class Tombstones:
    """Replaces what one person is known by; what others are known by stays, though it hold that."""

    def __init__(self, subject: Subject) -> None:
        assert subject.participant_id is not None
        self._id = subject.participant_id
        self._tombstone = subject.tombstone
        words = found_in(subject.names)
        unlike_ids = found_in(subject.names, labels=True)
        self._stays = {*subject.others, *(name.lower() for name in subject.other_names)}
        longer_names = found_in(subject.other_names)
        self._free = self._pattern(subject, [*words, *longer_names])
        self._labels = self._pattern(subject, [*unlike_ids, *longer_names] if unlike_ids else [])

    def id(self, text: str) -> str:
        """Return a column that is an id, or holds one."""
        return self._tombstone if text == self._id else self.label(text)

    def text(self, text: str) -> str:
        """Return free text without the person's id, names and contacts."""
        return self._free.sub(self._replacement, text)

    def label(self, text: str) -> str:
        """Return text that is not free: names that could be a word of a program's stay."""
        return self._labels.sub(self._replacement, text)

    def ids(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a list of ids, or what else JSON may say of them."""
        return _changed(value, self.id)

    def json(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return JSON with all its texts, keys too, as `text`."""
        return _changed(value, self.text)

    def json_label(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return JSON that is not free with all its texts, keys too, as `label`."""
        return _changed(value, self.label)

    def _pattern(self, subject: Subject, names: Iterable[str]) -> re.Pattern[str]:
        contacts, names = list(subject.contacts), list(names)
        parts = [
            f"(?P<contact>{any_name(contacts)})" if contacts else "",
            f"(?P<id>{self._ids(subject)})" if is_found(self._id) else "",
            f"(?P<name>{any_name(names)})" if names else "",
        ]
        return re.compile("|".join(filter(None, parts)) or r"(?!)")

    def _ids(self, subject: Subject) -> str:
        ids = any_of([self._id, *subject.others])
        return ids if len(self._id) >= SHORTEST_ID else rf"(?<![^\W_]){ids}(?![^\W_])"

    def _replacement(self, found: re.Match[str]) -> str:
        text, how = found.group(), found.lastgroup
        if (text if how == "id" else text.lower()) in self._stays:
            return text
        return self._tombstone if how == "id" else ERASED


def _changed(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(item, change) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    changed: dict[str, Any] = {}
    for key, item in cast("dict[str, Any]", value).items():
        free, number = change(key), 1
        while free in changed:
            number += 1
            free = f"{change(key)} {number}"
        changed[free] = _changed(item, change)
    return changed


def is_found(participant_id: str) -> bool:
    """Tell an id that is looked for in texts from one that could be any number."""
    return len(participant_id) >= SHORTEST_ID or _is_a_word(participant_id)


def found_in(names: Sequence[str], *, labels: bool = False) -> list[str]:
    """Return the names that are looked for in free texts, or in what is not free."""
    words = [name for name in names if _is_a_word(name)]
    return [name for name in words if not re.fullmatch(PLAIN, name)] if labels else words


def _is_a_word(name: str) -> bool:
    """Tell what can be looked for from a letter or a number that stands everywhere."""
    return len(name) > 1 and any(map(str.isalpha, name))

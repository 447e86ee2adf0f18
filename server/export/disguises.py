"""What is known of the people of one experiment, and texts and JSON values without it."""

import json
import re
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import orjson

from server.export.patterns import (
    EMAIL,
    IPV4,
    LIKE_ADDRESSES,
    LIKE_IPV6,
    LIKE_KEYS,
    PLAIN,
    address_in,
    any_name,
    any_of,
    beginnings,
    beginnings_of_names,
    is_identifying_key,
)

_ID_REMOVED = "[id removed]"
_EMAIL_REMOVED = "[email removed]"
_IP_REMOVED = "[ip removed]"
_NAME_REMOVED = "[name removed]"
_OTHER_REMOVED = "[identifier removed]"

_SHORTEST_CONTACT = 6
"""Characters of an address that is looked for; less is no address, and stands in many a word."""

_LONG_NUMBER = re.compile(r"\d{19}")
_HALF_CHARACTER = re.compile(r"(?i)\\ud[89a-f]")

Change = Callable[[str], str]


class Disguise:
    """Replaces what tells who people are, in one experiment.

    codes     participant id → code
    names     name → the code of who bears it; None if that is not one known person
    contacts  addresses and browsers of participants, however they are written
    own       ids, names and addresses of whoever is to be shown the result: they stay
    """

    def __init__(
        self,
        codes: Mapping[str, str],
        names: Mapping[str, str | None],
        contacts: Collection[str] = (),
        own: Collection[str] = (),
    ) -> None:
        self.codes = codes
        self._own = frozenset(own)
        self._own_names = {text.lower() for text in own}
        words = [name for name in names if _is_a_word(name)]
        self._names: dict[str, str | None] = {}
        for name in words:
            known = self._names.get(name.lower(), names[name])
            self._names[name.lower()] = known if known == names[name] else None
        literals = [*codes, *(text for text in contacts if len(text) >= _SHORTEST_CONTACT)]
        unlike_ids = [name for name in words if not re.fullmatch(PLAIN, name)]
        like_known = (
            beginnings(literals) if literals else None,
            beginnings_of_names(unlike_ids) if unlike_ids else None,
        )
        self.known = "|".join(filter(None, like_known)) or None
        """For RE2: what may contain what `label` takes out."""
        plain = (len(text) for text in literals if re.fullmatch(PLAIN, text))
        self.shortest_plain = min(plain, default=sys.maxsize)
        """What is made like an id and is shorter than this contains none of them."""
        like_names = beginnings_of_names(words) if words else None
        self.suspicious = "|".join(filter(None, (self.known, like_names, LIKE_ADDRESSES)))
        """For RE2: what may contain anything that tells who somebody is."""
        self.suspicious_json = rf"{self.suspicious}|{LIKE_KEYS}|\\"  # escapes hide what they mean
        self._known = self._pattern(literals, names=unlike_ids)
        self._everything = self._pattern(literals, rest=f"(?P<ip>{IPV4}|{LIKE_IPV6})", names=words)

    def text(self, text: str) -> str:
        """Return free text without ids, names and addresses."""
        return self._everything.sub(self._replacement, text)

    def label(self, text: str) -> str:
        """Return text that is not free without ids and contacts of participants.

        And without names that look like no id or word of a program's: `Anna Smith`, but not `host`.
        """
        return self._known.sub(self._replacement, text)

    @property
    def has_own(self) -> bool:
        """Whether there is anybody who stays known."""
        return bool(self._own)

    def code(self, text: str) -> str | None:
        """Return the code of a participant, None if they have none; as it is, what is own."""
        return text if text in self._own else self.codes.get(text)

    def person(self, participant_id: str) -> str:
        """Return the code of a participant, unless it is themselves who are shown it."""
        if participant_id in self._own:
            return participant_id
        return self.codes.get(participant_id, _ID_REMOVED)

    def is_own(self, value: object) -> bool:
        """Say whether a value is an id, a name or an address of whoever is shown the result."""
        return isinstance(value, str) and (value in self._own or value.lower() in self._own_names)

    def json_text(self, text: str) -> str:
        """Return JSON without what tells who people are; the same text if nothing does."""
        return _changed_json(text, lambda value: self.value(value, self.text, keys=True))

    def json_label(self, text: str) -> str:
        """Return JSON that is not free without ids and contacts of participants."""
        return _changed_json(text, lambda value: self.value(value, self.label, keys=False))

    def json_people(self, text: str) -> str:
        """Return a JSON list of participant ids as one of codes."""
        return _changed_json(text, self.people)

    def value(self, value: Any, change: Change, *, keys: bool) -> Any:  # noqa: ANN401 - any JSON
        """Return a JSON value with its texts changed, and perhaps without what its keys name."""
        if isinstance(value, str):
            return change(value)
        if isinstance(value, list):
            items = cast("list[object]", value)
            return [self.value(item, change, keys=keys) for item in items]
        if not isinstance(value, dict):
            return value
        changed: dict[str, Any] = {}
        for key, item in cast("dict[str, Any]", value).items():
            hidden = keys and is_identifying_key(key) and not self.is_own(item)
            kept = None if hidden else item
            changed[_free(change(key), changed)] = self.value(kept, change, keys=keys)
        return changed

    def people(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a participant id, or a list of them, as codes."""
        if isinstance(value, list):
            return [self.people(item) for item in cast("list[object]", value)]
        return self.person(value) if isinstance(value, str) else None

    def _pattern(
        self, literals: Collection[str], rest: str = "", names: Collection[str] = ()
    ) -> re.Pattern[str]:
        parts = [
            f"(?P<known>{any_of(literals)})" if literals else "",
            f"(?P<email>{EMAIL})" if rest else "",
            f"(?P<name>{any_name(names)})" if names else "",
            rest,
        ]
        return re.compile("|".join(filter(None, parts)) or r"(?!)")

    def _replacement(self, found: re.Match[str]) -> str:
        text = found.group()
        if self._stays(text, found.lastgroup):
            return text
        match found.lastgroup:
            case "known":
                return self.codes.get(text) or _contact_removed(text)
            case "email":
                return _EMAIL_REMOVED
            case "name":
                return self._names.get(text.lower()) or _NAME_REMOVED
            case _:
                address = address_in(text)
                if address is None or address in self._own:
                    return text
                return text.replace(address, _IP_REMOVED)

    def _stays(self, text: str, how: str | None) -> bool:
        """Say whether what was found is of whoever is shown the result: ids by their very case."""
        return text in self._own if how == "known" else self.is_own(text)


def _contact_removed(contact: str) -> str:
    if "@" in contact:
        return _EMAIL_REMOVED
    return _IP_REMOVED if address_in(contact) else _OTHER_REMOVED


def _changed_json(text: str, change: Callable[[Any], Any]) -> str:
    whole = _LONG_NUMBER.search(text) or _HALF_CHARACTER.search(text)
    value = json.loads(text) if whole else orjson.loads(text)
    changed = change(value)
    if changed == value:
        return text
    written = json.dumps(changed, ensure_ascii=False, separators=(",", ":"))
    return written if _is_utf8(written) else json.dumps(changed)


def _is_utf8(text: str) -> bool:
    """Tell text that can be written from one with half a character, which must stay an escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _free(key: str, taken: Mapping[str, object]) -> str:
    """Return a key that does not push out another one that has become the same."""
    free, number = key, 1
    while free in taken:
        number += 1
        free = f"{key} {number}"
    return free


def _is_a_word(name: str) -> bool:
    """Tell a name that can be looked for from a letter or a number that stands everywhere."""
    return len(name) > 1 and any(map(str.isalpha, name))

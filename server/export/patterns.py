"""Patterns for what tells who people are: in Python to replace it, in RE2 to find rows that may.

A detector may find too much, never too little: it looks for beginnings, and leaves it to the exact
pattern to look again.
"""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

_BEGINNING = 8
"""Characters of a text that a detector looks for: thousands of whole ids would not fit in RE2."""

EMAIL = r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+"
IPV4 = r"(?<![^\W_])(?<!\d\.)(?:\d{1,3}\.){3}\d{1,3}(?![^\W_]|\.\d)"
LIKE_IPV6 = r"(?<![^\W_])(?=[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:)[0-9A-Fa-f:.]{3,60}(?![^\W_])"

PLAIN = r"[A-Za-z0-9_-]*"
NOT_PLAIN = r"[^A-Za-z0-9_-]"
"""What ids are made of, and what stands in no id."""

LIKE_ADDRESSES = r"@|\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9A-Fa-f]{0,4}:"
"""What every e-mail or network address contains, for RE2."""

KEYS = frozenset(
    {
        *("name", "fullname", "firstname", "givenname", "lastname", "familyname", "surname"),
        *("realname", "displayname", "nickname", "username", "sendername", "dateofbirth", "dob"),
        *("email", "emailaddress", "mail", "phone", "phonenumber", "telephone", "tel", "mobile"),
        *("address", "postaladdress", "ip", "ipaddr", "ipaddress", "remoteaddr", "useragent"),
    }
)
"""Keys of JSON objects whose values are left out, in small letters and nothing between them."""

_BETWEEN_LETTERS = "[-_ .]"

LIKE_KEYS = (
    f'(?i:"{_BETWEEN_LETTERS}*(?:'
    + "|".join(f"{_BETWEEN_LETTERS}*".join(key) for key in sorted(KEYS))
    + rf')(?:{_BETWEEN_LETTERS})*"\s*:)'
)

_BETWEEN_WORDS = r"(?:^|[^\pL\pN])"
_NOT_WITHIN_A_WORD = (r"(?<![^\W_])", r"(?![^\W_])")


def is_identifying_key(key: str) -> bool:
    """Tell whether a key of a JSON object says that its value is somebody's."""
    return re.sub(_BETWEEN_LETTERS, "", key).lower() in KEYS


def address_in(text: str) -> str | None:
    """Return the network address among some digits, dots and colons; a time of day is none."""
    for address in (text, text.strip(":."), text.rstrip(":."), text.lstrip(":.")):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        return address if address.strip(":") else None
    return None


def any_of(texts: Iterable[str]) -> str:
    """Return a pattern for any of some texts, the longest that fits: they share beginnings."""
    tree: dict[str, Any] = {}
    for text in texts:
        node = tree
        for character in text:
            node = node.setdefault(character, {})
        node[""] = {}
    return _branches(tree)


def any_name(names: Iterable[str]) -> str:
    """Return a pattern for any of some names, as words, in capitals or not."""
    alike = defaultdict[tuple[str, str], list[str]](list)
    for name in names:
        before = _NOT_WITHIN_A_WORD[0] if _ends_words(name[0]) else ""
        after = _NOT_WITHIN_A_WORD[1] if _ends_words(name[-1]) else ""
        alike[before, after].append(name)
    patterns = (f"{ends[0]}{any_of(group)}{ends[1]}" for ends, group in sorted(alike.items()))
    return f"(?i:{'|'.join(patterns)})"


def beginnings(texts: Collection[str]) -> str:
    """Return a pattern for RE2 that finds whatever contains one of the texts."""
    return f"(?:{any_of({text[:_BEGINNING] for text in texts})})"


def beginnings_of_names(names: Collection[str]) -> str:
    """Return a pattern for RE2 that finds whatever contains one of the names as a word."""
    words = {name[:_BEGINNING] for name in names if _ends_words(name[0])}
    others = {name[:_BEGINNING] for name in names if not _ends_words(name[0])}
    patterns = [f"{_BETWEEN_WORDS}(?:{any_of(words)})"] if words else []
    patterns += [f"(?:{any_of(others)})"] if others else []
    return f"(?i:{'|'.join(patterns)})"


def _ends_words(character: str) -> bool:
    """Tell letters of scripts that put spaces between words from those of scripts that do not."""
    return character.isdigit() or character.lower() != character.upper()


def _branches(node: dict[str, Any]) -> str:
    branches = [
        re.escape(character) + _branches(rest)
        for character, rest in sorted(node.items())
        if character
    ]
    if not branches:
        return ""
    if len(branches) == 1 and "" not in node:
        return branches[0]
    return f"(?:{'|'.join(branches)}){'?' if '' in node else ''}"

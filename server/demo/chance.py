"""Seeded chance: each draw of the demo data comes from a named source, and disturbs no other."""

import random
import string
from hashlib import blake2b

import numpy as np

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def draws(*names: object) -> random.Random:
    """Return a source of single choices that is the same for the same names."""
    return random.Random(_name(names))  # noqa: S311 - demo data keep no secret


def numbers(*names: object) -> np.random.Generator:
    """Return a source of series that is the same for the same names."""
    return np.random.default_rng(list(blake2b(_name(names).encode(), digest_size=16).digest()))


def code(length: int, *names: object) -> str:
    """Return letters and digits that look drawn at random but follow from the names."""
    number = int.from_bytes(blake2b(_name(names).encode(), digest_size=64).digest(), "big")
    text = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        text += _ALPHABET[digit]
    return text


def _name(names: tuple[object, ...]) -> str:
    return "/".join(map(str, names))

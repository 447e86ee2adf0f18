"""Closed sets of values, each with what clients are told of it, said where the value is."""

from enum import StrEnum


class Described(StrEnum):
    """Texts with a description each: `ACTIVE = "ACTIVE", "Still going on."`."""

    _value_: str
    description: str

    def __new__(cls, value: str, description: str = "") -> "Described":
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member


class OrderField(Described):
    """What rows can be sorted by: names of columns, described by them unless here."""

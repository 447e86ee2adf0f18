"""Values for the toy schema: as they should be, and every way in which they should not."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID

from tests.execution.failures import Expected, Later, later, raised_later
from tests.execution.toy import Box, Cat, Colour, Dog, Leaf, Size, Stone, Tree, streamed

NOON = datetime(2026, 1, 2, 12, 0, 0, 678, UTC)

GOOD: Mapping[str, Any] = {
    "ident": "1",
    "maybe_ident": None,
    "text": "täxt \"'\n\u2028",
    "maybe_text": "",
    "whole": 5,
    "maybe_whole": 0,
    "real": 1.5,
    "maybe_real": 1e300,
    "flag": True,
    "maybe_flag": False,
    "colour": Colour.RED,
    "maybe_colour": Colour.WARM,
    "size": Size.SMALL,
    "when": NOON,
    "maybe_when": datetime(2026, 1, 2),  # noqa: DTZ001 - it has no zone
    "day": date(2026, 1, 2),
    "clock": time(1, 2, 3),
    "key": UUID(int=7),
    "amount": Decimal("1.10"),
    "json": {"b": [1, None, {"a": True}], "a": 1.0},
    "maybe_json": None,
    "money": 1234,
    "maybe_money": None,
    "texts": ["a", "b"],
    "maybe_wholes": [1, None, 2],
    "maybe_texts": None,
    "grid": [[1], [], [2, 3]],
    "maybe_grid": [[1, None], None],
    "colours": [Colour.GREEN, Colour.RED],
}


def a_leaf(**changes: Any) -> Any:
    return Leaf(**{**GOOD, **changes})


class Bare:
    """Not an instance of the type it is shown as; its class says nothing."""

    def __init__(self, **changes: Any) -> None:
        given = {"renamed": "o", "forbidden": "f", "needed": "n", "loud": "l", "doubled": "d"}
        self.__dict__.update({**GOOD, **given, **changes})


class Slotted:
    """Has but one of the attributes."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Raising:
    """Raises from everything that is read of it, but knows how to be what it is."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


class Partly(Bare):
    """Has properties: one that changes, one that raises, one that refuses."""

    reads = 0

    @property
    def text(self) -> str:
        Partly.reads += 1
        return "read"

    @text.setter
    def text(self, _: str) -> None: ...

    @property
    def maybe_text(self) -> str:
        raise Expected("not now")

    @maybe_text.setter
    def maybe_text(self, _: str) -> None: ...

    @property
    def whole(self) -> Any:
        raise AttributeError("whole")

    @whole.setter
    def whole(self, _: int) -> None: ...


class Lazily(Bare):
    """Makes a coroutine each time that it is read: whoever reads it must await it."""

    @property
    def text(self) -> Any:
        return later("later")

    @text.setter
    def text(self, _: str) -> None: ...

    @property
    def maybe_whole(self) -> Any:
        return later("no number")

    @maybe_whole.setter
    def maybe_whole(self, _: int) -> None: ...

    @property
    def maybe_text(self) -> Any:
        return raised_later(Expected("raised later"))

    @maybe_text.setter
    def maybe_text(self, _: str) -> None: ...


class Subtext(str):
    """Text of a class of its own."""


class Subwhole(int):
    def __str__(self) -> str:
        return "of its own"


class Failure(Exception):
    """An exception with attributes, used as a value."""

    text = "on an exception"


EAST = timezone(timedelta(hours=2))
MOST = 2**31

LEAVES: Mapping[str, Callable[[], Any]] = {
    "good": a_leaf,
    "null text": lambda: a_leaf(text=None),
    "null whole": lambda: a_leaf(whole=None),
    "nulls": lambda: a_leaf(maybe_text=None, maybe_whole=None, maybe_real=None, maybe_flag=None),
    "more nulls": lambda: a_leaf(maybe_colour=None, maybe_when=None, maybe_wholes=[None, None]),
    "nothing": lambda: a_leaf(**dict.fromkeys(GOOD)),
    "not a number": lambda: a_leaf(real=math.nan, maybe_real=math.nan),
    "infinite": lambda: a_leaf(maybe_real=-math.inf),
    "infinite must": lambda: a_leaf(real=math.inf),
    "at the ends": lambda: a_leaf(whole=MOST - 1, maybe_whole=-MOST, maybe_wholes=[MOST - 1]),
    "beyond": lambda: a_leaf(whole=MOST),
    "below": lambda: a_leaf(maybe_whole=-MOST - 1, maybe_wholes=[1, -MOST - 1]),
    "int as float": lambda: a_leaf(real=3, maybe_real=-0.0),
    "huge int as float": lambda: a_leaf(maybe_real=10**400),
    "big int as float": lambda: a_leaf(real=2**53 + 1),
    "bool as number": lambda: a_leaf(whole=True, maybe_whole=False, real=True),
    "float as int": lambda: a_leaf(whole=3.0, maybe_whole=3.5),
    "text as number": lambda: a_leaf(whole="12", maybe_whole="zz", real="1.5", maybe_real=""),
    "number as bool": lambda: a_leaf(flag=1, maybe_flag=0.0),
    "text as bool": lambda: a_leaf(maybe_flag="x"),
    "text of its own": lambda: a_leaf(text=Subtext("sub"), ident=Subtext("q")),
    "int of its own": lambda: a_leaf(whole=Subwhole(4), ident=Subwhole(4), text=Subwhole(4)),
    "number as text": lambda: a_leaf(text=12, maybe_text=1.5, texts=[1, True, 0.1]),
    "bool as text": lambda: a_leaf(text=True, ident=True),
    "list as text": lambda: a_leaf(maybe_text=["a"]),
    "object as text": lambda: a_leaf(maybe_text=object()),
    "bytes as text": lambda: a_leaf(maybe_text=b"bytes"),
    "lone surrogate": lambda: a_leaf(maybe_text="\ud800"),
    "id from int": lambda: a_leaf(ident=12, maybe_ident=2**70),
    "id from float": lambda: a_leaf(maybe_ident=1.0),
    "id from half": lambda: a_leaf(maybe_ident=1.5),
    "id from uuid": lambda: a_leaf(ident=UUID(int=3)),
    "enum by value": lambda: a_leaf(colour="r", size="l", maybe_colour="g"),
    "enum by name": lambda: a_leaf(maybe_colour="RED"),
    "enum unknown": lambda: a_leaf(maybe_colour="nope", colours=[Colour.RED, "nope"]),
    "enum unhashable": lambda: a_leaf(maybe_colour=["r"]),
    "enum of another": lambda: a_leaf(maybe_colour=Size.SMALL, size=Colour.RED),
    "moment as text": lambda: a_leaf(maybe_when="2026-01-02"),
    "moment elsewhere": lambda: a_leaf(when=NOON.astimezone(EAST)),
    "day as moment": lambda: a_leaf(when=date(2026, 1, 1), day=NOON),
    "key as text": lambda: a_leaf(key="no key", amount=1.5),
    "json of all sorts": lambda: a_leaf(json=[1, "x", None], maybe_json=0),
    "json null": lambda: a_leaf(json=None),
    "json false": lambda: a_leaf(json=False, maybe_json=""),
    "custom fails": lambda: a_leaf(maybe_money="abc"),
    "custom must": lambda: a_leaf(money="abc"),
    "unset": lambda: a_leaf(maybe_text=strawberry.UNSET),
    "list with null": lambda: a_leaf(texts=["a", None]),
    "maybe list with null": lambda: a_leaf(maybe_texts=["a", None]),
    "no list": lambda: a_leaf(texts=None),
    "tuple": lambda: a_leaf(texts=("a",), maybe_wholes=(), grid=((1,),)),
    "generator": lambda: a_leaf(texts=(letter for letter in "ab")),
    "generator that raises": lambda: a_leaf(maybe_texts=(1 // n and "x" for n in (1, 0))),
    "set": lambda: a_leaf(texts={"q"}, maybe_texts=frozenset({"f"})),
    "text as list": lambda: a_leaf(maybe_texts="abc"),
    "map as list": lambda: a_leaf(maybe_texts={"k": 1}),
    "range": lambda: a_leaf(maybe_wholes=range(3)),
    "number as list": lambda: a_leaf(maybe_texts=5),
    "stream": lambda: a_leaf(texts=streamed(["a", "b"]), maybe_wholes=streamed([1, None])),
    "stream with null": lambda: a_leaf(maybe_texts=streamed(["a", None])),
    "grid with null": lambda: a_leaf(grid=[[1], None, [2]]),
    "grid with text": lambda: a_leaf(grid=[[1, "z"]]),
    "maybe grid with text": lambda: a_leaf(maybe_grid=[[1, "z"], [2]]),
    "grid of awaitables": lambda: a_leaf(grid=[[Later(1), 2]], maybe_grid=[Later([1]), [Later(2)]]),
    "error as value": lambda: a_leaf(maybe_text=ValueError("as value"), maybe_whole=Expected("e")),
    "error as must": lambda: a_leaf(text=KeyError("k")),
    "error as item": lambda: a_leaf(maybe_wholes=[1, ValueError("item"), 2]),
    "awaitable": lambda: a_leaf(text=Later("late"), maybe_text=Later("later"), whole=Later(1)),
    "awaitable null": lambda: a_leaf(maybe_text=Later(None), maybe_real=Later(None)),
    "awaitable must": lambda: a_leaf(text=Later(None)),
    "awaitable raises": lambda: a_leaf(maybe_text=Later(Expected("later")), whole=Later(2)),
    "awaitable must raises": lambda: a_leaf(text=Later(ValueError("must"))),
    "awaitable list": lambda: a_leaf(texts=Later(["a"]), maybe_texts=Later([Later("b")])),
    "awaitable items": lambda: a_leaf(texts=[Later("p"), "q"], maybe_wholes=[Later(None), 3]),
    "awaitable item bad": lambda: a_leaf(maybe_wholes=[Later("bad"), Later(4)]),
    "callable": lambda: a_leaf(maybe_text=lambda: "called"),
    "coroutines": Lazily,
    "bare": Bare,
    "bare bad": lambda: Bare(text=None, maybe_whole="x"),
    "slotted": lambda: Slotted("slotted"),
    "namespace": lambda: SimpleNamespace(**GOOD),
    "map": lambda: {"text": "in a map"},
    "properties": Partly,
    "raising": Raising,
    "exception": lambda: Failure("a value that is an exception"),
    "none": lambda: None,
    "later": lambda: Later(a_leaf(text="later")),
    "later none": lambda: Later(None),
    "later raises": lambda: Later(Expected("leaf raised")),
    "of another type": lambda: Cat(name="Tom", lives=9),
    "number": lambda: 5,
}
"""What may stand where a leaf should."""


@dataclass
class Shadow:
    """Stands for a type of the schema without being of it."""

    stands_for: str
    id: int = 1
    name: str = "shadow"
    height: float | None = None
    weight: Any = 3


NAMELESS: Mapping[str, Any] = {"name": None, "barks": True}

PETS: Mapping[str, Callable[[], Any]] = {
    "cat": lambda: Cat(name="Tom", lives=9),
    "dog": lambda: Dog(name="Rex", barks=None),
    "nameless": lambda: Dog(**NAMELESS),
    "no pet": lambda: Stone(id=ID("s"), weight=1),
    "shadow": lambda: Shadow("Cat"),
    "error": lambda: Failure("a pet"),
    "later": lambda: Later(Cat(name="late", lives=1)),
    "none": lambda: None,
}
"""What may stand where a pet should."""


def a_box(kind: str, *, deep: int = 1) -> Any:
    """Return a box with a value of a kind in many of its places."""
    make = LEAVES[kind]
    stranger: Any = Shadow("Cat") if kind == "of another type" else None
    cat, dog = Cat(name="Tom", lives=9), Dog(name="Rex", barks=None)
    known: list[Any] = [
        Tree(id=ID("t"), name="oak", height=None),
        Stone(id=ID("s"), weight=2),
        Shadow("Tree", height=1.5),
        Shadow("Stone", id=2, weight="heavy" if kind == "text as number" else 4),
        stranger,
    ]
    return Box(
        leaf=make(),
        maybe=make(),
        leaves=[a_leaf(), make(), a_leaf(text="third")],
        maybe_leaves=[make(), None, a_leaf()],
        some_leaves=[a_leaf(), make()],
        rows=[[a_leaf()], [], [make(), a_leaf()]],
        maybe_rows=[[make(), None], None],
        named=cat if deep else dog,
        pet=dog if deep else None,
        pets=[cat, dog],
        maybe_pets=[cat, dog, None, make() if kind in ("number", "exception") else None],
        cats=[cat, stranger] if stranger else [cat],
        known=known,
        box=a_box(kind, deep=deep - 1) if deep else None,
    )

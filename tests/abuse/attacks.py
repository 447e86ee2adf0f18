"""What an attack is: how it is sent, and what may be answered."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.abuse.target import Target
from tests.abuse.wire import Answer


@dataclass(frozen=True)
class Attack:
    """One attack.

    codes     the codes that may be answered; an empty one is for an answer without errors
    statuses  the HTTP statuses that may be; any, if there are none
    """

    name: str
    send: Callable[[Target], Answer]
    codes: tuple[str, ...]
    statuses: tuple[int, ...] = ()

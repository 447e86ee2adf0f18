"""A Ctrl-C that is never lost: one that a library swallows is heard at the next look."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def hearing() -> Generator[Callable[[], None]]:
    """Yield what raises KeyboardInterrupt, if there has been one meanwhile.

    One that comes while Python calls back, such as when it frees something, is else only printed.
    """
    heard = False

    def hear(_number: int, _frame: object) -> None:
        nonlocal heard
        heard = True
        raise KeyboardInterrupt

    def look() -> None:
        if heard:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield look
    finally:
        signal.signal(signal.SIGINT, before)

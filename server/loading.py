"""Loading much of the program at once, with the garbage collector left out of it."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def loading() -> Generator[None]:
    """Keep the collector still while modules are imported, and what they make out of its sight.

    Almost all of it stays, and it would be looked through again and again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

"""What the tests of a module share: servers that are filled once."""

import gc
import warnings
from collections.abc import AsyncGenerator, Generator

import pytest

from tests.execution.twins import Twins, twins_over


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def twins(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Twins]:
    """Two servers over one database."""
    async with twins_over(tmp_path_factory.mktemp("twins")) as both:
        yield both
    gc.collect()  # what was dropped goes now, and not in the midst of another's test


@pytest.fixture
def dropping() -> Generator[None]:
    """Let coroutines go that graphql-core has dropped, here and not in some later test.

    Nor within one: a warning cannot be given, not even ignored, where the collector happens to run
    in code without builtins, as that which makes a named tuple.
    """
    gc.disable()
    yield
    gc.enable()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        gc.collect()

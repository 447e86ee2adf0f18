"""What the comparisons share."""

import gc
import warnings
from collections.abc import Generator

import pytest


@pytest.fixture
def dropping() -> Generator[None]:
    """Let coroutines go that graphql-core has dropped, here and not in some later test."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        gc.collect()

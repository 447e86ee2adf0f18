"""What the dashboard's tests share."""

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.dashboard.waiting import WaitingServer


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Measure none of these: they are about the pages, and ask the server what others ask it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("repeats")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[WaitingServer]:
    """One server that tests stop and start: each leaves it running, and its rights as they were."""
    with patch.dict(os.environ):
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
        server = WaitingServer(tmp_path_factory.mktemp("waiting"))
    yield server
    server.stop()

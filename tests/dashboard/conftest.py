"""What the dashboard's tests share."""

from collections.abc import Generator

import pytest

from tests.dashboard.waiting import WaitingServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[WaitingServer]:
    """One server that tests stop and start: each leaves it running, and its rights as they were."""
    server = WaitingServer(tmp_path_factory.mktemp("waiting"))
    yield server
    server.stop()

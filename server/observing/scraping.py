"""What /metrics shows: figures of this process, or of all that share a folder, and some more."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import Metric
from prometheus_client.registry import REGISTRY, Collector

from server.observing.tallies import hand_on

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names a folder in which processes of one machine keep their figures."""

_shared: Any = multiprocess  # which has no types


class _Given(Collector):
    """Figures that were found out for one look."""

    def __init__(self, given: Iterable[Metric]) -> None:
        self._given = list(given)

    def collect(self) -> Iterable[Metric]:
        return self._given


def exposed(given: Iterable[Metric]) -> bytes:
    """Return all figures in Prometheus' text format, with those given for this look."""
    hand_on()
    registry = CollectorRegistry()
    registry.register(_Given(given))
    if _FOLDER not in os.environ:
        return generate_latest(REGISTRY) + generate_latest(registry)
    _shared.MultiProcessCollector(registry)
    return generate_latest(registry)


def leave() -> None:
    """Take what this process has open out of a folder that others go on with."""
    if _FOLDER in os.environ:
        hand_on()
        with suppress(OSError):
            _shared.mark_process_dead(os.getpid())

"""The parts that a server starts or loads: workers, pages, what is sent to whom."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path

from server.doctor.findings import Finding, error, ok, warning
from server.pages import built
from server.settings import Settings

WORKER_SECONDS = 60.0


async def workers(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is wrong with the processes that write exports."""
    if settings.export_workers == 0:
        yield warning(
            "workers",
            "HYPERDATA_EXPORT_WORKERS=0: exports wait until another server of this database takes "
            "them up.",
        )
        return
    try:
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "import server.export.worker"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(WORKER_SECONDS):
            code = await started.wait()
    except (OSError, TimeoutError) as failure:
        yield error("workers", f"A worker cannot be started ({type(failure).__name__}).")
        return
    if code:
        yield error(
            "workers",
            f"A worker ends at once, with {code}: packages are missing or broken. "
            f"`{Path(sys.executable).name} -m server.export.worker` says more.",
        )
    else:
        yield ok("workers", f"{settings.export_workers} will write exports.")


def pages() -> Iterator[Finding]:
    """Yield whether there are pages."""
    if built():
        yield ok("pages", "They are built.")
    else:
        yield warning("pages", "They are not built: the API works without. Run `make pages`.")


def sent(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with how metrics and traces are kept and sent."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        yield error(
            "metrics", "PROMETHEUS_MULTIPROC_DIR names no folder that can be written: make it."
        )
    if settings.otlp_endpoint is None:
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        yield error(
            "traces",
            "HYPERDATA_OTLP_ENDPOINT is set, and the packages for traces are not there: install "
            "hyperstudy-data[opentelemetry].",
        )
    elif not settings.otlp_endpoint.startswith(("http://", "https://")):
        yield error(
            "traces",
            "HYPERDATA_OTLP_ENDPOINT is no address of a collector, such as "
            "http://127.0.0.1:4318/v1/traces.",
        )
    else:
        yield ok("traces", "They will be sent.")

"""Looking at everything in turn, and telling what was found."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from server.doctor import environment, parts, places
from server.doctor.database import database
from server.doctor.findings import Finding, Level, worst
from server.doctor.replica import replica
from server.settings import Settings

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "red"}


def run(data_dir: Path | None, host: str, *, as_json: bool, insecure_http: bool) -> int:
    """Print what is found; return 1 if something is wrong, else 0."""
    findings = asyncio.run(_all(data_dir, host, insecure_http=insecure_http))
    verdict = worst(findings)
    if as_json:
        told = {"status": verdict, "findings": [asdict(each) for each in findings]}
        print(json.dumps(told, indent=2, ensure_ascii=False))  # noqa: T201 - what was asked for
    else:
        _print(findings)
    return 1 if verdict is Level.ERROR else 0


async def _all(data_dir: Path | None, host: str, *, insecure_http: bool) -> list[Finding]:
    settings = environment.read(data_dir)
    if not isinstance(settings, Settings):
        return [*settings, *environment.unknown()]
    findings = [
        *environment.unknown(),
        *environment.safe(settings, host, insecure_http=insecure_http),
        *environment.reachable(settings, host),
        *environment.proxies(settings),
        *places.data_folder(settings),
    ]
    if settings.data_dir.is_dir() or settings.storage_url is not None:  # else it would be made
        findings += [each async for each in places.store(settings)]
    findings += [each async for each in database(settings)]
    findings += [each async for each in replica(settings)]
    findings += [each async for each in parts.workers(settings)]
    return [*findings, *parts.pages(), *parts.sent(settings)]


def _print(findings: Sequence[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for each in findings:
        level = Text(f"{each.level:<9}", style=_STYLES[each.level])
        console.print(level + Text(f"{each.subject:<13}{each.message}", style="default"))
    counts = Counter(each.level for each in findings)
    console.print(f"{counts[Level.ERROR]} errors, {counts[Level.WARNING]} warnings.")

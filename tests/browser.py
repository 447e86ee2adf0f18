"""A headless Chromium that reaches this machine only and remembers what a page did."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from os import environ
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

WEB = Path(__file__).parent.parent / "web"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SYSTEM_BROWSERS = ("chromium", "chromium-headless-shell", "google-chrome", "google-chrome-stable")

# Names and addresses alike go through the resolver, and so do websockets and workers, which
# Playwright's own routes do not see.
FLAGS = (
    "--no-sandbox",  # root in a container has none to enter
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP * ~NOTFOUND, {', '.join(f'EXCLUDE {host}' for host in LOOPBACK)}",
)

REPORT_VIOLATIONS = """
addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) =>
  reportViolation(`${effectiveDirective} blocked ${blockedURI} (from ${sourceFile})`));
"""


expect.set_options(timeout=30_000)  # a busy machine takes its time to show a page


@dataclass
class Visit:
    """A page and what happened on it so far."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def requests_elsewhere(self) -> list[str]:
        """Give what was asked of another host, which nothing answered."""
        return [url for url in self.requests if _is_elsewhere(url)]


@asynccontextmanager
async def open_browser(
    *,
    width: int = 1280,
    height: int = 800,
    color_scheme: Literal["light", "dark"] = "light",
) -> AsyncIterator[Visit]:
    """Open an empty page in a new browser with a profile of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            context = await browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=color_scheme
            )
            visit = Visit(await context.new_page())
            await _observe(visit)
            yield visit
        finally:
            await browser.close()


@cache
def chromium_path() -> Path:
    """Find a Chromium: the one named, the one npm carries, the system's."""
    if named := environ.get("HYPERDATA_TEST_CHROMIUM"):
        return Path(named)
    carried, why_not = _carried_by_npm()
    if carried:
        return carried
    for name in SYSTEM_BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    raise RuntimeError(
        f"There is no Chromium to test the pages with. {why_not} Or install one"
        " (apt-get install chromium), or name one in HYPERDATA_TEST_CHROMIUM."
    )


def _carried_by_npm() -> tuple[Path | None, str]:
    """Unpack the browser of web/node_modules, or say why there is none."""
    if not (node := shutil.which("node")):
        return None, "The one npm carries needs Node 20: install it, then run `npm ci` in web/."
    script = subprocess.run(
        [node, WEB / "scripts" / "chromium.mjs"], capture_output=True, text=True, check=False
    )
    path = Path(script.stdout.strip()) if script.returncode == 0 else None
    return path, script.stderr.strip()


async def _observe(visit: Visit) -> None:
    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.errors.append(message.text)

    def note_violation(text: str) -> None:
        visit.violations.append(text)

    context = visit.page.context
    context.on("request", lambda request: visit.requests.append(request.url))
    context.on("console", note_console)
    visit.page.on("websocket", lambda socket: visit.requests.append(socket.url))
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    await visit.page.expose_function("reportViolation", note_violation)
    await visit.page.add_init_script(REPORT_VIOLATIONS)


def _is_elsewhere(url: str) -> bool:
    """Tell whether a URL leaves this machine; `data:` and `blob:` ones go nowhere."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in LOOPBACK

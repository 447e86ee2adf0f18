"""What a real browser lets pages of other origins do here, by what the server tells it."""

import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.browser import open_browser
from tests.conftest import answering, free_port

pytestmark = pytest.mark.anyio

ASK = """
async (url) => {
  const headers = { 'Content-Type': 'application/json', 'X-API-Key': 'hst_live_wrong' };
  const body = JSON.stringify({ query: '{ viewer { name } }' });
  try {
    const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body });
    return `${answer.status} ${(await answer.json()).errors[0].extensions.code}`;
  } catch (error) {
    return error.name;
  }
}
"""


class _Empty(BaseHTTPRequestHandler):
    """A site with one page, which is empty."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def a_site() -> Generator[int]:
    """Serve an empty page on this machine; give its port."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        yield site.server_port
    finally:
        site.shutdown()
        site.server_close()


@pytest.fixture
async def page() -> AsyncGenerator[Page]:
    async with open_browser() as visit:
        yield visit.page


async def test_a_page_of_a_listed_origin_may_ask_and_others_may_not(
    page: Page, tmp_path: Path
) -> None:
    port = free_port()
    command = ("serve", "--port", str(port), "--data-dir", str(tmp_path))
    with a_site() as site:
        listed = {"HYPERDATA_CORS_ORIGINS": f"http://localhost:{site}"}
        with answering(port, *command, environment={**listed, "HYPERDATA_EXPORT_WORKERS": "0"}):
            told = {}
            for host in ("localhost", "127.0.0.1"):
                await page.goto(f"http://{host}:{site}/")
                told[host] = await page.evaluate(ASK, f"http://127.0.0.1:{port}")

    assert told == {"localhost": "401 UNAUTHENTICATED", "127.0.0.1": "TypeError"}

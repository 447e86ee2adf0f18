"""Turns: however many ask at once, whatever else goes on in the server has its turn in between."""

import asyncio
import time
from collections.abc import AsyncGenerator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.edge.turns import MOST, Turns

pytestmark = pytest.mark.anyio

SLOW = 0.01
ASKED = 60


@pytest.fixture
async def http() -> AsyncGenerator[httpx2.AsyncClient]:
    """An application that is busy for as long as it answers, with the number that it is told."""

    async def busy(request: Request) -> PlainTextResponse:
        time.sleep(SLOW)  # noqa: ASYNC251 - as whoever computes
        if "wait" in request.query_params:
            await asyncio.sleep(0.05)
        return PlainTextResponse(request.query_params["number"])

    app = Starlette(routes=[Route("/", busy)], middleware=[Middleware(Turns)])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


async def test_others_have_their_turn_between_requests(http: httpx2.AsyncClient) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(others())
    answers = await asyncio.gather(*(http.get(f"/?number={each}") for each in range(ASKED)))
    counting.cancel()

    assert [answer.text for answer in answers] == [str(each) for each in range(ASKED)]
    assert turns >= ASKED - MOST


async def test_they_are_begun_in_the_order_in_which_they_came(http: httpx2.AsyncClient) -> None:
    answered: list[int] = []

    async def ask(number: int) -> None:
        await http.get(f"/?number={number}&wait=1")
        answered.append(number)

    await asyncio.gather(*map(ask, range(ASKED)))

    assert answered == sorted(answered)


async def test_who_no_longer_waits_is_not_waited_for(http: httpx2.AsyncClient) -> None:
    asking = [asyncio.create_task(http.get(f"/?number={each}")) for each in range(ASKED)]
    await asyncio.sleep(SLOW * 3)
    for each in asking[10:50]:
        each.cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)

    kept = [answer.text for answer in answers if isinstance(answer, httpx2.Response)]
    assert kept[-10:] == [str(each) for each in range(50, ASKED)]
    assert (await http.get("/?number=1")).text == "1"

"""Schemathesis' documents, sent to a real server with every key of the demo and without one.

No answer is a 5xx, none says INTERNAL, and none holds a secret, somebody else's identifiers or
anything of how the server is made.
"""

import os
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.conftest import serving
from tests.fuzz.asking import Fuzzed
from tests.fuzz.documents import documents
from tests.fuzz.messages import messages

pytestmark = pytest.mark.repeats

FEW = 150
"""How many documents are drawn, the same each time, where all is tested."""

FEW_TALKS = 40
"""How many talks over a socket, of some messages each."""

ROUND = 300
"""How many in a round of a soak; each round has its own."""

SPOKEN = (
    ['{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { name } }"}}'],
    ['{"type": "subscribe", "id": "1", "payload": {"query": "{ nothing }"}}'],
    ["["],
)
"""What comes up whatever is drawn, so that each kind of answer is judged."""

WITHOUT = ("webhookTest",)
"""It sends to where a document says; where webhooks may lead is tested in test_webhooks."""


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with serving(tmp_path_factory.mktemp("fuzzed")) as server:
        fuzzed = Fuzzed(server)
        yield fuzzed
        fuzzed.close()


def fuzz(fuzzed: Fuzzed, count: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # data are changed meanwhile: what failed once need not again
        suppress_health_check=list(HealthCheck),
    )
    @given(documents(fuzzed.demo.pools(), *WITHOUT))
    def each(document: str) -> None:
        fuzzed.judge(document)

    each()


def test_no_document_finds_a_bug_or_a_secret(fuzzed: Fuzzed) -> None:
    fuzz(fuzzed, FEW, 1)
    assert {"answered", "GRAPHQL_VALIDATION_FAILED"} <= fuzzed.codes.keys()


def test_no_message_of_a_socket_finds_a_bug_or_a_secret(fuzzed: Fuzzed) -> None:
    for talk in SPOKEN:
        fuzzed.converse(talk)

    @seed(1)
    @settings(
        max_examples=FEW_TALKS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(messages(fuzzed.demo.pools(), *WITHOUT), min_size=1, max_size=4))
    def each(sent: list[str | bytes]) -> None:
        fuzzed.converse(sent)

    each()
    assert {"next", "error", "complete", "pong", "4400"} <= fuzzed.codes.keys()


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_no_document_finds_any_for_minutes(fuzzed: Fuzzed) -> None:
    end = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "300"))
    number = int(os.environ.get("SOAK_SEED", "2"))
    while time.monotonic() < end:
        fuzz(fuzzed, ROUND, number)
        number += 1
    told = f"\nanswers by outcome, up to seed {number - 1}: {dict(fuzzed.codes)}\n"
    sys.stderr.write(told)

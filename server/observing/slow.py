"""Operations that took too long: told in the log with what they loaded, and how it was found."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from server.logs import whereabouts
from server.observing import metrics
from server.observing.operations import Operation, Statement

Explain = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the database's plan of a statement, of which it is given the text and how many parameters
it has; their values are in neither."""

MOST_WAITING = 16
"""How many slow operations may wait for their plans: of more, none is asked for."""

MOST_PLANS = 128
"""Of how many statements the plans are kept."""

MOST_TOLD = 3
"""Of how many statements the text is told, and how many of its characters."""

LONGEST_TEXT = 2000

log = logging.getLogger(__name__)


class SlowOperations:
    """Tells of slow operations, after they were answered."""

    def __init__(self, seconds: float, explain: Explain | None = None) -> None:
        self.seconds = seconds
        self._explain = explain
        self._plans: OrderedDict[str, Sequence[str]] = OrderedDict()
        self._telling: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def tell(self, operation: Operation, seconds: float) -> None:
        """Tell of an operation, once the plan of what took longest in it is known."""
        metrics.slow_operations.inc()
        slowest = sorted(operation.statements.items(), key=_cost, reverse=True)
        if not slowest or self._explain is None or len(self._telling) >= MOST_WAITING:
            self._log(operation, seconds, slowest, [])
            return
        task = asyncio.create_task(self._explained(operation, seconds, slowest))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def close(self) -> None:
        """Tell of what is left."""
        await asyncio.gather(*self._telling)

    async def _explained(
        self, operation: Operation, seconds: float, slowest: Sequence[tuple[str, Statement]]
    ) -> None:
        text, statement = slowest[0]
        async with self._turn:
            if text not in self._plans:
                self._plans[text] = await self._plan(text, statement.parameters)
                if len(self._plans) > MOST_PLANS:
                    self._plans.popitem(last=False)
        self._log(operation, seconds, slowest, self._plans.get(text, []))

    async def _plan(self, text: str, parameters: int) -> Sequence[str]:
        assert self._explain is not None
        try:
            return await self._explain(text, parameters)
        except Exception as error:
            return [f"not known: {whereabouts(error)}"]

    def _log(
        self,
        operation: Operation,
        seconds: float,
        slowest: Sequence[tuple[str, Statement]],
        plan: Sequence[str],
    ) -> None:
        told = [
            {"seconds": round(each.seconds, 4), "count": each.count, "sql": text[:LONGEST_TEXT]}
            for text, each in slowest[:MOST_TOLD]
        ]
        log.warning(
            "A slow operation",
            extra={
                "request_id": operation.id,
                "operation": operation.name or None,
                "type": operation.kind or None,
                "outcome": operation.outcome,
                "seconds": round(seconds, 4),
                "loads": operation.loads,
                "statement_count": operation.statement_count,
                "statement_seconds": round(operation.statement_seconds, 4),
                "statements": told,
                "plan": list(plan),
            },
        )


def _cost(item: tuple[str, Statement]) -> float:
    return item[1].seconds

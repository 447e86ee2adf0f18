"""Plans of PostgreSQL: pages come from an index, out of the partition that they lie in alone."""

import json
import re
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from server.export.plan import Places, make_plan
from server.export.tables import Query
from server.partitions.tables import PARTITIONED
from server.records import RecordType
from tests.conftest import Api, opened
from tests.following import ADDED, following
from tests.partitioned import Laboratory, move, own_tables, run
from tests.warm_worker import ONE, recipe_of

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]

FIELDS = {
    RecordType.CONTINUOUS_RATINGS: "continuousRatings",
    RecordType.EVENTS: "events",
    RecordType.SYNC_METRICS: "syncMetrics",
    RecordType.SPARSE_RATINGS: "sparseRatings",
}
ORDERS = (
    "first: 50",
    "last: 50",
    "first: 50, orderBy: [{field: TIMESTAMP, direction: DESC}]",
    "first: 50, orderBy: [{field: ONSET, direction: ASC}]",
    "first: 50, orderBy: [{field: ONSET, direction: DESC}]",
    "first: 50, filter: {onset: {gte: 9000, lt: 9500}}, orderBy: [{field: ONSET, direction: ASC}]",
    'first: 50, filter: {timestamp: {gte: "2024-10-20T14:32:00.000Z"}}',
    "first: 50, after: $after",
)
LEVELS = {
    "experiment": "experiment(experimentId: $e) { %s }",
    "room": "room(roomId: $r) { %s }",
    "participants": "room(roomId: $r) { participants { nodes { %s } } }",
    "rooms": "experiment(experimentId: $e) { rooms { nodes { %s } } }",
}
TABLES = tuple(each.value.model.table_name() for each in PARTITIONED)
ANY = re.compile(rf"^({'|'.join(TABLES)})(_rest|_of_\d+)?$")

Asked = list[tuple[str, tuple[Any, ...]]]


class Explained:
    """A filled database whose large experiments have partitions, and what it plans to do."""

    def __init__(self, api: Api, laboratory: Laboratory, key: str, raw: Any) -> None:
        self.api, self.laboratory, self.key, self._raw = api, laboratory, key, raw
        self._names = {
            "$e": json.dumps(laboratory.large[0]["experiment_id"]),
            "$r": json.dumps(laboratory.rooms[0]["room_id"]),
        }

    def own(self, record_type: RecordType) -> str:
        return f"{record_type.value.model.table_name()}_of_{self.laboratory.large[0].key}"

    @contextmanager
    def asked(self) -> Generator[Asked]:
        """Collect what is read meanwhile, with its parameters."""
        found: Asked = []

        def note(_tx: Any, _cursor: Any, text: str, given: Any, *_: Any) -> None:
            found.append((text, tuple(given or ())))

        engine = self.api.db.reader.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            event.remove(engine, "before_cursor_execute", note)

    async def scans(self, text: str, given: Sequence[Any]) -> list[tuple[str, str]]:
        """Return how which tables of records are read: those that are not left out beforehand."""
        rows = await self._raw.fetch(f"EXPLAIN (FORMAT JSON) {text}", *given)
        return list(_scans(json.loads(rows[0][0])[0]["Plan"]))

    async def unknowing(self, text: str, given: Sequence[Any]) -> list[tuple[str, str]]:
        """Return the same of the plan that is kept for any parameters."""
        values = [
            "NULL" if each is None else f"'{str(each).replace(chr(39), '')}'" for each in given
        ]
        await self._raw.execute("SET plan_cache_mode = force_generic_plan")
        await self._raw.execute(f"PREPARE kept AS {text}")
        execute = f"kept({', '.join(values)})" if values else "kept"
        plan = await self._raw.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE {execute}")
        await self._raw.execute("DEALLOCATE kept")
        return list(_scans(json.loads(plan[0][0])[0]["Plan"]))

    async def ask(self, query: str) -> dict[str, Any]:
        for name, text in self._names.items():
            query = query.replace(name, text)
        return await self.api.ask(f"{{ {query} }}", self.key)

    async def page(self, query: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Ask; return the answer, and how the tables of records were read for it.

        Never from end to end, neither by the plan for these parameters nor by one for any.
        """
        with self.asked() as asked:
            data = await self.ask(query)
        found: list[tuple[str, str]] = []
        for text, parameters in asked:
            if any(name in text for name in TABLES):
                found += await self.scans(text, parameters)
                unknowing = await self.unknowing(text, parameters)
                assert "Seq Scan" not in {how for how, _ in (*found, *unknowing)}, text
        return data, found


def _scans(plan: dict[str, Any]) -> Generator[tuple[str, str]]:
    if ANY.match(plan.get("Relation Name", "")):
        yield plan["Node Type"], plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _scans(below)


@pytest.fixture(scope="module")
def module_url(postgres: Any) -> Generator[str]:
    with postgres.lent() as url:
        yield url


_filled: dict[str, Laboratory] = {}
"""Who is in the database of the module, once it is filled."""


@pytest.fixture
async def plans(module_url: str, tmp_path: Path) -> AsyncGenerator[Explained]:
    """Two large experiments with partitions of their own, and twenty small ones without."""
    url = make_url(module_url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with opened(tmp_path, database_url=module_url) as api:
        if (laboratory := _filled.get(module_url)) is None:
            laboratory = _filled[module_url] = Laboratory(large=2, small=20, rooms=2)
            await laboratory.save(api.db, many=1_500, few=50)
            await move(api.db, from_rows=5_000)
            assert len(await own_tables(api.db)) == 2 * len(PARTITIONED)
            await run(api.db, "ANALYZE")
        raw = await asyncpg.connect(url)
        await raw.execute("SET random_page_cost = 1.1")  # as our documentation advises
        yield Explained(api, laboratory, await api.key_of(laboratory.owner.key), raw)
        await raw.close()


async def test_no_page_reads_a_table_through_or_another_partition(plans: Explained) -> None:
    """Pages at three levels and of several places, as keys, orders and filters have it."""
    for record_type, field in FIELDS.items():
        for level, place in LEVELS.items():
            after = None
            for order in ORDERS:
                if "$after" in order and level.endswith("s"):
                    continue  # a cursor is of one place's list
                arguments = order.replace("$after", json.dumps(after))
                if level.endswith("s"):  # of so small tables, more pages are most of the table
                    arguments = arguments.replace("50", "3")
                page = (
                    f"{field}({arguments}) {{ totalCount pageInfo {{ endCursor }} nodes {{ id }} }}"
                )
                data, scans = await plans.page(place % page)
                after = after or _cursor(data, field)
                assert {table for _, table in scans} == {plans.own(record_type)}, (order, scans)


async def test_pages_of_small_experiments_lie_in_the_rest_and_nodes_are_found_by_keys(
    plans: Explained,
) -> None:
    place = 'experiment(experimentId: "%s") { %s }'
    small = plans.laboratory.small[0]["experiment_id"]
    data, scans = await plans.page(place % (small, "events(first: 5) { nodes { id } }"))
    assert {table for _, table in scans} == {"event_rest"}

    [node, *_] = data["experiment"]["events"]["nodes"]
    _, scans = await plans.page(f'node(id: "{node["id"]}") {{ id }}')
    assert {how for how, _ in scans} <= {"Index Scan", "Index Only Scan"}
    _, scans = await plans.page(
        "experiments(first: 22) { nodes { events(first: 2) { nodes { id } } } }"
    )
    assert scans


async def test_counts_are_read_off_tallies(plans: Explained) -> None:
    counts = " ".join(f"{field}(first: 1) {{ totalCount }}" for field in FIELDS.values())
    with plans.asked() as asked:
        await plans.ask(LEVELS["experiment"] % counts)
    counting = [text for text, _ in asked if "count(" in text.lower() or "sum(" in text.lower()]
    assert counting
    assert not [text for text in counting if any(f"FROM {name}" in text for name in TABLES)]


async def test_a_follower_reads_on_in_the_rooms_partition(plans: Explained) -> None:
    api, owner = plans.api, plans.laboratory.owner
    followed = {"room": plans.laboratory.rooms[0]["room_id"], "type": "EVENTS"}
    with plans.asked() as asked:
        async with following(api, owner, ADDED, **followed) as stream:
            cursor = (await stream.next())["cursor"]
        async with following(api, owner, ADDED, **followed, after=cursor) as stream:
            await stream.next()
    reading = [each for each in asked if " AS kept" in each[0]]
    assert reading
    for text, given in reading:
        scans = await plans.scans(text, given)
        assert {table for _, table in scans} == {plans.own(RecordType.EVENTS)}
        assert "Seq Scan" not in {how for how, _ in scans}


async def test_exports_read_by_an_index_what_lies_in_their_partitions(
    plans: Explained, tmp_path: Path
) -> None:
    laboratory = plans.laboratory
    for places in ({"experiments": laboratory.large[:1]}, {"rooms": laboratory.rooms[:2]}):
        recipe = await recipe_of(plans.api.db, packaging=ONE, types=[RecordType.EVENTS], **places)
        where = Places(plans.api.db.url, tmp_path / "spool", f"file://{tmp_path}")
        async with plans.api.db.read() as tx:
            plan = await make_plan(tx, recipe, where, name="1", key_prefix="exports/1")
        [table] = plan.records
        room = [laboratory.rooms[0].key]
        queries: list[Query] = [table.rows.among(room), table.counts, table.selected]
        for query in queries:
            scans = await plans.scans(query.sql, query.parameters)
            assert {name for _, name in scans} == {plans.own(RecordType.EVENTS)}, query.sql
        [(how, _)] = await plans.scans(queries[0].sql, queries[0].parameters)
        assert "Index" in how
        assert table.tallied is not None
        *told, _ = await plans.scans(table.tallied.sql, table.tallied.parameters)
        assert "Seq Scan" not in {how for how, _ in told}  # the last counts, for old snapshots


def _cursor(data: dict[str, Any], field: str) -> str:
    """Return the end of the first page in an answer, wherever it is."""
    for name, value in data.items():
        if name == field:
            return str(value["pageInfo"]["endCursor"])
        if isinstance(value, dict):
            below = value["nodes"][0] if "nodes" in value else value
            return _cursor(below, field)
    raise AssertionError

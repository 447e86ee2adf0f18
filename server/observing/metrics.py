"""The figures of a process, for Prometheus: what is counted, and under which names.

Every label has few values: what clients may choose freely, such as names of operations, is
counted by its own name only as long as there are few of them.
"""

from prometheus_client import Counter, Gauge, Histogram

from server.observing.tallies import Count, Spread

MOST_NAMES = 100
"""How many operations are counted by their names: those that come after are one, OTHER."""

UNNAMED, INVALID, OTHER = "(unnamed)", "(invalid)", "(other)"
"""What stands for a name; no operation can be called like this."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SOURCES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

_requests = Counter(
    "hyperdata_http_requests",
    "Requests that were answered, by route, method and status.",
    ("route", "method", "status"),
)
_operations = Counter(
    "hyperdata_operations",
    "GraphQL operations that ended, by name, type and outcome: OK, or the code of an error.",
    ("operation", "type", "outcome"),
)
_operation_seconds = Histogram(
    "hyperdata_operation_seconds",
    "How long queries and mutations took, by name.",
    ("operation", "type"),
    buckets=_SECONDS,
)
_batch_sizes = Histogram(
    "hyperdata_loader_batch_size",
    "For how many sources at once a field was loaded.",
    buckets=_SOURCES,
)
_statement_seconds = Histogram(
    "hyperdata_sql_statement_seconds",
    "How long statements took, by the kind of connection.",
    ("connection",),
    buckets=_SECONDS,
)
subscribers = Gauge(
    "hyperdata_subscribers", "Subscriptions that are being followed.", multiprocess_mode="livesum"
)
sockets = Gauge("hyperdata_websockets", "Websockets that are open.", multiprocess_mode="livesum")
slow_operations = Counter(
    "hyperdata_slow_operations", "Operations that took longer than HYPERDATA_SLOW_SECONDS."
)
_replica_queries = Counter(
    "hyperdata_replica_queries",
    "Queries of a server that has a replica: answered by it, or by the database itself, because it "
    "was behind, away, or left alone for a second after that.",
    ("outcome",),
)

read_seconds = Spread(_statement_seconds.labels("read"), _SECONDS).add
write_seconds = Spread(_statement_seconds.labels("write"), _SECONDS).add
batch_size = Spread(_batch_sizes, _SOURCES).add

_named: set[str] = set()
_kept: dict[tuple[str, ...], tuple[Count, Spread | None]] = {}
_answers: dict[tuple[str, str, str], Count] = {}


def _counted_as(name: str) -> str:
    if name in _named or name in (UNNAMED, INVALID):
        return name
    if len(_named) >= MOST_NAMES:
        return OTHER
    _named.add(name)
    return name


def operation_ended(name: str, kind: str, outcome: str, seconds: float) -> None:
    """Count an operation; one that is followed takes as long as somebody likes."""
    if (kept := _kept.get((name, kind, outcome))) is None:
        kept = _tallies(_counted_as(name), kind, outcome)
    count, spread = kept
    count.add()
    if spread is not None:
        spread.add(seconds)


def _tallies(name: str, kind: str, outcome: str) -> tuple[Count, Spread | None]:
    """Return how operations are counted that are alike: of one name, or of all that have none."""
    if (kept := _kept.get((name, kind, outcome))) is None:
        timed = kind in ("query", "mutation")
        kept = _kept[name, kind, outcome] = (
            Count(_operations.labels(name, kind, outcome)),
            Spread(_operation_seconds.labels(name, kind), _SECONDS) if timed else None,
        )
    return kept


def request_answered(route: str, method: str, status: str) -> None:
    """Count a request."""
    if (count := _answers.get((route, method, status))) is None:
        count = _answers[route, method, status] = Count(_requests.labels(route, method, status))
    count.add()


def replica_queries(outcome: str) -> None:
    """Count a query that might be read from a replica."""
    _replica_queries.labels(outcome).inc()

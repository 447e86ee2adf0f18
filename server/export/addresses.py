"""How a worker reaches the database that the server reaches by an SQLAlchemy URL."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from sqlalchemy.engine import URL

_ALSO = {
    "ssl": "sslmode",
    **{
        name: name
        for name in ("passfile", "service", "target_session_attrs", "krbsrvname", "gsslib")
    },
}
"""What asyncpg takes in a URL's query, beside hosts and ports, as libpq calls it."""

_ALWAYS = {"application_name": "hyperdata export", "connect_timeout": "60"}


def database_uri(url: URL) -> str:
    """Return the address of a database for a worker; a secret, as it may hold a password."""
    return _of_server(url) if url.get_backend_name() == "postgresql" else _of_file(url)


def _of_file(url: URL) -> str:
    """Return the address of an SQLite file for reading only: else ADBC may delete its WAL."""
    assert url.database is not None
    return f"{Path(url.database).absolute().as_uri()}?mode=ro"


def _of_server(url: URL) -> str:
    """Return libpq's address of a PostgreSQL database: all of it in the query, even the host."""
    query = url.normalized_query
    hosts, ports = zip(*_hosts(url), strict=True)
    asked = {
        "host": ",".join(hosts),
        "port": ",".join(ports),
        "dbname": url.database,
        "user": url.username,
        "password": None if url.password is None else str(url.password),
        **{name: query[ours][-1] for ours, name in _ALSO.items() if ours in query},
    }
    given = {name: value for name, value in asked.items() if value and value.strip(",")}
    return f"postgresql://?{urlencode(given | _ALWAYS, quote_via=quote, safe='')}"


def _hosts(url: URL) -> Iterator[tuple[str, str]]:
    """Yield hosts or folders of sockets, each with its port, empty if none is named.

    Many may be named as `?host=a,b&port=1,2` or `?host=a:1&host=b:2`, as SQLAlchemy has it.
    """
    query = url.normalized_query
    if "host" not in query:
        yield url.host or "", str(url.port or "")
        return
    hosts = [host for each in query["host"] for host in each.split(",")]
    ports = [port for each in query.get("port", ()) for port in each.split(",")]
    if not ports and url.port:
        ports = [str(url.port)]
    for number, host in enumerate(hosts):
        if ports:
            yield host, ports[min(number, len(ports) - 1)]
        elif host.startswith("/"):
            yield host, ""
        else:
            name, _, port = host.partition(":")
            yield name, port

"""The command line. What a command needs is imported when it runs, so that `--help` is instant."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from server.commands.export import export
from server.commands.probe import probe
from server.commands.verify import verify
from server.loading import loading
from server.operating.commands import grants, keys, users
from server.settings import Settings

app = typer.Typer(
    help="Keeps the data of multi-participant online experiments, and serves it over GraphQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

audit = typer.Typer(help="The audit log: whether it is whole, and as a file.", no_args_is_help=True)
app.add_typer(audit, name="audit")
receipt = typer.Typer(help="Receipts of erasures: whether they hold.", no_args_is_help=True)
app.add_typer(receipt, name="receipt")
documents = typer.Typer(
    help="Persisted documents: whether the server would execute them.", no_args_is_help=True
)
app.add_typer(documents, name="documents")
app.command()(export)
app.command()(verify)
app.command()(probe)
app.add_typer(users, name="users")
app.add_typer(keys, name="keys")
app.add_typer(grants, name="grants")

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]
InsecureHttp = Annotated[
    bool,
    typer.Option(
        "--insecure-http",
        help="Let other machines reach it without https: in a network that is trusted.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the embedded database and the files; HYPERDATA_DATA_DIR."),
]


def settings_for(data_dir: Path | None) -> Settings:
    """Return the environment's settings, the data folder taken from the command line if given."""
    return Settings() if data_dir is None else Settings(data_dir=data_dir)


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: DataDir = None,
    insecure_http: InsecureHttp = False,  # noqa: FBT002 - a flag
    workers: Annotated[
        int,
        typer.Option(help="How many processes serve, on PostgreSQL; SIGHUP renews all.", min=1),
    ] = 1,
) -> None:
    """Serve the API, the pages and the files."""
    if workers > 1:
        from server.supervising import run as supervise

        supervise(settings_for(data_dir), host, port, workers, insecure_http=insecure_http)
        return
    with loading():
        from server.serving import run

    run(settings_for(data_dir), host, port, insecure_http=insecure_http)


@app.command()
def worker(
    data_dir: DataDir = None,
    exports: Annotated[
        int | None,
        typer.Option(
            help="How many exports it writes at once; HYPERDATA_EXPORT_WORKERS, or one.", min=1
        ),
    ] = None,
) -> None:
    """Write exports and do what is due, such as schedules and retention, and answer nobody."""
    with loading():
        from server.working import run

    settings = settings_for(data_dir)
    at_once = exports or max(settings.export_workers, 1)
    run(settings.model_copy(update={"export_workers": at_once}))


@app.command()
def doctor(
    host: Host = "127.0.0.1",
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,  # noqa: FBT002 - a flag
    insecure_http: InsecureHttp = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what is wrong with the configuration, and what to do; end with 1 if something is."""
    from server.doctor.command import run

    raise SystemExit(run(data_dir, host, as_json=as_json, insecure_http=insecure_http))


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema."""
    with loading():
        from server.db import Database
        from server.migrate import migrate as bring_up_to_date

    async def upgrade() -> bool:
        settings = settings_for(data_dir)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        db = Database(settings.database)
        try:
            return await bring_up_to_date(db)
        finally:
            await db.close()

    typer.echo("Migrated." if asyncio.run(upgrade()) else "Nothing to do.")


@app.command(name="sign-in")
def sign_in(
    user_id: Annotated[str, typer.Argument(help="The account, `usr_…`.")],
    url: Annotated[
        str | None,
        typer.Option(help="Where browsers reach the server; HYPERDATA_PUBLIC_URL."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a link that signs an account in, once, within five minutes."""
    with loading():
        from server.sign_in.command import run

    raise SystemExit(run(settings_for(data_dir), user_id, url))


@audit.command(name="verify")
def audit_verify(
    expect: Annotated[
        str | None,
        typer.Option(help="The newest hash of an earlier time, kept elsewhere: it must be there."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Follow the chain of hashes, name the first entry that does not fit, and end with 1 then."""
    from server.auditing.command import verify

    raise SystemExit(verify(settings_for(data_dir), expect))


@audit.command(name="export")
def audit_export(
    file: Annotated[Path, typer.Argument(help="A new file; `-` is standard output.")],
    since: Annotated[
        str | None, typer.Option(help="Only from then on, such as 2026-01-01T00:00:00Z.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Only about this experiment, `exp_…`.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write the audit log as NDJSON: an entry a line, the oldest first."""
    from server.auditing.command import export

    raise SystemExit(export(settings_for(data_dir), file, since, experiment))


@receipt.command(name="verify")
def receipt_verify(
    file: Annotated[Path, typer.Argument(help="What an erasure's `receipt` says, as a file.")],
    data_dir: DataDir = None,
) -> None:
    """Say whether this server signed a receipt, and it is unchanged; end with 1 if not."""
    from server.erasure.command import verify

    raise SystemExit(verify(settings_for(data_dir), file))


@documents.command(name="check")
def documents_check(
    file: Annotated[
        Path | None,
        typer.Argument(help="A JSON file, from id to text; HYPERDATA_DOCUMENTS_FILE if left out."),
    ] = None,
) -> None:
    """Say what is wrong with each of a file of documents; end with 1 if anything is."""
    from server.operating.documents import check

    check(file)


@app.command()
def copy(
    from_: Annotated[
        str, typer.Option("--from", help="Database to copy, such as sqlite+aiosqlite:///….")
    ],
    to: Annotated[
        str,
        typer.Option(help="Empty database to copy into, such as postgresql+asyncpg://…."),
    ],
    from_storage: Annotated[
        str | None, typer.Option(help="Store of files to copy, too, such as file:///….")
    ] = None,
    to_storage: Annotated[
        str | None, typer.Option(help="Store to copy them into, such as s3://bucket/folder.")
    ] = None,
) -> None:
    """Copy all data into another database, and compare both; run again, it goes on."""
    from server.copying.command import Ends, run

    raise SystemExit(run(Settings(), Ends(from_, to, from_storage, to_storage)))


@app.command()
def backup(
    folder: Annotated[
        Path, typer.Argument(help="Folder of snapshots, to which one is added: on another disk.")
    ],
    data_dir: DataDir = None,
    keep: Annotated[
        int | None, typer.Option(help="Remove all but so many snapshots afterwards.", min=1)
    ] = None,
    verify: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--verify", help="Make none: read the newest, or the one named, whole.")
    ] = False,
) -> None:
    """Copy the embedded database and its files, while they are served; or check a copy."""
    from server.backups.command import check, make

    if verify:
        raise SystemExit(check(folder))
    raise SystemExit(make(settings_for(data_dir), folder, keep))


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A snapshot, or a folder of them: the newest.")],
    data_dir: DataDir = None,
) -> None:
    """Make a new data folder of a backup, whole or not at all."""
    from server.backups.command import bring_back

    raise SystemExit(bring_back(settings_for(data_dir), folder))


@app.command(name="import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            help="An export of ours (ZIP, folder, JSON document), a HyperStudy download, a BIDS "
            "dataset or one of its events files, or a CSV with a mapping."
        ),
    ],
    data_dir: DataDir = None,
    owner: Annotated[
        str | None,
        typer.Option(help="Account whose it will be, `usr_…`; the only researcher's by default."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", help="What it is, if that is not seen: export, hyperstudy, bids, table."
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="Which column of a table is which field: a file of TOML or JSON."),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(help="Experiment that all of it is for, `exp_…`; made if it is not there."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Time zero of rooms of which nothing tells it, 2026-03-01T09:00:00."),
    ] = None,
    time_zone: Annotated[
        str, typer.Option(help="Of moments that name none, such as Europe/Berlin.")
    ] = "UTC",
    report: Annotated[
        Path | None, typer.Option(help="File for what is refused, a record a line.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Check everything, and import nothing.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Import an export of ours, all of it or nothing; or data from elsewhere, record by record."""
    with loading():
        from server.importing.asking import Asked
        from server.importing.command import run

    asked = Asked(path, format_, mapping, report, owner, into, start, time_zone, dry_run)
    raise SystemExit(run(settings_for(data_dir), asked))


@app.command()
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: Annotated[Path, typer.Option(help="Folder of the demo data.")] = Path("demo-data"),
    scale: Annotated[
        int, typer.Option(help="How many times as much data; applies when it is made.", min=1)
    ] = 1,
    serve: Annotated[bool, typer.Option(help="Serve it, or only make it.")] = True,  # noqa: FBT002 - a flag
    insecure_http: InsecureHttp = False,  # noqa: FBT002 - a flag
) -> None:
    """Make demo data, the first time, and serve it."""
    with loading():
        from rich.console import Console

        from server.demo.keys import NotADemo, demo_keys
        from server.pages import MISSING, built
        from server.serving import refuse_unsafe, run
        from server.sign_in.command import link_for

    console = Console(highlight=False, soft_wrap=True)
    settings = settings_for(data_dir)
    if serve:
        refuse_unsafe(settings, host, insecure_http=insecure_http)
    try:
        with console.status("Making demo data …"):
            keys = asyncio.run(demo_keys(settings, scale))
    except NotADemo as refusal:
        raise SystemExit(str(refusal)) from refusal
    if not serve:
        return
    address = f"http://{host}:{port}"
    console.print(f"Dashboard {address}/#key={keys['owner']}")
    console.print(f"GraphiQL  {address}/graphiql#key={keys['owner']}")
    console.print(
        f"Sign in   {asyncio.run(link_for(settings, 'usr_owner', address))}  (works once)"
    )
    console.print(f"API       {address}/graphql")
    console.print(f"API key   {keys['owner']}  (of the owner; all four: {data_dir}/demo-keys.json)")
    if not built():
        console.print(MISSING.strip(), style="yellow")
    run(settings, host, port, insecure_http=insecure_http)

"""`hyperdata users`, `keys` and `grants`: what can be typed. The rest is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

users = typer.Typer(help="Accounts: list, make, close.", no_args_is_help=True)
keys = typer.Typer(help="API keys: list, make, revoke.", no_args_is_help=True)
grants = typer.Typer(
    help="What is shared of experiments: list, grant, take back.", no_args_is_help=True
)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the embedded database and the files; HYPERDATA_DATA_DIR."),
]
Reason = Annotated[str | None, typer.Option(help="Why, for the audit log.")]
UserId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, `usr_…`.")]
OfUser = Annotated[
    str | None, typer.Option("--user", metavar="ACCOUNT", help="Only of this account, `usr_…`.")
]
ExperimentId = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="The experiment, `exp_…`.")]
Grantee = Annotated[
    str, typer.Argument(metavar="ACCOUNT|GROUP", help="With whom, `usr_…` or `grp_…`.")
]


@users.command("list")
def list_users(data_dir: DataDir = None) -> None:
    """List all accounts."""
    from server.operating.users import show

    show(data_dir)


@users.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="The name people know the account by.")],
    role: Annotated[
        str, typer.Option(help="researcher, administrator or participant.")
    ] = "researcher",
    email: Annotated[str | None, typer.Option(help="Address for notices and for sign-in.")] = None,
    participant_id: Annotated[
        str | None, typer.Option(help="The participant whose own data the account may see.")
    ] = None,
    reason: Reason = None,
    data_dir: DataDir = None,
) -> None:
    """Make an account, and print its id."""
    from server.operating.users import make

    make(data_dir, name, role, email, participant_id, reason)


@users.command("close")
def close_user(user_id: UserId, reason: Reason = None, data_dir: DataDir = None) -> None:
    """Close an account: nobody signs in with it any more, and its keys open nothing."""
    from server.operating.users import close

    close(data_dir, user_id, reason)


@keys.command("list")
def list_keys(user: OfUser = None, data_dir: DataDir = None) -> None:
    """List the keys of all accounts, or of one, the newest first."""
    from server.operating.keys import show

    show(data_dir, user)


@keys.command("create")
def create_key(
    user_id: UserId,
    name: Annotated[str, typer.Option(help="What to call it.")],
    scope: Annotated[
        list[str], typer.Option(help="What it allows, such as read:events, read:* or *; repeat.")
    ],
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    expires: Annotated[str, typer.Option(help="7d, 30d, 90d, 1y or never.")] = "90d",
    experiment: Annotated[
        list[str] | None,
        typer.Option("--experiment", "-e", metavar="ID", help="Only for this experiment; repeat."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Where people reach the server; HYPERDATA_PUBLIC_URL."),
    ] = None,
    reason: Reason = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it, this once, as the text of a `.env` file."""
    from server.operating.keys import Typed, create

    create(data_dir, user_id, Typed(name, description, scope, expires, experiment), url, reason)


@keys.command("revoke")
def revoke_key(
    prefix: Annotated[
        str, typer.Argument(metavar="PREFIX", help="How the key begins, as `keys list` shows it.")
    ],
    user: OfUser = None,
    reason: Reason = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke a key: from now on it opens nothing, in every server."""
    from server.operating.keys import revoke

    revoke(data_dir, prefix, user, reason)


@grants.command("list")
def list_grants(
    experiment: Annotated[
        str | None, typer.Option("--experiment", "-e", metavar="ID", help="Only of this one.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """List what is shared, of all experiments or of one."""
    from server.operating.grants import show

    show(data_dir, experiment)


@grants.command("add")
def add_grant(
    experiment_id: ExperimentId,
    to: Grantee,
    *,
    export: Annotated[
        bool, typer.Option("--export", help="The data may be taken away in files.")
    ] = False,
    data_type: Annotated[
        list[str] | None,
        typer.Option(
            "--type", "-t", metavar="TYPE", help="Only this data type, such as events; repeat."
        ),
    ] = None,
    anonymization: Annotated[
        str, typer.Option(metavar="LEVEL", help="keep, remove-identifiers or aggregate-only.")
    ] = "remove-identifiers",
    until: Annotated[
        str | None, typer.Option(help="When it ends, such as 2027-03-31T00:00:00Z.")
    ] = None,
    reason: Reason = None,
    data_dir: DataDir = None,
) -> None:
    """Share an experiment, or change what is shared with the same account or group."""
    from server.operating.grants import Typed, grant

    grant(data_dir, experiment_id, to, Typed(export, data_type, anonymization, until), reason)


@grants.command("revoke")
def revoke_grant(
    experiment_id: ExperimentId, to: Grantee, reason: Reason = None, data_dir: DataDir = None
) -> None:
    """Take back what is shared with an account or a group."""
    from server.operating.grants import revoke

    revoke(data_dir, experiment_id, to, reason)

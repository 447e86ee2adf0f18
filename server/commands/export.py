"""`hyperdata export`: what can be typed. What it takes to run is imported when it runs."""

from pathlib import Path
from typing import Annotated, Any

import typer

_WHAT, _HOW, _WHERE, _AGAIN = "What to export", "How", "Server and file", "Repeating, going on"


def _option(panel: str, *names: str, **described: Any) -> Any:  # noqa: ANN401 - as Typer's
    return typer.Option(*names, rich_help_panel=panel, **described)


def export(
    *,
    experiment: Annotated[
        list[str] | None,
        _option(_WHAT, "--experiment", "-e", metavar="ID", help="An experiment, all of it."),
    ] = None,
    room: Annotated[
        list[str] | None, _option(_WHAT, "--room", "-r", metavar="ID", help="A room, all of it.")
    ] = None,
    participant: Annotated[
        list[str] | None, _option(_WHAT, metavar="ROOM:PERSON", help="A person's part in a room.")
    ] = None,
    data_type: Annotated[
        list[str] | None,
        _option(
            _WHAT,
            "--type",
            "-t",
            metavar="TYPE",
            help="Such as events or chat-messages; all of them when left out.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        _option(_WHAT, metavar="TYPE:COLUMN,…", help="Only these, such as events:onset,content."),
    ] = None,
    data_filter: Annotated[
        str | None,
        _option(
            _WHAT,
            "--filter",
            metavar="FILE|JSON",
            help="Which records: the API's DataFilter, as JSON or in a file.",
        ),
    ] = None,
    since: Annotated[
        str | None, _option(_WHAT, metavar="ID", help="Only what came after that export.")
    ] = None,
    file_format: Annotated[
        str | None,
        _option(_HOW, "--format", help="csv, the default; tsv, json, ndjson or parquet."),
    ] = None,
    single: Annotated[
        bool | None, _option(_HOW, "--single/--zip", help="One file, or several in a ZIP.")
    ] = None,
    anonymization: Annotated[
        str | None,
        _option(
            _HOW,
            metavar="LEVEL",
            help="remove-identifiers, the default; keep or aggregate-only.",
        ),
    ] = None,
    media: Annotated[
        bool, _option(_HOW, "--media", help="With the recorded video and audio.")
    ] = False,
    excel_bom: Annotated[
        bool, _option(_HOW, "--excel-bom", help="CSV that Excel takes for UTF-8.")
    ] = False,
    formula_guard: Annotated[
        bool | None,
        _option(
            _HOW,
            "--formula-guard/--no-formula-guard",
            help="A quote before texts that a spreadsheet would take for formulas.",
        ),
    ] = None,
    shift_times: Annotated[
        bool, _option(_HOW, "--shift-times", help="Move all times of a room by a secret amount.")
    ] = False,
    reason: Annotated[
        str | None, _option(_HOW, metavar="TEXT", help="Why, for the server's record.")
    ] = None,
    url: Annotated[
        str, _option(_WHERE, envvar="HYPERDATA_URL", help="Address of the server.")
    ] = "http://127.0.0.1:8000",
    key: Annotated[
        str,
        _option(
            _WHERE,
            envvar="HYPERDATA_API_KEY",
            show_default=False,
            help="API key: better in the environment, where `ps` and the history do not show it.",
        ),
    ] = "",
    output: Annotated[
        Path | None,
        _option(_WHERE, "--output", "-o", help="File, or folder; this one when left out."),
    ] = None,
    overwrite: Annotated[
        bool, _option(_WHERE, "--overwrite", help="Replace the file if it is there.")
    ] = False,
    estimate: Annotated[
        bool, _option(_WHERE, "--estimate", help="Only say what the export would hold.")
    ] = False,
    recipe: Annotated[
        Path | None,
        _option(
            _AGAIN,
            metavar="FILE",
            help="Repeat the export that this ZIP, metadata.json or manifest tells of.",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        _option(_AGAIN, metavar="FILE", help="Go on with FILE.part; needs no other option."),
    ] = None,
    fresh: Annotated[
        bool, _option(_AGAIN, "--fresh", help="Begin anew, whatever was begun before.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say the outcome as JSON.")] = False,
) -> None:
    """Have a server export data, watch it, and download the file.

    A command that was interrupted, or lost its server, goes on where it stopped when it is run
    again.
    """
    from server.commands.exporting import Order, carry_out

    selection = {
        "experiments": experiment or (),
        "rooms": room or (),
        "participants": participant or (),
        "types": data_type or (),
        "columns": columns or (),
        "filter_": data_filter,
        "since": since,
        "format_": file_format,
        "single": single,
        "anonymization": anonymization,
        "includeMedia": media or None,
        "excelBom": excel_bom or None,
        "formulaGuard": formula_guard,
        "shiftTimes": shift_times or None,
    }
    order = Order(
        url=url,
        key=key,
        selection={name: value for name, value in selection.items() if value not in (None, ())},
        reason=reason,
        output=output,
        overwrite=overwrite,
        estimate=estimate,
        recipe=recipe,
        resume=resume,
        fresh=fresh,
    )
    raise typer.Exit(carry_out(order, quiet=quiet, as_json=as_json))

"""`hyperdata documents check`: whether the server would execute each of a file of documents."""

from pathlib import Path

import typer

from server.persisted import UnreadableDocuments, written
from server.schema import schema
from server.settings import Settings


def check(file: Path | None) -> None:
    """Say of each document what is wrong with it; ends with 1 if anything is."""
    file = file or Settings().documents_file
    if file is None:
        raise typer.BadParameter("Name a file, or set HYPERDATA_DOCUMENTS_FILE.")
    try:
        documents = written(file)
    except UnreadableDocuments as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    wrong = {id_: told for id_, text in documents.items() if (told := schema.fault(text))}
    for id_, told in wrong.items():
        typer.echo(f"{id_}: {told}", err=True)
    if wrong:
        raise typer.Exit(1)
    typer.echo(f"All {len(documents):,} documents are valid.")

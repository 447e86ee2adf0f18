"""`python -m server` is `hyperdata`."""

from server.cli import app

app()

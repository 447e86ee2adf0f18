"""The media of an export: which files of the store belong to the selected recordings."""

from sqlalchemy import select
from sqlmodel import col

from server.export.recipe import Recipe, selected
from server.export.statements import Dialect
from server.export.tables import Query
from server.records import RecordType
from server.records.recordings import Recording


def media(dialect: Dialect, recipe: Recipe) -> Query | None:
    """Describe the files of the selected recordings; None if no recordings are asked for.

    experiment key, room key, participant key, recording id, storage key
    """
    name = RecordType.RECORDINGS.name
    if name not in recipe.data_types:
        return None
    files = (
        select(
            col(Recording.experiment_key),
            col(Recording.room_key),
            col(Recording.participant_key),
            col(Recording.recording_id),
            col(Recording.storage_key),
        )
        .where(*selected(recipe, name), col(Recording.storage_key).is_not(None))
        .order_by(col(Recording.room_key), col(Recording.timestamp), col(Recording.id))
    )
    return dialect.compiled(files)

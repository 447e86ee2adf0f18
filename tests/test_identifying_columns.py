"""How a column can tell who a person is was thought over for each of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Float, Integer, inspect

from server.db import Table
from server.records import RecordType
from server.records.columns import Identifies, Summarized
from server.records.experiments import Experiment, ExperimentBase
from server.records.participants import Participant, ParticipantBase, Pseudonym, PseudonymBase
from server.records.rooms import Room, RoomBase

TABLES: list[tuple[type[Table], Any]] = [
    (Experiment, ExperimentBase),
    (Room, RoomBase),
    (Participant, ParticipantBase),
    (Pseudonym, PseudonymBase),
    *((each.value.model, each.value.base) for each in RecordType),
]

IDS = {
    *("experiment_id", "room_id", "event_id", "recording_id", "message_id", "rating_id"),
    *("metric_id", "component_id", "state_id", "stimulus_id"),
}
"""What programs call things by: ids of people within them become codes, and that is enough."""

WORDS_OF_PROGRAMS = {
    *("event_type", "category", "component_type", "participant_role", "role", "roles", "kind"),
    *("format", "resolution", "status", "message_type", "dimension", "completion_code", "code"),
    "fields_not_collected",
}
"""What is said in words that researchers or programs choose from: many share each of them."""


def columns() -> Iterator[Any]:
    for model, base in TABLES:
        for name in base.model_fields:
            yield pytest.param(inspect(model).columns[name], id=f"{model.__name__}.{name}")


@pytest.mark.parametrize("column", list(columns()))
def test_text_that_people_or_designers_write_freely_is_declared(column: Any) -> None:
    how = column.info["identifies"]
    assert how is None or isinstance(how, Identifies)
    if isinstance(column.type, Boolean | Integer | BigInteger | Float):
        assert how is None
    elif how is None:
        assert column.key in IDS | WORDS_OF_PROGRAMS, "think how it can tell who a person is"
    else:
        assert column.key not in IDS | WORDS_OF_PROGRAMS


@pytest.mark.parametrize("column", list(columns()))
def test_what_is_counted_by_its_values_tells_of_nobody(column: Any) -> None:
    if column.info["summarized"] in (Summarized.AS_CATEGORIES, Summarized.BY_COMPONENT):
        assert column.info["identifies"] is None


def test_every_part_of_a_person_is_declared() -> None:
    person = inspect(Participant).columns
    assert {
        name: person[name].info["identifies"]
        for name in ("participant_id", "email", "ip_address", "user_agent")
    } == {
        "participant_id": Identifies.DIRECTLY,
        "email": Identifies.DIRECTLY,
        "ip_address": Identifies.DIRECTLY,
        "user_agent": Identifies.IN_PART,
    }

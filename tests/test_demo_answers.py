"""What people of the demo data say: answers of every kind, and texts that break careless files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.demo_data import FILM, rows


def test_answers_are_of_every_kind_that_json_has(demo: Path) -> None:
    answers = [
        None if row[0] is None else json.loads(row[0])
        for row in rows(demo, "SELECT value FROM sparse_rating")
    ]
    kinds = {type(answer) for answer in answers}
    assert kinds >= {int, float, str, list, dict, type(None)}


def test_some_questions_are_not_answered_in_time(demo: Path) -> None:
    late = rows(demo, "SELECT * FROM sparse_rating WHERE timed_out")
    assert 3 <= len(late) < 0.3 * rows(demo, "SELECT count(*) FROM sparse_rating")[0][0]
    assert all(row["value"] is None and row["submitted"] == 0 for row in late)
    assert {row["interacted"] for row in late} == {0, 1}
    assert all(row["response_time"] is None for row in late)


def texts(demo: Path) -> list[str]:
    return [row[0] for row in rows(demo, "SELECT content FROM chat_message")]


@pytest.mark.parametrize(
    "holds",
    [
        r"^=",
        r"^-",
        r"^@",
        '"',
        "'",
        ",",
        "\n",
        "\r",
        "\t",
        "👩‍👩‍👧‍👦",
        "日本語",
        "עברית",
        r"^ ",
        "<b>",
    ],
)
def test_chat_holds_what_breaks_careless_files(demo: Path, holds: str) -> None:
    assert any(re.search(holds, text) for text in texts(demo))


def test_chat_messages_are_their_senders_and_have_an_event_each(demo: Path) -> None:
    strangers = rows(
        demo,
        """SELECT m.id FROM chat_message m JOIN participant p ON p.id = m.participant_key
        WHERE p.participant_id IS NOT m.sender_id""",
    )
    assert not strangers
    events = rows(demo, "SELECT content FROM event WHERE event_type = 'communication.message'")
    assert sorted(row[0] for row in events) == sorted(texts(demo))
    recipients = rows(demo, "SELECT DISTINCT recipient_ids FROM chat_message")
    assert "[]" in {row[0] for row in recipients}
    assert len(recipients) > 1


def test_a_participants_email_is_in_a_chat_message_and_in_a_json_answer(demo: Path) -> None:
    emails = {row[0] for row in rows(demo, "SELECT email FROM participant WHERE email IS NOT NULL")}
    answers = [r[0] for r in rows(demo, "SELECT response FROM event WHERE response IS NOT NULL")]
    assert any(email in text for email in emails for text in texts(demo))
    nested = [json.loads(answer)["value"] for answer in answers if "@" in answer]
    assert nested
    assert all(value["email"] in emails for value in nested)


def test_components_keep_their_setup_and_variables_as_json(demo: Path) -> None:
    shown = rows(demo, "SELECT * FROM component WHERE state_id IS NOT NULL")
    ids: set[str] = {row[0] for row in rows(demo, "SELECT participant_id FROM participant")}
    variables: list[dict[str, Any]] = [json.loads(row["variables"]) for row in shown]
    assert all(isinstance(json.loads(row["config"]), dict) for row in shown)
    assert {partner for each in variables for partner in each["partnerIds"]} <= ids
    assert any(each["partnerIds"] for each in variables)
    film = [row for row in shown if row["component_id"] == FILM]
    assert {row["completed"] for row in film} == {0, 1}

"""The people of the demo data: who they are, when they come and go, who shares what."""

import re
from pathlib import Path

from tests.demo_data import DYADS, TABLES, filled, rows


def test_every_participant_consents_and_passes_before_time_zero(demo: Path) -> None:
    for event_type in (
        "consent.accepted",
        "instructions.page_view",
        "instructions.comprehension_attempt",
        "instructions.comprehension_passed",
    ):
        without = rows(
            demo,
            """SELECT id FROM participant WHERE id NOT IN
            (SELECT participant_key FROM event WHERE event_type = ? AND onset < 0)""",
            event_type,
        )
        assert not without
    assert not rows(
        demo,
        """SELECT x.id FROM event x JOIN participant p ON p.id = x.participant_key
        WHERE x.timestamp < p.joined_at""",
    )


def test_addresses_are_reserved_ones_and_not_everyone_left_theirs(demo: Path) -> None:
    people = rows(demo, "SELECT email, ip_address, user_agent FROM participant")
    for column, form in (
        ("email", r"[\w.]+@example\.org"),
        ("ip_address", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("user_agent", r"Mozilla/5\.0 .+"),
    ):
        found = [row[column] for row in people]
        assert None in found
        assert all(re.fullmatch(form, each) for each in found if each is not None)


def test_one_person_was_in_two_rooms_and_has_an_account(tmp_path: Path) -> None:
    people = filled(tmp_path)
    twice = rows(
        tmp_path,
        """SELECT participant_id, count(DISTINCT room_key) AS rooms, count(DISTINCT role) AS roles,
        experiment_key FROM participant GROUP BY participant_id HAVING count(*) > 1""",
    )
    assert [(row["rooms"], row["roles"]) for row in twice] == [(2, 2)]
    account = rows(tmp_path, 'SELECT * FROM "user" WHERE id = ?', people.participant)[0]
    assert account["participant_id"] == twice[0]["participant_id"]
    experiment = rows(
        tmp_path, "SELECT * FROM experiment WHERE id = ?", twice[0]["experiment_key"]
    )[0]
    assert experiment["experiment_id"] == DYADS
    assert experiment["participants_may_request_data"] == 1


def test_the_owner_owns_all_and_shares_two_of_three_one_of_them_for_export(tmp_path: Path) -> None:
    people = filled(tmp_path)
    owners = rows(tmp_path, "SELECT DISTINCT owner_key FROM experiment")
    assert [row[0] for row in owners] == [people.owner]
    shared = rows(tmp_path, "SELECT user_key, can_export FROM collaborator ORDER BY can_export")
    assert [tuple(row) for row in shared] == [(people.collaborator, 0), (people.collaborator, 1)]
    roles = {row["id"]: row["role"] for row in rows(tmp_path, 'SELECT id, role FROM "user"')}
    assert roles == {
        people.owner: "RESEARCHER",
        people.collaborator: "RESEARCHER",
        people.participant: "PARTICIPANT",
        people.administrator: "ADMINISTRATOR",
    }


def test_one_room_is_running_and_its_people_are_in_it(demo: Path) -> None:
    running = rows(demo, "SELECT * FROM room WHERE status = 'ACTIVE'")
    assert [row["end_time"] for row in running] == [None]
    people = rows(demo, "SELECT * FROM participant WHERE room_key = ?", running[0]["id"])
    assert {(row["status"], row["completed_at"]) for row in people} == {("ACTIVE", None)}
    ended = "SELECT id FROM event WHERE room_key = ? AND event_type = 'experiment.end'"
    assert not rows(demo, ended, running[0]["id"])
    assert rows(
        demo, "SELECT id FROM component WHERE room_key = ? AND NOT completed", running[0]["id"]
    )
    elsewhere = "SELECT id FROM room WHERE status = 'COMPLETED' AND end_time <= start_time"
    assert not rows(demo, elsewhere)


def test_streams_end_where_people_left_early(demo: Path) -> None:
    left = rows(demo, "SELECT * FROM participant WHERE status = 'DISCONNECTED'")
    assert {row["completion_code"] for row in left} == {"ABANDONED", "TECHNICAL"}
    for person in left:
        assert person["completed_at"] is None
        for tables in (TABLES, ["event"], ["continuous_rating"]):
            own, room = (
                last_onset(demo, tables, "participant_key", person["id"]),
                last_onset(demo, tables, "room_key", person["room_key"]),
            )
            assert own == room == 0 or 0 < own < room - 60_000


def last_onset(demo: Path, tables: list[str], place: str, key: int) -> int:
    """Return when the last record came from a room or a participant; 0 if there is none."""
    ends = " UNION ALL ".join(
        f"SELECT max(onset) AS onset FROM {table} WHERE {place} = {key}" for table in tables
    )
    onset: int | None = rows(demo, f"SELECT max(onset) FROM ({ends})")[0][0]
    return onset or 0

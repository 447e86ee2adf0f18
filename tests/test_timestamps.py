"""Moments in time: what is shown can be read again, and what is unclear is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.timestamps import iso, now, parse

FIRST, LAST = parse("0001-01-01T00:00:00.000Z"), parse("9999-12-31T23:59:59.999Z")
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.integers(FIRST, LAST))
def test_a_moment_shown_is_the_moment_read(moment: int) -> None:
    text = iso(moment)
    assert parse(text) == moment
    assert len(text) == len("2024-10-20T14:30:45.123Z")
    assert text.endswith("Z")


@given(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=offsets)  # noqa: DTZ001
)
def test_a_moment_is_the_same_in_every_zone(moment: datetime) -> None:
    microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse(moment.isoformat()) == microseconds // 1000
    assert parse(moment.isoformat(sep=" ")) == microseconds // 1000


@given(st.datetimes())
def test_a_moment_without_zone_is_refused(moment: datetime) -> None:
    with pytest.raises(ValueError, match="does not say its time zone"):
        parse(moment.isoformat())


@given(st.text())
def test_any_other_text_is_refused_by_a_value_error(text: str) -> None:
    try:
        moment = parse(text)
    except ValueError:
        return
    assert FIRST <= moment <= LAST


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024-10-20T14:30:45.123Z", "2024-10-20T14:30:45.123Z"),
        ("2024-10-20t14:30:45z", "2024-10-20T14:30:45.000Z"),
        ("2024-10-20T14:30Z", "2024-10-20T14:30:00.000Z"),
        ("2024-10-20T14:30:45.123999Z", "2024-10-20T14:30:45.123Z"),
        ("2024-10-20 14:30:45+00", "2024-10-20T14:30:45.000Z"),
        ("2024-10-20T14:30:45+0530", "2024-10-20T09:00:45.000Z"),
        ("2024-10-20T00:30:00-05:00", "2024-10-20T05:30:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_the_usual_ways_of_writing_a_moment_are_read(text: str, shown: str) -> None:
    assert iso(parse(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "2024-10-20",
        "2024-10-20T14:30:45",
        "2024-10-20T25:00:00Z",
        "2024-02-30T00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|does not"):
        parse(text)


def test_now_is_between_then_and_later() -> None:
    then = datetime.now(UTC) - timedelta(milliseconds=1)
    assert then <= datetime.fromisoformat(iso(now())) <= datetime.now(UTC)

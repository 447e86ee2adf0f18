"""When a schedule fires: a cron expression of five fields, in a time zone."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from server.errors import BadUserInput
from server.timestamps import Timestamp

LONGEST = 200
"""Characters of an expression: enough for every minute of an hour, one by one."""

_EXAMPLE = "such as `0 3 * * 1` for Mondays at 3:00"


def next_fire(cron: str, time_zone: str, after: Timestamp) -> Timestamp | None:
    """Return the first moment after another at which a schedule fires; None if there is none.

    An hour of the day is the zone's: one that a change of clocks leaves out fires right after the
    change, one that it repeats fires the first time. BadUserInput for what is no cron expression
    of five fields, or no time zone; its field is `cron` or `timeZone`.
    """
    start = datetime.fromtimestamp(after / 1000, _zone(time_zone))
    for moment in _moments(cron, start):
        if (at := Timestamp(int(moment.timestamp()) * 1000)) > after:
            return at
    return None


def _moments(cron: str, start: datetime) -> CronSim:
    if len(cron) > LONGEST or len(cron.split()) != 5:
        raise BadUserInput(
            "A cron expression has five fields, which are minute, hour, day of the month, month "
            f"and day of the week, {_EXAMPLE}.",
            ["cron"],
        )
    try:
        return CronSim(cron, start)
    except CronSimError as error:
        part = str(error).removeprefix("Bad ").replace("-", " ")
        raise BadUserInput(
            f"The {part} in the cron expression cannot be: write `*`, a number, a range, a step "
            f"or a list, {_EXAMPLE}.",
            ["cron"],
        ) from None


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, a path that leads elsewhere, a folder
        raise BadUserInput(
            "There is no such time zone: name one of the IANA's, such as `Europe/Berlin`.",
            ["timeZone"],
        ) from None

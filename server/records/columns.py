"""How a column is declared: once, with all that the API, the database and the files say of it."""

from enum import Enum
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field

from server.column_types import JSON_TYPE


class Identifies(Enum):
    """How a column can tell who a person is."""

    DIRECTLY = "direct identifier"
    IN_PART = "quasi-identifier"
    IN_TEXT = "free text"


class Summarized(Enum):
    """How a column goes into statistics, where no record may be shown by itself."""

    AS_NUMBERS = "numbers"
    AS_CATEGORIES = "categories"
    BY_COMPONENT = "component"
    NOT = "not"


def column(
    description: str,
    *,
    unit: str | None = None,
    identifies: Identifies | None = None,
    summarized: Summarized | None = None,
    identified_only: bool = False,
    least: float | None = None,
    most: float | None = None,
    from_start: bool = False,
    from_file: bool = False,
    **options: Any,  # noqa: ANN401 - whatever SQLModel's Field takes
) -> Any:  # noqa: ANN401 - as SQLModel's Field, so that the annotation rules
    """Declare a column. Its description goes to the API, the database and every data dictionary.

    identifies  how it can tell who a person is; None if it was thought over and cannot
    summarized  how it goes into statistics, unless its type says so: numbers are calculated with,
                closed sets and truth values are counted, all else is left out
    identified_only  whether it is null to all who may not see identified data
    least, most  the range of its numbers, both ends included
    from_start  whether it counts from the room's experiment start, and follows when that is moved
    from_file   whether the file that is uploaded says it anew
    """
    info = {
        "unit": unit,
        "identifies": identifies,
        "summarized": summarized,
        "identified_only": identified_only,
        "least": least,
        "most": most,
        "from_start": from_start,
        "from_file": from_file,
    }
    return Field(
        description=description,
        sa_column_kwargs={"comment": description, "info": info},
        **options,
    )


def moment(description: str, **options: Any) -> Any:  # noqa: ANN401 - see column
    """Declare a column of type Timestamp."""
    return column(description, unit="ISO 8601 UTC", sa_type=BigInteger, **options)


def json_column(description: str, **options: Any) -> Any:  # noqa: ANN401 - see column
    """Declare a column that keeps JSON."""
    return column(description, sa_type=JSON_TYPE, **options)

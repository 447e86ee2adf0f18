"""What an operator lets clients ask."""

from dataclasses import dataclass

from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which operations are executed.

    most_cost         what one may cost, in points
    deadline_seconds  how long one may take
    introspection     whether the schema itself may be asked for
    suggestions       whether errors may name what might have been meant
    """

    most_cost: int = 1_000_000_000
    deadline_seconds: float = 30
    introspection: bool = True
    suggestions: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        return cls(
            settings.most_cost,
            settings.deadline_seconds,
            settings.introspection,
            not settings.production,
        )

"""The people of the demo data: invented names, reserved addresses, common browsers."""

from dataclasses import dataclass

from server.demo.chance import code, draws

FIRST_NAMES = (
    *("Zoë", "José", "Maya", "Thu", "Noor", "Åsa", "明", "Ольга", "Tomás", "Amélie", "Kofi"),
    *("Priya", "Łukasz", "Hana", "يوسف", "Grace", "Mateo", "Ingrid", "O'Neil"),
)
LAST_NAMES = (
    *("Müller", "Álvarez", "Okafor", "Nguyễn", "Haddad", "Lindström", "李", "Иванова"),
    *("van der Berg", "D'Angelo", "Sato", "Smith", "Kowalczyk"),
)
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # reserved for documentation by RFC 5737
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
)


@dataclass(frozen=True)
class Person:
    """Someone who took part, in one room or in several."""

    participant_id: str
    name: str
    email: str | None
    ip_address: str | None
    user_agent: str | None


def person(seed: int, study: str, number: int) -> Person:
    """Return the person of that number; one in four left no email, one in seven no address."""
    chance = draws(seed, study, "person", number)
    return Person(
        participant_id=code(28, seed, study, "participant", number),
        name=f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}",
        email=None if number % 4 == 3 else f"p{number:04}.{study}@example.org",
        ip_address=None
        if number % 7 == 5
        else f"{chance.choice(NETWORKS)}.{chance.randint(1, 254)}",
        user_agent=None if number % 5 == 4 else chance.choice(BROWSERS),
    )

"""What people write to one another: ordinary talk, and all that text can hold."""

from collections.abc import Iterator
from dataclasses import dataclass

from server.demo.chance import draws
from server.demo.rooms import PlannedRoom, Showing

TALK = (
    "Hi {name}! 👋",
    "hello :)",
    "That was longer than I thought",
    "Did you see the light on the snow? It reminded me of home… I had forgotten, truly.",
    "yes, and the music",
    "haha same",
    "I was scared when the fog came 😨",
    "Not me: I knew they'd make it",
    "Would you go there?",
    "maybe in summer ☀️",
    "¿Y tú, {name}? 😄",
)
DEBATE = (
    "Hello everyone",
    "Shall we each say our first choice?",
    "rope, clearly",
    "I agree with {name}",
    "map first, then rope, then water; the tent can wait",
    "why the tent last?",
    "because it is heavy, about 4,5 kg",
    "ok but at night it is -12 degrees",
    "good point, {name}",
    "Water! 5 litres is nothing for four people",
    "can we vote?",
    "1. rope 2. water 3. tent",
    "👍",
    "👍👍",
    "not sure about the lamp",
    "fine with me",
    "So: rope, water, tent, map, lamp. Everyone?",
    "yes",
)
AWKWARD = (
    '=HYPERLINK("http://example.com","click")',
    "She said: \"the 'good' tent, obviously\"",
    "two lines:\nfirst, rope\r\nsecond, water",
    "-1 for the lamp",
    "@{name} +1",
    "comma, semicolon; tab\tand pipe | in one",
    "Ελληνικά, русский, 日本語, עברית, العربية, हिन्दी",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇺🇳 e\u0301 ≠ é",
    "<b>bold</b> &amp; {{braces}} \\backslash",
    "if we lose each other write to {email}",
    "  spaces around  ",
)


@dataclass(frozen=True)
class Message:
    """Something that one of a room wrote at one moment; to everyone if nobody is named."""

    onset: int
    sender: int
    content: str
    recipients: tuple[int, ...] = ()


def conversation(room: PlannedRoom, showing: Showing) -> Iterator[Message]:
    """Return what was said in a chat, in order; the same whichever of them asks."""
    chance = draws(room.seed, room.room_id, showing.component_id)
    lines = list[str](TALK if len(room.seats) == 2 else DEBATE)
    awkward = AWKWARD if len(room.seats) > 2 else chance.sample(AWKWARD, 2)
    for line in awkward:
        lines.insert(chance.randint(1, len(lines)), line)
    reachable = next((s.person.email for s in room.seats if s.person.email), "nobody@example.org")
    pause = (showing.end - showing.begin) // (len(lines) + 1)
    sender, onset = 0, showing.begin
    for line in lines:
        onset += chance.randint(pause // 3, pause)
        named = (sender + 1) % len(room.seats)
        name = room.seats[named].person.name.split()[0]
        private = len(room.seats) > 2 and chance.random() < 0.1
        yield Message(
            onset,
            sender,
            line.format(name=name, email=reachable),
            (named,) if private else (),
        )
        sender = (sender + chance.randint(1, len(room.seats) - 1)) % len(room.seats)

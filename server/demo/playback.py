"""What runs by itself in a session: films, pictures, triggers and the scanner."""

from server.demo.chance import draws
from server.demo.rooms import Showing
from server.demo.stories import Story


def watch(story: Story, showing: Showing) -> None:
    """Watch a film that the host starts, halts and moves; the others follow a moment later."""
    shared = draws(story.room.seed, story.room.room_id, showing.component_id)
    length = showing.end - showing.begin
    pause = showing.begin + int(length * shared.uniform(0.3, 0.5))
    resume = pause + shared.randint(2000, 7000)
    seek = showing.begin + int(length * shared.uniform(0.6, 0.8))
    delay = 0 if story.seat.host else story.chance.randint(35, 180)
    by = "host" if story.seat.host else "sync"
    for onset, what, position in (
        (showing.begin + 140, "loaded", 0),
        (showing.begin + 310, "play", 0),
        (pause, "pause", pause - showing.begin),
        (resume, "play", pause - showing.begin),
        (seek, "seek", seek - showing.begin - 15_000),
        (showing.end - 250, "ended", length),
    ):
        story.event(
            onset + delay,
            f"media.{what}",
            "media",
            showing,
            content=f"{showing.block.config['src']}: {what}",
            response={"value": {"positionMs": position, "by": by}, "responseTime": None},
        )


def show_pictures(story: Story, showing: Showing) -> None:
    """Show one picture after the other."""
    every = showing.block.config["perImageMs"]
    for number, onset in enumerate(range(showing.begin, showing.end, every), start=1):
        story.event(
            onset + story.chance.randint(3, 16),
            "component.update",
            "component",
            showing,
            content=f"landscape_{number:03}.jpg",
            duration=every,
        )


def fire_trigger(story: Story, showing: Showing) -> None:
    """Send the code that tells the other devices that the session begins."""
    story.event(
        showing.begin + 500,
        "trigger",
        "scanner",
        showing,
        content="trigger sent",
        response={"value": showing.block.config["code"], "responseTime": 2},
    )


def count_pulses(story: Story, showing: Showing) -> None:
    """Note each pulse of the scanner: one a volume."""
    every = showing.block.config["repetitionMs"]
    for number, onset in enumerate(range(showing.begin + 100, showing.end, every), start=1):
        story.event(
            onset + story.chance.randint(0, 3),
            "scanner_pulse",
            "scanner",
            showing,
            content=f"volume {number}",
            response={"value": number},
        )

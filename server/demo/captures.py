"""What was recorded of a participant: rows, and the files that they name."""

from dataclasses import dataclass

from server.demo import media
from server.demo.faults import FileLost, NeverPermitted, faults_of
from server.demo.rooms import Showing
from server.demo.stories import Story
from server.records.recordings import Recording, RecordingKind


@dataclass(frozen=True)
class File:
    """A recording's file, by its path below the storage folder."""

    path: str
    content: bytes


def capture(story: Story) -> list[File]:
    """Record where a study does so, and return the files."""
    files: list[File] = []
    if any(faults_of(story.place, NeverPermitted)):
        return files
    for showing in story.room.showings:
        if showing.block.kind == "videochat" and story.tells(showing.end):
            seconds = showing.state.seconds - 1
            content = media.video(seconds, first=story.chance.randrange(8))
            files += _keep(story, showing, RecordingKind.VIDEO, seconds * 1000, content)
        elif showing.block.kind == "audiorecording" and story.tells(showing.end):
            length = 100 * story.chance.randint(12, 28)
            content = media.audio(length, pitch=story.chance.uniform(100, 220))
            files += _keep(story, showing, RecordingKind.AUDIO, length, content)
    return files


def _keep(
    story: Story, showing: Showing, kind: RecordingKind, length: int, content: bytes
) -> list[File]:
    begin = showing.begin + story.chance.randint(200, 600)
    started = story.room.start + begin
    recording_id = story.ids.take("rec")[0]
    suffix = "webm" if kind is RecordingKind.VIDEO else "wav"
    path = f"recordings/{recording_id}.{suffix}"
    failed = any(faults_of(story.place, FileLost))
    arrived = {
        "end_time": started + length,
        "duration": length,
        "file_name": f"{showing.block.name}_{story.seat.person.participant_id}.{suffix}",
        "file_size": len(content),
        "storage_key": path,
    }
    story.add(
        Recording,
        begin,
        recording_id=recording_id,
        kind=kind.value,
        start_time=started,
        video_offset=begin,
        format=suffix,
        resolution=f"{media.WIDTH}x{media.HEIGHT}" if kind is RecordingKind.VIDEO else None,
        status="failed" if failed else "completed",
        **({} if failed else arrived),
    )
    story.event(
        begin, f"{kind.value.lower()}.recording.started", "media", showing, content=recording_id
    )
    return [] if failed else [File(path, content)]

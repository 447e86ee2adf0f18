"""Sending the files of recordings."""

from typing import Annotated

import strawberry

from server.column_types import ByteCount
from server.records.audit import AuditAction
from server.resolvers.uploads import UploadTerms, upload_link
from server.schema.info import Info
from server.schema.user_errors import UserError, UserErrors
from server.timestamps import Timestamp


@strawberry.input(description="A recording, and the file that is to be sent for it.")
class RecordingUploadInput:
    experiment_id: str = strawberry.field(description="Public id of the recording's experiment.")
    recording_id: str = strawberry.field(description="Public id of the recording: it must exist.")
    file_name: str = strawberry.field(
        description="Name of the file. It ends in its container: `.webm`, `.mp4`, `.m4a`, `.mov`, "
        "`.ogg`, `.opus`, `.mp3`, `.wav` or `.flac`."
    )
    file_size: ByteCount = strawberry.field(description="Its size in bytes: no other is taken.")
    media_type: str | None = strawberry.field(
        default=None, description="Its media type, such as `video/webm`; checked if it is given."
    )
    sha256: str | None = strawberry.field(
        default=None,
        description="Its SHA-256, in hexadecimal: if it is given, nothing else is taken.",
    )


@strawberry.type(description="Where a file is to be sent: the address is the right to do so.")
class RecordingUpload:
    upload_url: str = strawberry.field(
        description="Send the file as the body of a PUT, or in a POST as the one part of a form "
        "(`multipart/form-data`)."
    )
    method: str = strawberry.field(description="`PUT`.")
    expires_at: Timestamp = strawberry.field(description="Until when sending can begin.")
    max_bytes: ByteCount = strawberry.field(description="How large a file may be here, in bytes.")


@strawberry.type(description="Where to send a file, or why it may not be sent.")
class RecordingUploadPayload:
    upload: RecordingUpload | None = strawberry.field(
        default=None, description="Where to send it; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )


@strawberry.type
class UploadMutation:
    @strawberry.mutation(
        description="Ask where to send a recording's file. For whoever owns the experiment, and "
        "administrators; needs the scope `write:events`. A recording has one file, and it is never "
        "overwritten: to send the same again changes nothing.",
        extensions=[UserErrors(RecordingUploadPayload, AuditAction.UPLOAD)],
    )
    async def recording_upload_create(
        self,
        info: Info,
        input: Annotated[RecordingUploadInput, strawberry.argument(description="The file.")],
    ) -> RecordingUploadPayload:
        terms = UploadTerms(input.file_name, input.file_size, input.sha256)
        link = await upload_link(
            info.context, input.experiment_id, input.recording_id, terms, input.media_type
        )
        upload = RecordingUpload(
            upload_url=link.url,
            method="PUT",
            expires_at=link.expires_at,
            max_bytes=ByteCount(info.context.services.upload_max_bytes),
        )
        return RecordingUploadPayload(upload=upload)

"""The first schema."""

import sqlalchemy as sa
from alembic import op

from server.column_types import JSON_TYPE, KEY_TYPE

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "user_id", sa.String(), nullable=False, comment="Public id of the account, `usr_…`."
        ),
        sa.Column(
            "name", sa.String(), nullable=False, comment="The name people know the account by."
        ),
        sa.Column("role", sa.String(), nullable=False, comment="What the account is for."),
        sa.Column("email", sa.String(), nullable=True, comment="Address for notices."),
        sa.Column(
            "participant_id",
            sa.String(),
            nullable=True,
            comment="The participant whose own data the account may see.",
        ),
        sa.Column(
            "created_at", sa.BigInteger(), nullable=False, comment="When the account was made."
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("participant_id", name=op.f("uq_user_participant_id")),
        sa.UniqueConstraint("user_id", name=op.f("uq_user_user_id")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="What its owner calls it."),
        sa.Column("description", sa.String(), nullable=True, comment="What it is for."),
        sa.Column(
            "prefix",
            sa.String(),
            nullable=False,
            comment="How the key begins: enough to recognise it, not to use it.",
        ),
        sa.Column(
            "scopes",
            JSON_TYPE,
            nullable=False,
            comment="What it allows, such as `read:events` or `*`.",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was made."),
        sa.Column(
            "expires_at",
            sa.BigInteger(),
            nullable=True,
            comment="When it stops working; null for never.",
        ),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True, comment="When it was revoked."),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("user_key", KEY_TYPE, nullable=False),
        sa.Column("experiment_keys", JSON_TYPE, nullable=True),
        sa.ForeignKeyConstraint(["user_key"], ["user.id"], name=op.f("fk_api_key_user_key_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_hash")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_user_key"), ["user_key"], unique=False)

    op.create_table(
        "experiment",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "experiment_id",
            sa.String(),
            nullable=False,
            comment="Public id, `exp_…`: what scripts look it up by.",
        ),
        sa.Column("name", sa.String(), nullable=False, comment="What researchers call it."),
        sa.Column("description", sa.String(), nullable=True, comment="What it is about."),
        sa.Column("status", sa.String(), nullable=False, comment="Where it stands."),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was set up."),
        sa.Column(
            "updated_at", sa.BigInteger(), nullable=False, comment="When its settings last changed."
        ),
        sa.Column(
            "roles", JSON_TYPE, nullable=False, comment="The roles that participants can have."
        ),
        sa.Column(
            "required_participants",
            sa.Integer(),
            nullable=True,
            comment="How many participants a room needs to start.",
        ),
        sa.Column(
            "participants_may_request_data",
            sa.Boolean(),
            nullable=False,
            comment="Whether participants may read and request their own data.",
        ),
        sa.Column("owner_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_key"], ["user.id"], name=op.f("fk_experiment_owner_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
        sa.UniqueConstraint("experiment_id", name=op.f("uq_experiment_experiment_id")),
    )
    with op.batch_alter_table("experiment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_experiment_owner_key"), ["owner_key"], unique=False)

    op.create_table(
        "export",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("status", sa.String(), nullable=False, comment="Where it stands."),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was asked for."),
        sa.Column(
            "started_at", sa.BigInteger(), nullable=True, comment="When a worker first took it up."
        ),
        sa.Column(
            "completed_at", sa.BigInteger(), nullable=True, comment="When it came to its end."
        ),
        sa.Column(
            "snapshot_at",
            sa.BigInteger(),
            nullable=True,
            comment="It holds what had been stored by then.",
        ),
        sa.Column(
            "expires_at", sa.BigInteger(), nullable=True, comment="When its file will be deleted."
        ),
        sa.Column(
            "format", sa.String(), nullable=False, comment="What the records are written as."
        ),
        sa.Column(
            "packaging", sa.String(), nullable=False, comment="One file, or several in a ZIP."
        ),
        sa.Column(
            "anonymization",
            sa.String(),
            nullable=False,
            comment="How much of who the participants are stays in the files.",
        ),
        sa.Column(
            "file_name",
            sa.String(),
            nullable=True,
            comment="What the file is called when downloaded.",
        ),
        sa.Column(
            "file_size", sa.BigInteger(), nullable=True, comment="Size of the file in bytes."
        ),
        sa.Column(
            "sha256", sa.String(), nullable=True, comment="SHA-256 of the file, in hexadecimal."
        ),
        sa.Column("error_code", sa.String(), nullable=True, comment="Why it failed, for programs."),
        sa.Column(
            "error_message", sa.String(), nullable=True, comment="Why it failed, and what to do."
        ),
        sa.Column("requested_by_key", KEY_TYPE, nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("recipe", JSON_TYPE, nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("storage_key", sa.String(), nullable=True),
        sa.Column("completed_rows", sa.BigInteger(), nullable=False),
        sa.Column("total_rows", sa.BigInteger(), nullable=True),
        sa.Column("bytes_written", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("manifest", JSON_TYPE, nullable=True),
        sa.ForeignKeyConstraint(
            ["requested_by_key"], ["user.id"], name=op.f("fk_export_requested_by_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
        sa.UniqueConstraint(
            "requested_by_key",
            "idempotency_key",
            name=op.f("uq_export_requested_by_key_idempotency_key"),
        ),
    )
    with op.batch_alter_table("export", schema=None) as batch_op:
        batch_op.create_index("ix_export_status", ["status", "id"], unique=False)

    op.create_table(
        "collaborator",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("user_key", KEY_TYPE, nullable=False),
        sa.Column("can_export", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_collaborator_experiment_key_experiment"),
        ),
        sa.ForeignKeyConstraint(
            ["user_key"], ["user.id"], name=op.f("fk_collaborator_user_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collaborator")),
        sa.UniqueConstraint(
            "experiment_key", "user_key", name=op.f("uq_collaborator_experiment_key_user_key")
        ),
    )
    with op.batch_alter_table("collaborator", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_collaborator_user_key"), ["user_key"], unique=False)

    op.create_table(
        "exported_experiment",
        sa.Column("export_key", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_exported_experiment_experiment_key_experiment"),
        ),
        sa.ForeignKeyConstraint(
            ["export_key"],
            ["export.id"],
            name=op.f("fk_exported_experiment_export_key_export"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "export_key", "experiment_key", name=op.f("pk_exported_experiment")
        ),
    )
    with op.batch_alter_table("exported_experiment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_exported_experiment_experiment_key"), ["experiment_key"], unique=False
        )

    op.create_table(
        "pseudonym",
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_pseudonym_experiment_key_experiment"),
        ),
        sa.PrimaryKeyConstraint("experiment_key", "participant_id", name=op.f("pk_pseudonym")),
        sa.UniqueConstraint(
            "experiment_key", "code", name=op.f("uq_pseudonym_experiment_key_code")
        ),
    )
    op.create_table(
        "room",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "room_id",
            sa.String(),
            nullable=False,
            comment="Public id, `room_…`: what scripts look it up by.",
        ),
        sa.Column(
            "status", sa.String(), nullable=False, comment="Whether the session is still going on."
        ),
        sa.Column("start_time", sa.BigInteger(), nullable=True, comment="When the session began."),
        sa.Column("end_time", sa.BigInteger(), nullable=True, comment="When the session ended."),
        sa.Column(
            "experiment_start",
            sa.BigInteger(),
            nullable=True,
            comment="Time zero of every onset in the room.",
        ),
        sa.Column(
            "completion_reason", sa.String(), nullable=True, comment="Why the session ended."
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"], ["experiment.id"], name=op.f("fk_room_experiment_key_experiment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
        sa.UniqueConstraint("experiment_key", "id", name=op.f("uq_room_experiment_key_id")),
        sa.UniqueConstraint("room_id", name=op.f("uq_room_room_id")),
    )
    with op.batch_alter_table("room", schema=None) as batch_op:
        batch_op.create_index(
            "ix_room_experiment_key_start_time",
            ["experiment_key", "start_time", "id"],
            unique=False,
        )

    op.create_table(
        "participant",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "participant_id",
            sa.String(),
            nullable=False,
            comment="Public id of the person, 28 characters; the same in each of their rooms.",
        ),
        sa.Column("role", sa.String(), nullable=True, comment="The role taken in the room."),
        sa.Column(
            "status", sa.String(), nullable=False, comment="Whether they are there, done, or gone."
        ),
        sa.Column("email", sa.String(), nullable=True, comment="Address."),
        sa.Column(
            "ip_address", sa.String(), nullable=True, comment="Network address they came from."
        ),
        sa.Column("user_agent", sa.String(), nullable=True, comment="The browser they used."),
        sa.Column(
            "joined_at", sa.BigInteger(), nullable=True, comment="When they entered the room."
        ),
        sa.Column("completed_at", sa.BigInteger(), nullable=True, comment="When they finished."),
        sa.Column(
            "completion_code",
            sa.String(),
            nullable=True,
            comment="How it ended, such as SUCCESS, TIMEOUT, NOCONSENT or ABANDONED.",
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key"],
            ["room.experiment_key", "room.id"],
            name=op.f("fk_participant_experiment_key_room_key_room"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
        sa.UniqueConstraint(
            "experiment_key",
            "room_key",
            "id",
            name=op.f("uq_participant_experiment_key_room_key_id"),
        ),
        sa.UniqueConstraint(
            "experiment_key",
            "room_key",
            "participant_id",
            name=op.f("uq_participant_experiment_key_room_key_participant_id"),
        ),
    )
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.create_index(
            "ix_participant_experiment_key_joined_at",
            ["experiment_key", "joined_at", "id"],
            unique=False,
        )
        batch_op.create_index("ix_participant_participant_id", ["participant_id"], unique=False)
        batch_op.create_index(
            "ix_participant_room_key_joined_at", ["room_key", "joined_at", "id"], unique=False
        )

    op.create_table(
        "chat_message",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When it happened: ISO 8601, UTC, milliseconds and `Z`.",
        ),
        sa.Column(
            "onset",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds from the room's experiment start; negative for what came before it.",
        ),
        sa.Column("message_id", sa.String(), nullable=False, comment="Public id, `msg_…`."),
        sa.Column(
            "sender_id",
            sa.String(),
            nullable=True,
            comment="Public id of the participant who wrote it.",
        ),
        sa.Column("sender_name", sa.String(), nullable=True, comment="The name shown beside it."),
        sa.Column("content", sa.String(), nullable=False, comment="What was written."),
        sa.Column(
            "recipient_ids",
            JSON_TYPE,
            nullable=False,
            comment="Public ids of the participants it was sent to; empty for everyone in the room.",
        ),
        sa.Column(
            "message_type",
            sa.String(),
            nullable=True,
            comment="Its kind, such as `text` or `system`.",
        ),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key", "participant_key"],
            ["participant.experiment_key", "participant.room_key", "participant.id"],
            name=op.f("fk_chat_message_experiment_key_room_key_participant_key_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_message")),
        sa.UniqueConstraint(
            "experiment_key", "message_id", name=op.f("uq_chat_message_experiment_key_message_id")
        ),
    )
    with op.batch_alter_table("chat_message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_chat_message_experiment_key_onset", ["experiment_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_chat_message_experiment_key_timestamp",
            ["experiment_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_chat_message_participant_key_onset",
            ["participant_key", "onset", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_chat_message_participant_key_timestamp",
            ["participant_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_chat_message_room_key_onset", ["room_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_chat_message_room_key_timestamp", ["room_key", "timestamp", "id"], unique=False
        )

    op.create_table(
        "component",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When it happened: ISO 8601, UTC, milliseconds and `Z`.",
        ),
        sa.Column(
            "onset",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds from the room's experiment start; negative for what came before it.",
        ),
        sa.Column(
            "component_id",
            sa.String(),
            nullable=False,
            comment="Public id of the component, `cmp_…`; the same for everyone.",
        ),
        sa.Column(
            "component_type", sa.String(), nullable=True, comment="Its kind, such as `showvideo`."
        ),
        sa.Column("config", JSON_TYPE, nullable=True, comment="How it was set up."),
        sa.Column(
            "state_id",
            sa.String(),
            nullable=True,
            comment="The experiment's state it was shown in.",
        ),
        sa.Column("state_name", sa.String(), nullable=True, comment="What that state is called."),
        sa.Column(
            "variables",
            JSON_TYPE,
            nullable=True,
            comment="The experiment's variables when it was shown.",
        ),
        sa.Column("completed", sa.Boolean(), nullable=True, comment="Whether it ran to its end."),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key", "participant_key"],
            ["participant.experiment_key", "participant.room_key", "participant.id"],
            name=op.f("fk_component_experiment_key_room_key_participant_key_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
        sa.UniqueConstraint(
            "experiment_key",
            "component_id",
            "participant_key",
            "timestamp",
            name=op.f("uq_component_experiment_key_component_id_participant_key_timestamp"),
        ),
    )
    with op.batch_alter_table("component", schema=None) as batch_op:
        batch_op.create_index(
            "ix_component_experiment_key_onset", ["experiment_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_component_experiment_key_timestamp",
            ["experiment_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_component_participant_key_onset", ["participant_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_component_participant_key_timestamp",
            ["participant_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_component_room_key_onset", ["room_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_component_room_key_timestamp", ["room_key", "timestamp", "id"], unique=False
        )

    op.create_table(
        "continuous_rating",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When it happened: ISO 8601, UTC, milliseconds and `Z`.",
        ),
        sa.Column(
            "onset",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds from the room's experiment start; negative for what came before it.",
        ),
        sa.Column("rating_id", sa.String(), nullable=False, comment="Public id, `rat_…`."),
        sa.Column(
            "component_id",
            sa.String(),
            nullable=True,
            comment="The component that was rated in, `cmp_…`.",
        ),
        sa.Column(
            "value", sa.Float(), nullable=True, comment="The slider's place, normalised: 0 to 1."
        ),
        sa.Column(
            "raw_value",
            sa.Float(),
            nullable=True,
            comment="The slider's place on its own scale, from `scaleMin` to `scaleMax`.",
        ),
        sa.Column("scale_min", sa.Float(), nullable=True, comment="Lower end of the scale."),
        sa.Column("scale_max", sa.Float(), nullable=True, comment="Upper end of the scale."),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key", "participant_key"],
            ["participant.experiment_key", "participant.room_key", "participant.id"],
            name=op.f("fk_continuous_rating_experiment_key_room_key_participant_key_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_continuous_rating")),
        sa.UniqueConstraint(
            "experiment_key",
            "rating_id",
            name=op.f("uq_continuous_rating_experiment_key_rating_id"),
        ),
    )
    with op.batch_alter_table("continuous_rating", schema=None) as batch_op:
        batch_op.create_index(
            "ix_continuous_rating_experiment_key_onset",
            ["experiment_key", "onset", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_continuous_rating_experiment_key_timestamp",
            ["experiment_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_continuous_rating_participant_key_onset",
            ["participant_key", "onset", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_continuous_rating_participant_key_timestamp",
            ["participant_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_continuous_rating_room_key_onset", ["room_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_continuous_rating_room_key_timestamp", ["room_key", "timestamp", "id"], unique=False
        )

    op.create_table(
        "event",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When it happened: ISO 8601, UTC, milliseconds and `Z`.",
        ),
        sa.Column(
            "onset",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds from the room's experiment start; negative for what came before it.",
        ),
        sa.Column("event_id", sa.String(), nullable=False, comment="Public id, `evt_…`."),
        sa.Column(
            "event_type",
            sa.String(),
            nullable=False,
            comment="What happened, dotted, such as `component.complete`.",
        ),
        sa.Column(
            "category",
            sa.String(),
            nullable=True,
            comment="Its kind, such as `media` or `communication`.",
        ),
        sa.Column(
            "component_type",
            sa.String(),
            nullable=True,
            comment="The kind of component, such as `vasrating`.",
        ),
        sa.Column(
            "component_id",
            sa.String(),
            nullable=True,
            comment="The component it happened in, `cmp_…`.",
        ),
        sa.Column("content", sa.String(), nullable=True, comment="What happened, readable."),
        sa.Column(
            "state_id", sa.String(), nullable=True, comment="The experiment's state at that moment."
        ),
        sa.Column("state_name", sa.String(), nullable=True, comment="What that state is called."),
        sa.Column(
            "participant_role",
            sa.String(),
            nullable=True,
            comment="The participant's role at that moment.",
        ),
        sa.Column(
            "duration", sa.Integer(), nullable=True, comment="How long it lasted, in milliseconds."
        ),
        sa.Column(
            "response",
            JSON_TYPE,
            nullable=True,
            comment="What was answered, such as `{value, responseTime}` with times in ms.",
        ),
        sa.Column(
            "client_timestamp",
            sa.BigInteger(),
            nullable=True,
            comment="When it happened by the participant's own clock: ISO 8601, UTC.",
        ),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key", "participant_key"],
            ["participant.experiment_key", "participant.room_key", "participant.id"],
            name=op.f("fk_event_experiment_key_room_key_participant_key_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint(
            "experiment_key", "event_id", name=op.f("uq_event_experiment_key_event_id")
        ),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_event_experiment_key_onset", ["experiment_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_event_experiment_key_timestamp", ["experiment_key", "timestamp", "id"], unique=False
        )
        batch_op.create_index(
            "ix_event_participant_key_onset", ["participant_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_event_participant_key_timestamp",
            ["participant_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index("ix_event_room_key_onset", ["room_key", "onset", "id"], unique=False)
        batch_op.create_index(
            "ix_event_room_key_timestamp", ["room_key", "timestamp", "id"], unique=False
        )

    op.create_table(
        "recording",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When it happened: ISO 8601, UTC, milliseconds and `Z`.",
        ),
        sa.Column(
            "onset",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds from the room's experiment start; negative for what came before it.",
        ),
        sa.Column("recording_id", sa.String(), nullable=False, comment="Public id, `rec_…`."),
        sa.Column("kind", sa.String(), nullable=False, comment="What was recorded."),
        sa.Column(
            "start_time",
            sa.BigInteger(),
            nullable=True,
            comment="When the recording began: ISO 8601, UTC.",
        ),
        sa.Column(
            "end_time",
            sa.BigInteger(),
            nullable=True,
            comment="When the recording ended: ISO 8601, UTC.",
        ),
        sa.Column("duration", sa.Integer(), nullable=True, comment="Length in milliseconds."),
        sa.Column(
            "video_offset",
            sa.Integer(),
            nullable=True,
            comment="Where the recording begins, in ms from the experiment start; may be negative.",
        ),
        sa.Column("file_name", sa.String(), nullable=True, comment="Name of the file."),
        sa.Column(
            "file_size", sa.BigInteger(), nullable=True, comment="Size of the file in bytes."
        ),
        sa.Column(
            "format", sa.String(), nullable=True, comment="Container format, such as `webm`."
        ),
        sa.Column(
            "resolution",
            sa.String(),
            nullable=True,
            comment="Width and height, such as `1280x720`.",
        ),
        sa.Column(
            "status",
            sa.String(),
            nullable=False,
            comment="How the recording went, such as `completed` or `failed`.",
        ),
        sa.Column("storage_key", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key", "participant_key"],
            ["participant.experiment_key", "participant.room_key", "participant.id"],
            name=op.f("fk_recording_experiment_key_room_key_participant_key_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint(
            "experiment_key", "recording_id", name=op.f("uq_recording_experiment_key_recording_id")
        ),
    )
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.create_index(
            "ix_recording_experiment_key_onset", ["experiment_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_recording_experiment_key_timestamp",
            ["experiment_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_recording_participant_key_onset", ["participant_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_recording_participant_key_timestamp",
            ["participant_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_recording_room_key_onset", ["room_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_recording_room_key_timestamp", ["room_key", "timestamp", "id"], unique=False
        )

    op.create_table(
        "sparse_rating",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When it happened: ISO 8601, UTC, milliseconds and `Z`.",
        ),
        sa.Column(
            "onset",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds from the room's experiment start; negative for what came before it.",
        ),
        sa.Column("rating_id", sa.String(), nullable=False, comment="Public id, `rat_…`."),
        sa.Column(
            "component_id", sa.String(), nullable=True, comment="The component that asked, `cmp_…`."
        ),
        sa.Column(
            "component_type", sa.String(), nullable=True, comment="Its kind, such as `likertscale`."
        ),
        sa.Column(
            "value",
            JSON_TYPE,
            nullable=True,
            comment="The answer: number, text, list, object or null.",
        ),
        sa.Column(
            "raw_value",
            JSON_TYPE,
            nullable=True,
            comment="The answer as it came in, before any scaling.",
        ),
        sa.Column("scale_min", sa.Float(), nullable=True, comment="Lower end of the scale."),
        sa.Column("scale_max", sa.Float(), nullable=True, comment="Upper end of the scale."),
        sa.Column("labels", JSON_TYPE, nullable=True, comment="The labels along the scale."),
        sa.Column(
            "response_time",
            sa.Integer(),
            nullable=True,
            comment="From question to answer, in milliseconds.",
        ),
        sa.Column("question", sa.String(), nullable=True, comment="What was asked."),
        sa.Column(
            "dimension", sa.String(), nullable=True, comment="What was rated, such as `valence`."
        ),
        sa.Column(
            "state_id", sa.String(), nullable=True, comment="The experiment's state at that moment."
        ),
        sa.Column("stimulus_id", sa.String(), nullable=True, comment="What it was about."),
        sa.Column(
            "stimulus_time",
            sa.Integer(),
            nullable=True,
            comment="The stimulus' own time at that moment, in milliseconds.",
        ),
        sa.Column(
            "confidence", sa.Float(), nullable=True, comment="How sure the participant was: 0 to 1."
        ),
        sa.Column(
            "submitted",
            sa.Boolean(),
            nullable=True,
            comment="Whether the answer was sent by the person.",
        ),
        sa.Column("timed_out", sa.Boolean(), nullable=True, comment="Whether time ran out first."),
        sa.Column(
            "interacted",
            sa.Boolean(),
            nullable=True,
            comment="Whether the control was touched at all.",
        ),
        sa.Column("details", JSON_TYPE, nullable=True, comment="Whatever else the component said."),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key", "participant_key"],
            ["participant.experiment_key", "participant.room_key", "participant.id"],
            name=op.f("fk_sparse_rating_experiment_key_room_key_participant_key_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sparse_rating")),
        sa.UniqueConstraint(
            "experiment_key", "rating_id", name=op.f("uq_sparse_rating_experiment_key_rating_id")
        ),
    )
    with op.batch_alter_table("sparse_rating", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sparse_rating_experiment_key_onset", ["experiment_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_sparse_rating_experiment_key_timestamp",
            ["experiment_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_sparse_rating_participant_key_onset",
            ["participant_key", "onset", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_sparse_rating_participant_key_timestamp",
            ["participant_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_sparse_rating_room_key_onset", ["room_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_sparse_rating_room_key_timestamp", ["room_key", "timestamp", "id"], unique=False
        )

    op.create_table(
        "sync_metric",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column(
            "timestamp",
            sa.BigInteger(),
            nullable=False,
            comment="When it happened: ISO 8601, UTC, milliseconds and `Z`.",
        ),
        sa.Column(
            "onset",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds from the room's experiment start; negative for what came before it.",
        ),
        sa.Column("metric_id", sa.String(), nullable=False, comment="Public id, `syn_…`."),
        sa.Column(
            "time_drift",
            sa.Float(),
            nullable=True,
            comment="Milliseconds ahead of the host's video (positive) or behind it (negative).",
        ),
        sa.Column(
            "playback_rate",
            sa.Float(),
            nullable=True,
            comment="How fast the video played; 1 is real time.",
        ),
        sa.Column(
            "sync_quality", sa.Float(), nullable=True, comment="How well it kept time: 0 to 1."
        ),
        sa.Column("latency", sa.Float(), nullable=True, comment="Network delay in milliseconds."),
        sa.Column(
            "buffer_health",
            sa.Float(),
            nullable=True,
            comment="How full the video's buffer was: 0 to 1.",
        ),
        sa.ForeignKeyConstraint(
            ["experiment_key", "room_key", "participant_key"],
            ["participant.experiment_key", "participant.room_key", "participant.id"],
            name=op.f("fk_sync_metric_experiment_key_room_key_participant_key_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_metric")),
        sa.UniqueConstraint(
            "experiment_key", "metric_id", name=op.f("uq_sync_metric_experiment_key_metric_id")
        ),
    )
    with op.batch_alter_table("sync_metric", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sync_metric_experiment_key_onset", ["experiment_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_sync_metric_experiment_key_timestamp",
            ["experiment_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_sync_metric_participant_key_onset", ["participant_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_sync_metric_participant_key_timestamp",
            ["participant_key", "timestamp", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_sync_metric_room_key_onset", ["room_key", "onset", "id"], unique=False
        )
        batch_op.create_index(
            "ix_sync_metric_room_key_timestamp", ["room_key", "timestamp", "id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("sync_metric", schema=None) as batch_op:
        batch_op.drop_index("ix_sync_metric_room_key_timestamp")
        batch_op.drop_index("ix_sync_metric_room_key_onset")
        batch_op.drop_index("ix_sync_metric_participant_key_timestamp")
        batch_op.drop_index("ix_sync_metric_participant_key_onset")
        batch_op.drop_index("ix_sync_metric_experiment_key_timestamp")
        batch_op.drop_index("ix_sync_metric_experiment_key_onset")

    op.drop_table("sync_metric")
    with op.batch_alter_table("sparse_rating", schema=None) as batch_op:
        batch_op.drop_index("ix_sparse_rating_room_key_timestamp")
        batch_op.drop_index("ix_sparse_rating_room_key_onset")
        batch_op.drop_index("ix_sparse_rating_participant_key_timestamp")
        batch_op.drop_index("ix_sparse_rating_participant_key_onset")
        batch_op.drop_index("ix_sparse_rating_experiment_key_timestamp")
        batch_op.drop_index("ix_sparse_rating_experiment_key_onset")

    op.drop_table("sparse_rating")
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_index("ix_recording_room_key_timestamp")
        batch_op.drop_index("ix_recording_room_key_onset")
        batch_op.drop_index("ix_recording_participant_key_timestamp")
        batch_op.drop_index("ix_recording_participant_key_onset")
        batch_op.drop_index("ix_recording_experiment_key_timestamp")
        batch_op.drop_index("ix_recording_experiment_key_onset")

    op.drop_table("recording")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_room_key_timestamp")
        batch_op.drop_index("ix_event_room_key_onset")
        batch_op.drop_index("ix_event_participant_key_timestamp")
        batch_op.drop_index("ix_event_participant_key_onset")
        batch_op.drop_index("ix_event_experiment_key_timestamp")
        batch_op.drop_index("ix_event_experiment_key_onset")

    op.drop_table("event")
    with op.batch_alter_table("continuous_rating", schema=None) as batch_op:
        batch_op.drop_index("ix_continuous_rating_room_key_timestamp")
        batch_op.drop_index("ix_continuous_rating_room_key_onset")
        batch_op.drop_index("ix_continuous_rating_participant_key_timestamp")
        batch_op.drop_index("ix_continuous_rating_participant_key_onset")
        batch_op.drop_index("ix_continuous_rating_experiment_key_timestamp")
        batch_op.drop_index("ix_continuous_rating_experiment_key_onset")

    op.drop_table("continuous_rating")
    with op.batch_alter_table("component", schema=None) as batch_op:
        batch_op.drop_index("ix_component_room_key_timestamp")
        batch_op.drop_index("ix_component_room_key_onset")
        batch_op.drop_index("ix_component_participant_key_timestamp")
        batch_op.drop_index("ix_component_participant_key_onset")
        batch_op.drop_index("ix_component_experiment_key_timestamp")
        batch_op.drop_index("ix_component_experiment_key_onset")

    op.drop_table("component")
    with op.batch_alter_table("chat_message", schema=None) as batch_op:
        batch_op.drop_index("ix_chat_message_room_key_timestamp")
        batch_op.drop_index("ix_chat_message_room_key_onset")
        batch_op.drop_index("ix_chat_message_participant_key_timestamp")
        batch_op.drop_index("ix_chat_message_participant_key_onset")
        batch_op.drop_index("ix_chat_message_experiment_key_timestamp")
        batch_op.drop_index("ix_chat_message_experiment_key_onset")

    op.drop_table("chat_message")
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.drop_index("ix_participant_room_key_joined_at")
        batch_op.drop_index("ix_participant_participant_id")
        batch_op.drop_index("ix_participant_experiment_key_joined_at")

    op.drop_table("participant")
    with op.batch_alter_table("room", schema=None) as batch_op:
        batch_op.drop_index("ix_room_experiment_key_start_time")

    op.drop_table("room")
    op.drop_table("pseudonym")
    with op.batch_alter_table("exported_experiment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exported_experiment_experiment_key"))

    op.drop_table("exported_experiment")
    with op.batch_alter_table("collaborator", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_collaborator_user_key"))

    op.drop_table("collaborator")
    with op.batch_alter_table("export", schema=None) as batch_op:
        batch_op.drop_index("ix_export_status")

    op.drop_table("export")
    with op.batch_alter_table("experiment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_experiment_owner_key"))

    op.drop_table("experiment")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_user_key"))

    op.drop_table("api_key")
    op.drop_table("user")

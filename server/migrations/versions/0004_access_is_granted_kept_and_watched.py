"""Access is granted, kept and watched."""

import sqlalchemy as sa
from alembic import op

from server.column_types import JSON_TYPE, KEY_TYPE
from server.records.audit import let_change, let_only_add

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="When."),
        sa.Column("action", sa.String(), nullable=False, comment="What was done, or tried."),
        sa.Column(
            "allowed",
            sa.Boolean(),
            nullable=False,
            comment="Whether it was allowed; false for an attempt that was refused.",
        ),
        sa.Column(
            "actor_id",
            sa.String(),
            nullable=True,
            comment="Public id of the account, `usr_…`; null if nobody was known.",
        ),
        sa.Column(
            "api_key",
            sa.String(),
            nullable=True,
            comment="How the API key begins that was used; null without one.",
        ),
        sa.Column(
            "experiment_id",
            sa.String(),
            nullable=True,
            comment="Public id of the experiment it was about.",
        ),
        sa.Column(
            "resource",
            sa.String(),
            nullable=True,
            comment="What it was done to, such as a global id; never data.",
        ),
        sa.Column(
            "address", sa.String(), nullable=True, comment="Network address it was asked from."
        ),
        sa.Column("user_agent", sa.String(), nullable=True, comment="The program that asked."),
        sa.Column("reason", sa.String(), nullable=True, comment="Why, as the actor said."),
        sa.Column(
            "hash",
            sa.String(),
            nullable=False,
            comment="SHA-256 over this entry and the hash of the one before, in hexadecimal.",
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_at", ["at", "id"], unique=False)
        batch_op.create_index(
            "ix_audit_entry_experiment_key_at", ["experiment_key", "at", "id"], unique=False
        )

    op.create_table(
        "browser_session",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("user_key", KEY_TYPE, nullable=False),
        sa.Column("api_key_key", KEY_TYPE, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When they signed in."),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="When it ends."),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True, comment="When they signed out."),
        sa.ForeignKeyConstraint(
            ["user_key"], ["user.id"], name=op.f("fk_browser_session_user_key_user")
        ),
        sa.ForeignKeyConstraint(
            ["api_key_key"], ["api_key.id"], name=op.f("fk_browser_session_api_key_key_api_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
        sa.UniqueConstraint("hash", name=op.f("uq_browser_session_hash")),
    )
    with op.batch_alter_table("browser_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_browser_session_user_key"), ["user_key"], unique=False)

    op.create_table(
        "identity",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("user_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(["user_key"], ["user.id"], name=op.f("fk_identity_user_key_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identity_issuer_subject")),
    )
    with op.batch_alter_table("identity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_user_key"), ["user_key"], unique=False)

    op.create_table(
        "sign_in_link",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("user_key", KEY_TYPE, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="When it stops working."),
        sa.Column("used_at", sa.BigInteger(), nullable=True, comment="When it was used."),
        sa.ForeignKeyConstraint(
            ["user_key"], ["user.id"], name=op.f("fk_sign_in_link_user_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_link")),
        sa.UniqueConstraint("hash", name=op.f("uq_sign_in_link_hash")),
    )
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_link_user_key"), ["user_key"], unique=False)

    op.create_table(
        "user_group",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("group_id", sa.String(), nullable=False, comment="Public id, `grp_…`."),
        sa.Column("name", sa.String(), nullable=False, comment="What its owner calls it."),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was made."),
        sa.Column("owner_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_key"], ["user.id"], name=op.f("fk_user_group_owner_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_group")),
        sa.UniqueConstraint("group_id", name=op.f("uq_user_group_group_id")),
    )
    with op.batch_alter_table("user_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_group_owner_key"), ["owner_key"], unique=False)

    op.create_table(
        "group_member",
        sa.Column("group_key", KEY_TYPE, nullable=False),
        sa.Column("user_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_key"],
            ["user_group.id"],
            name=op.f("fk_group_member_group_key_user_group"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_key"], ["user.id"], name=op.f("fk_group_member_user_key_user")
        ),
        sa.PrimaryKeyConstraint("group_key", "user_key", name=op.f("pk_group_member")),
    )
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_group_member_user_key"), ["user_key"], unique=False)

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "last_used_at",
                sa.BigInteger(),
                nullable=True,
                comment="When it was last used, to within a few seconds; null for never.",
            )
        )
        batch_op.add_column(
            sa.Column(
                "use_count",
                sa.BigInteger(),
                nullable=False,
                server_default="0",
                comment="How many requests it was used for.",
            )
        )
        batch_op.add_column(
            sa.Column(
                "last_address",
                sa.String(),
                nullable=True,
                comment="Network address it was last used from.",
            )
        )

    with op.batch_alter_table("collaborator", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "anonymization",
                sa.String(),
                nullable=False,
                server_default="KEEP",
                comment="How much of who the participants are may be seen, and stay in files: KEEP for all of it.",
            )
        )
        batch_op.add_column(
            sa.Column(
                "created_at",
                sa.BigInteger(),
                nullable=True,
                comment="When it was granted; null for what was granted before this was kept.",
            )
        )
        batch_op.add_column(
            sa.Column(
                "expires_at",
                sa.BigInteger(),
                nullable=True,
                comment="When it ends; null for never.",
            )
        )
        batch_op.add_column(sa.Column("group_key", KEY_TYPE, nullable=True))
        batch_op.add_column(sa.Column("granted_by_key", KEY_TYPE, nullable=True))
        batch_op.add_column(sa.Column("data_types", JSON_TYPE, nullable=True))
        batch_op.alter_column("user_key", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_index(batch_op.f("ix_collaborator_group_key"), ["group_key"], unique=False)
        batch_op.create_unique_constraint(
            batch_op.f("uq_collaborator_experiment_key_group_key"), ["experiment_key", "group_key"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_collaborator_group_key_user_group"),
            "user_group",
            ["group_key"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_collaborator_granted_by_key_user"), "user", ["granted_by_key"], ["id"]
        )
        batch_op.create_check_constraint(
            op.f("ck_collaborator_one_grantee"), "(user_key IS NULL) <> (group_key IS NULL)"
        )

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.alter_column("use_count", server_default=None)
    with op.batch_alter_table("collaborator", schema=None) as batch_op:
        batch_op.alter_column("anonymization", server_default=None)

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "disabled_at",
                sa.BigInteger(),
                nullable=True,
                comment="When it was closed: nobody can sign in with it, and its keys do not work.",
            )
        )
    for statement in let_only_add(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for statement in let_change(op.get_bind().dialect.name):
        op.execute(statement)
    op.drop_column("user", "disabled_at")  # not written anew: others refer to its rows

    op.execute("DELETE FROM collaborator WHERE user_key IS NULL")
    with op.batch_alter_table("collaborator", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_collaborator_one_grantee"), type_="check")
        batch_op.drop_constraint(
            batch_op.f("fk_collaborator_granted_by_key_user"), type_="foreignkey"
        )
        batch_op.drop_constraint(
            batch_op.f("fk_collaborator_group_key_user_group"), type_="foreignkey"
        )
        batch_op.drop_constraint(
            batch_op.f("uq_collaborator_experiment_key_group_key"), type_="unique"
        )
        batch_op.drop_index(batch_op.f("ix_collaborator_group_key"))
        batch_op.alter_column("user_key", existing_type=sa.INTEGER(), nullable=False)
        batch_op.drop_column("data_types")
        batch_op.drop_column("granted_by_key")
        batch_op.drop_column("group_key")
        batch_op.drop_column("expires_at")
        batch_op.drop_column("created_at")
        batch_op.drop_column("anonymization")

    with op.batch_alter_table("browser_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_browser_session_user_key"))

    op.drop_table("browser_session")

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_column("last_address")
        batch_op.drop_column("use_count")
        batch_op.drop_column("last_used_at")

    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_group_member_user_key"))

    op.drop_table("group_member")
    with op.batch_alter_table("user_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_group_owner_key"))

    op.drop_table("user_group")
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_link_user_key"))

    op.drop_table("sign_in_link")
    with op.batch_alter_table("identity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_user_key"))

    op.drop_table("identity")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_experiment_key_at")
        batch_op.drop_index("ix_audit_entry_at")

    op.drop_table("audit_entry")

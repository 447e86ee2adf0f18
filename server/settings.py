"""Everything an operator may set, read once from the environment (`HYPERDATA_…`)."""

import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

SECRETS_DIR = "HYPERDATA_SECRETS_DIR"
"""Names a folder where settings may be files, such as `hyperdata_secret`: what is secret need then
not be in the environment, which others can see."""

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Settings(BaseSettings):
    """Defaults serve one laptop; a data folder is all that must be named."""

    model_config = SettingsConfigDict(env_prefix="HYPERDATA_", frozen=True)

    data_dir: Path = Field(
        default=Path("hyperdata-data"),
        description="Folder of the embedded database, the files and the signing secret.",
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL; `sqlite+aiosqlite` in the data folder when left out.",
    )
    replica_url: str | None = Field(
        default=None,
        description="A streaming replica of the database in PostgreSQL, for queries; as the "
        "database's URL.",
    )
    replica_patience_seconds: float = Field(
        default=0.1,
        ge=0,
        description="How long a query waits for the replica to have all that was committed before "
        "it; then the database itself is asked.",
    )
    storage_url: str | None = Field(
        default=None,
        description="Where files go: `file:///…` or `s3://bucket/folder`; `files/` in the data "
        "folder when left out.",
    )
    storage_endpoint: str | None = Field(
        default=None,
        description="Where the API of an object store is that is not Amazon's, such as "
        "https://minio.lab.example:9000.",
    )
    storage_public_url: str | None = Field(
        default=None,
        description="Where browsers reach the object store, if not at its endpoint: scheme, host "
        "and port.",
    )
    storage_redirects: bool = Field(
        default=True,
        description="Whether the object store itself sends files to whoever has a link; off, they "
        "pass through the server.",
    )
    public_url: str | None = Field(
        default=None,
        description="Address at which people reach the server; the request's own when left out.",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="Signs download links and cookies; made and kept in the data folder when left "
        "out.",
    )
    link_seconds: int = Field(
        default=3600, ge=1, description="How long a download link works, in seconds."
    )
    session_seconds: int = Field(
        default=12 * 3600, ge=1, description="How long a browser stays signed in, in seconds."
    )
    contact: str | None = Field(
        default=None,
        description="Whom people should ask who cannot sign in, such as an e-mail address.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="OpenID Connect provider to sign in with: its issuer, as it states it.",
    )
    oidc_client_id: str = Field(
        default="", description="What the provider calls this server; needed with an issuer."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="What the provider gave this server; none for a public client."
    )
    oidc_name: str = Field(
        default="your organisation", description="What people call the provider, for the button."
    )
    oidc_create: bool = Field(
        default=False,
        description="Whether whoever the provider vouches for gets a researcher's account.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies in front, separated by commas: they are "
        "believed who asks, and whether by https.",
    )
    wrong_keys_a_minute: int = Field(
        default=30,
        ge=1,
        description="How many wrong API keys may come from an address in a minute before it waits.",
    )
    fast_path: bool = Field(
        default=True,
        description="Whether compiled plans execute selections; off, graphql-core alone does.",
    )
    ingest_at_once: int = Field(
        default=16,
        ge=1,
        description="How many may add records at once: others are told to come again.",
    )
    upload_max_bytes: int = Field(
        default=2 << 30, ge=1, description="How large an uploaded file may be, in bytes."
    )
    uploads_at_once: int = Field(
        default=8,
        ge=1,
        description="How many files may be uploaded at once: others are told to come again.",
    )
    export_workers: int = Field(
        default=1, ge=0, description="Worker processes this server keeps; 0 leaves jobs to others."
    )
    chores: bool | None = Field(
        default=None,
        description="Whether this process looks for what is due, such as schedules and retention. "
        "Left out: on PostgreSQL whoever writes exports, once a tick in all; else every server.",
    )
    export_days: int = Field(
        default=7, ge=1, description="How long a finished export is kept, in days."
    )
    erasure_grace_days: float = Field(
        default=7,
        ge=0,
        description="How long an erasure that was confirmed can still be canceled, in days.",
    )
    checkpoint_seconds: float = Field(
        default=5,
        ge=0,
        description="How often a file that is being written is made certain, in seconds: what was "
        "written since is lost when its worker dies.",
    )
    webhook_loopback: bool = Field(
        default=False,
        description="Whether webhooks may lead to this machine, also by http; else to public "
        "addresses alone, by https.",
    )
    storage_patience_seconds: float = Field(
        default=600,
        ge=0,
        description="How long an export waits for a store that is out of reach, in seconds.",
    )
    partition_from_rows: int = Field(
        default=1_000_000,
        ge=0,
        description="From how many records of a type on an experiment gets a partition of its own, "
        "on PostgreSQL; 0 for never.",
    )
    partitions_max: int = Field(
        default=64,
        ge=0,
        description="How many experiments may have partitions of their own, in each table.",
    )
    smallest_cell: int = Field(
        default=5, ge=3, description="How many participants a statistic in a file must describe."
    )
    lease_seconds: float = Field(
        default=15, ge=1, description="How long a job outlives a silent worker, in seconds."
    )
    sockets_per_key: int = Field(
        default=1000,
        ge=1,
        description="How many websockets a key may have open at a process, and a person signed in.",
    )
    operations_per_socket: int = Field(
        default=100, ge=1, description="How many operations may go on at once on a websocket."
    )
    most_cost: int = Field(
        default=1_000_000_000,
        ge=1,
        description="What an operation may cost, in points: about the rows that it may return.",
    )
    budget: int = Field(
        default=10_000_000,
        ge=0,
        description="How many points an API key, or a user who is signed in, may spend at once; 0 "
        "for no bound.",
    )
    budget_refill: int = Field(
        default=200_000, ge=1, description="How many points of a budget come back in a second."
    )
    deadline_seconds: float = Field(
        default=30,
        gt=0,
        description="How long an operation may take, in seconds; subscriptions go on.",
    )
    documents_file: Path | None = Field(
        default=None,
        description="Persisted documents, by id: a JSON file as graphql-codegen and relay-compiler "
        "write it.",
    )
    persisted_only: bool = Field(
        default=False, description="Whether persisted documents alone are executed."
    )
    introspection: bool = Field(
        default=True, description="Whether clients may ask for the schema itself."
    )
    production: bool = Field(
        default=False,
        description="Whether errors keep to themselves which names of the schema may be meant.",
    )
    access_log: bool = Field(
        default=True, description="Whether each request is a line in the log, without who asks."
    )
    slow_seconds: float = Field(
        default=1,
        ge=0,
        description="After how long an operation is told of in the log with its plan, in seconds.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="Who sends it to /metrics as a bearer token is shown the metrics; this machine "
        "alone when left out.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="Where traces are sent, such as http://127.0.0.1:4318/v1/traces; needs the "
        "extra `opentelemetry`.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names by which the server may be asked, separated by commas; `*.example.org` "
        "is any below. This machine's and the one of the public URL always may; left out, "
        "addresses may, too.",
    )
    cors_origins: str = Field(
        default="",
        description="Origins whose pages may ask from browsers, by key, separated by commas, such "
        "as `https://lab.example.org`; `*` is any.",
    )
    body_max_bytes: int = Field(
        default=4 << 20,
        ge=1,
        description="How large a request's body may be, in bytes; not of /ingest and of uploads.",
    )
    header_max_bytes: int = Field(
        default=32 << 10,
        ge=1024,
        description="How large a request's line and headers may be together, in bytes.",
    )
    header_seconds: float = Field(
        default=15, gt=0, description="How long a client may take to send its headers, in seconds."
    )
    body_seconds: float = Field(
        default=30,
        gt=0,
        description="How long a client may take to send a body, in seconds, and 1 s a KiB of it.",
    )
    unread_seconds: float = Field(
        default=60,
        gt=0,
        description="How long a client may leave an answer unread until it is cut off, in seconds.",
    )
    connections_max: int = Field(
        default=5000,
        ge=1,
        description="How many connections may be open: then idle ones make room, or new ones wait.",
    )
    compress_from_bytes: int = Field(
        default=16 << 10,
        ge=0,
        description="From how many bytes on JSON is compressed for whoever takes gzip; 0 is never.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the folder of secrets that the environment names; the environment goes before it."""
        del dotenv_settings, file_secret_settings
        folder = os.environ.get(SECRETS_DIR)
        if folder is None or not Path(folder).is_dir():  # see below
            return init_settings, env_settings
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, folder)

    @model_validator(mode="after")
    def _has_secrets(self) -> Self:
        folder = os.environ.get(SECRETS_DIR)
        if folder is not None and not Path(folder).is_dir():  # it would make a secret of its own
            raise ValueError(f"{SECRETS_DIR} names no folder.")
        return self

    @model_validator(mode="after")
    def _can_ask_provider(self) -> Self:
        if self.oidc_issuer is None:
            return self
        if not self.oidc_client_id:
            raise ValueError("HYPERDATA_OIDC_CLIENT_ID is needed with HYPERDATA_OIDC_ISSUER.")
        parts = urlsplit(self.oidc_issuer)
        if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
            raise ValueError("HYPERDATA_OIDC_ISSUER must start with https://.")
        return self

    @model_validator(mode="after")
    def _can_follow(self) -> Self:
        kind = "postgresql+asyncpg://"
        if self.replica_url is None:
            return self
        if not self.replica_url.startswith(kind) or not self.database.startswith(kind):
            raise ValueError(
                "HYPERDATA_REPLICA_URL is for PostgreSQL: it must start with "
                "postgresql+asyncpg://, and so must HYPERDATA_DATABASE_URL."
            )
        return self

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'hyperdata.db'}"

    @property
    def spool(self) -> Path:
        """The folder in which files are written before they go into the store."""
        return self.data_dir / "spool"

    @property
    def uploads(self) -> Path:
        """The folder in which uploads are written before they go into the store."""
        return self.data_dir / "uploads"

    @property
    def storage_origin(self) -> str | None:
        """Where browsers reach the object store, if that was said."""
        return None if self.storage_public_url is None else self.storage_public_url.rstrip("/")

    @property
    def storage(self) -> str:
        """The store's URL, the default filled in."""
        return self.storage_url or (self.data_dir / "files").absolute().as_uri()

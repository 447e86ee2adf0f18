"""Everything an operator may set, read once from the environment (`HYPERDATA_…`)."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

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
    storage_url: str | None = Field(
        default=None,
        description="Where files go: `file:///…`; `files/` in the data folder when left out.",
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
    smallest_cell: int = Field(
        default=5, ge=3, description="How many participants a statistic in a file must describe."
    )
    lease_seconds: float = Field(
        default=15, ge=1, description="How long a job outlives a silent worker, in seconds."
    )

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
    def storage(self) -> str:
        """The store's URL, the default filled in."""
        return self.storage_url or (self.data_dir / "files").absolute().as_uri()

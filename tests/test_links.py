"""Signed links, and the secret that signs them."""

import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from server.links import LinkExpired, LinkInvalid, Signer, load_secret
from server.settings import Settings


@dataclass
class Clock:
    """A time that passes when a test says so."""

    seconds: float = 1_800_000_000

    def __call__(self) -> float:
        return self.seconds


def test_a_link_holds_for_its_time_and_no_longer() -> None:
    clock = Clock()
    signer = Signer("secret", 3600, clock)
    token = signer.sign("export", 7, 1)
    clock.seconds += 3600
    signer.check("export", token, 7)
    clock.seconds += 1
    with pytest.raises(LinkExpired, match="read downloadUrl again"):
        signer.check("export", token, 7)


def test_a_link_holds_for_one_thing_and_one_purpose() -> None:
    signer = Signer("secret", 3600)
    token = signer.sign("export", 7, 1)
    signer.check("export", token, 7)
    middle = len(token) // 2
    tampered = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    other = Signer("other", 3600).sign("export", 7, 1)
    for_recording = signer.sign("recording", 7, 1)
    for_another = signer.sign("export", 8, 1)
    for wrong in (for_another, for_recording, other, tampered, f"x{token}", "", "\0é.b.c"):
        with pytest.raises(LinkInvalid, match="read downloadUrl again"):
            signer.check("export", wrong, 7)


def test_the_secret_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    secret = load_secret(settings)
    assert len(bytes.fromhex(secret)) == 32
    assert load_secret(settings) == secret
    [kept] = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load_secret(Settings(data_dir=tmp_path / "other")) != secret


def test_the_secret_of_the_operator_comes_first(tmp_path: Path) -> None:
    assert load_secret(Settings(data_dir=tmp_path, secret=SecretStr("mine"))) == "mine"
    assert list(tmp_path.iterdir()) == []

"""What is installed is pinned, by hash, and from whichever registry a machine has."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parent.parent / "requirements"
LOCKS = [FOLDER / "run.txt", FOLDER / "test.txt"]


def pins(lock: Path) -> list[Requirement]:
    lines = re.findall(r"^([A-Za-z0-9][^\\\n]*)", lock.read_text(), flags=re.MULTILINE)
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", sorted(FOLDER.glob("*.txt")), ids=lambda lock: lock.name)
def test_each_pin_has_one_version_and_its_hashes_and_names_no_host(lock: Path) -> None:
    assert len(pins(lock)) > (20 if lock in LOCKS else 0)
    for pin in pins(lock):
        assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), f"{pin} is no one version"
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_pin_keeps_the_extras_that_others_ask_of_it(lock: Path) -> None:
    """Or an older pip takes `coverage[toml]` for a project without a pin, and the newest of it."""
    pinned = {canonicalize_name(pin.name): pin for pin in pins(lock)}
    asked = 0
    for pin in (Requirement("hyperstudy-data"), *pinned.values()):
        try:
            needs = [Requirement(need) for need in requires(pin.name) or ()]
        except PackageNotFoundError:
            continue  # for another platform or another Python
        for need in needs:
            here = not need.marker or any(
                need.marker.evaluate({"extra": extra}) for extra in (*pin.extras, "")
            )
            if need.extras and here and (other := pinned.get(canonicalize_name(need.name))):
                asked += 1
                assert need.extras <= other.extras, f"{pin} needs {need}, the lock has {other}"
    assert asked

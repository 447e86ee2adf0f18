"""The wheel: it carries all that its users need, the built pages included."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent
CARRIED = (
    "server/static/index.html",
    "server/static/graphiql.html",
    "server/demo/face.webp",
    "server/migrations/env.py",
    "server/migrations/versions/0001_the_first_schema.py",
    "server/schema/schema.graphql",
)


def build(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_the_wheel_carries_the_pages_and_the_data(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path)
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("hyperstudy_data-*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [entry_points] = [n for n in names if n.endswith("/entry_points.txt")]
        assert "hyperdata = server.cli:app" in archive.read(entry_points).decode()
    assert set(CARRIED) <= names
    assert any(name.startswith("server/static/assets/") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "web/", "bench/"))]


def test_a_wheel_without_the_pages_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "source"
    shutil.copytree(
        ROOT / "server", root / "server", ignore=shutil.ignore_patterns("static", "__pycache__")
    )
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root / name)

    built = build(root, tmp_path)

    assert built.returncode != 0
    assert "run `make pages` first" in built.stdout + built.stderr

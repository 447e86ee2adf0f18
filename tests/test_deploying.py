"""What a server is deployed by: each file is checked by its format's rules, and for its safety."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from server.cli import app
from server.settings import SECRETS_DIR, Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
KUBERNETES = "1.33"

HARDENED = {
    "CapabilityBoundingSet": "",
    "DynamicUser": "yes",
    "LockPersonality": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "PrivateUsers": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "StateDirectory": "hyperdata",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
}
"""What every unit says."""

OTHER_KEYS = {
    "Unit": {"Description", "After", "Wants"},
    "Service": {
        *("Type", "ExecStart", "ExecReload", "Restart", "RestartSec", "TimeoutStopSec"),
        *("Environment", "EnvironmentFile", "LoadCredential", "RuntimeDirectory", "LimitNOFILE"),
        *("User", "StateDirectoryMode", "WorkingDirectory", "CPUWeight", "AmbientCapabilities"),
        *("SystemCallFilter", "SystemCallErrorNumber", "RestrictAddressFamilies", "RemoveIPC"),
        *("DevicePolicy", "KeyringMode"),
    },
    "Install": {"WantedBy"},
}
"""What units say besides: systemd passes over a key that it does not know."""

MOST_EXPOSED = 1.5
"""Of 10, by `systemd-analyze security`."""


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the tools that come with the tests."""
    program, *rest = map(str, arguments)
    beside = Path(sys.executable).parent / program
    found = [str(beside if beside.exists() else program), *rest]
    return subprocess.run(found, capture_output=True, text=True, check=False)


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions, each in one line."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", dockerfile))
    split = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(name, rest.strip()) for name, _, rest in split]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text())


def sent_to_builds(path: str) -> bool:
    """Say whether .dockerignore lets a file be a part of an image: the last rule that fits."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        rule = line.removeprefix("!").rstrip("/")
        parts = path.split("/")
        above = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if line and not line.startswith("#"):
            names = parts if rule.startswith("**/") else above
            if any(fnmatch(each, rule.removeprefix("**/")) for each in names):
                sent = line.startswith("!")
    return sent


def pins(name: str) -> dict[str, str]:
    """Return the versions that a lock file names."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text))


def test_the_dockerfile_passes_its_linter() -> None:
    checked = command("hadolint", "--failure-threshold", "style", ROOT / "Dockerfile")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_the_image_is_made_of_what_is_there() -> None:
    copied = [
        source
        for name, rest in DOCKERFILE
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert "server/" in copied
    assert "requirements/servers.txt" in copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert sent_to_builds(source.rstrip("/")), source
    assert sent_to_builds("server/schema/schema.graphql")
    for left_out in ("server/static/graphiql.html", "secrets/secret", ".git", "demo-data/x.db"):
        assert not sent_to_builds(left_out), left_out
    assert not sent_to_builds("web/node_modules/vite")
    assert not sent_to_builds("server/schema/__pycache__/x.pyc")


def test_the_image_runs_as_nobody_and_installs_only_what_is_pinned() -> None:
    last = max(n for n, (name, _) in enumerate(DOCKERFILE) if name == "FROM")
    of_the_image = dict(DOCKERFILE[last:])
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", of_the_image["USER"])
    assert of_the_image["STOPSIGNAL"] == "SIGTERM"
    assert of_the_image["ENTRYPOINT"] == '["hyperdata"]'
    assert of_the_image["HEALTHCHECK"].endswith('CMD ["hyperdata", "probe"]')
    installs = [part for name, rest in DOCKERFILE if name == "RUN" for part in rest.split("&&")]
    for each in installs:
        if " install " in each and "pip" in each:
            assert "--require-hashes" in each or "--no-deps --no-index" in each, each


@pytest.mark.parametrize("name", ["servers", "build"])
def test_what_is_installed_was_tested(name: str) -> None:
    tested = pins("run") | pins("test")
    assert pins(name) == {each: tested[each] for each in pins(name)}


def test_servers_get_all_that_the_package_needs() -> None:
    assert pins("run").items() <= pins("servers").items()
    assert pins("servers").keys() >= {"asyncpg", "adbc-driver-postgresql", "procrastinate"}
    assert "opentelemetry-sdk" in pins("servers")


def test_compose_is_valid_and_names_only_what_it_has() -> None:
    rules = json.loads((ROOT / "tests" / "deploying" / "compose-spec.json").read_text())
    assert [error.message for error in Draft202012Validator(rules).iter_errors(COMPOSE)] == []
    services = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= services.keys(), name
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys(), name
        volumes = {each.split(":")[0] for each in service.get("volumes", [])}
        assert volumes <= COMPOSE["volumes"].keys(), name
        assert re.search(r":[\w.-]+$", service["image"]) or "build" in service, name


def test_compose_gives_our_processes_little_and_holds_no_secret() -> None:
    for name in ("migrate", "serve", "worker"):
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in service
        assert service["environment"][SECRETS_DIR] == "/run/secrets"
    for service in COMPOSE["services"].values():
        for variable, value in service.get("environment", {}).items():
            if "SECRET_ACCESS" in variable or "PASSWORD" in variable:
                assert str(value).startswith(("${", "/run/secrets/")), variable
    for each in COMPOSE["secrets"].values():
        assert each["file"].startswith("./secrets/")
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def sections(unit: Path) -> dict[str, list[tuple[str, str]]]:
    """Return what a unit says, a list of pairs a section."""
    said: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            said.setdefault(section, []).append((key, value))
    return said


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_valid_and_confined(unit: Path, tmp_path: Path) -> None:
    said = sections(unit)
    for section, pairs in said.items():
        keys = {key for key, _ in pairs}
        hardened = HARDENED.keys() if section == "Service" else set()
        assert keys <= OTHER_KEYS[section] | hardened, section
    assert HARDENED.items() <= dict(said["Service"]).items()

    if shutil.which("systemd-analyze") is None:
        return
    text = unit.read_text().replace("/opt/hyperdata/bin/hyperdata", sys.executable)
    copied = tmp_path / unit.name
    copied.write_text(text)
    verified = command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copied)
    assert (verified.returncode, verified.stderr) == (0, "")
    exposed = command("systemd-analyze", "security", "--offline=yes", "--no-pager", copied)
    level = re.search(r"exposure level for \S+: ([\d.]+)", exposed.stdout)
    assert level is not None, exposed.stderr
    assert float(level[1]) <= MOST_EXPOSED


def objects() -> Iterator[dict[str, Any]]:
    for manifest in MANIFESTS:
        yield from yaml.safe_load_all(manifest.read_text())


def pods() -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield what has pods, and what is said of those."""
    for each in objects():
        if "template" in each.get("spec", {}):
            yield each, each["spec"]["template"]


def test_kubernetes_takes_the_manifests() -> None:
    checked = command("kubernetes-validate", "--strict", "-k", KUBERNETES, *MANIFESTS)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert not [each for each in objects() if each["kind"] == "Secret"]


def test_pods_are_confined_found_and_ended_in_time() -> None:
    found = list(pods())
    assert [each["kind"] for each, _ in found] == ["Job", "Deployment", "Deployment"]
    for each, pod in found:
        [container] = pod["spec"]["containers"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        mounted = {volume["name"] for volume in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
        if each["kind"] == "Deployment":
            assert each["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    labels = [pod["metadata"]["labels"] for _, pod in found]
    kinds = ("Service", "PodDisruptionBudget")
    for each in filter(lambda each: each["kind"] in kinds, objects()):
        selector = each["spec"]["selector"]
        assert selector.get("matchLabels", selector) in labels


def arguments() -> Iterator[Sequence[str]]:
    """Yield the commands that our processes are started with, in all the files."""
    [said] = [rest for name, rest in DOCKERFILE if name == "CMD"]
    yield json.loads(said)
    for name in ("migrate", "serve", "worker"):
        yield COMPOSE["services"][name]["command"]
    for _, pod in pods():
        yield pod["spec"]["containers"][0]["args"]
    for unit in UNITS:
        started = dict(sections(unit)["Service"])["ExecStart"]
        yield re.sub(r"\$\{?\w+\}?", "", started).split()[1:]


def test_the_files_name_only_commands_and_settings_that_there_are() -> None:
    commands = {
        each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
    }
    assert {each[0] for each in arguments()} <= commands
    known = {f"HYPERDATA_{name.upper()}" for name in Settings.model_fields}
    known |= {SECRETS_DIR}
    for file in (ROOT / "Dockerfile", ROOT / "compose.yaml", *MANIFESTS, *UNITS):
        text = file.read_text()
        for line in text.splitlines():
            if not line.lstrip().startswith("#"):
                named = set(re.findall(r"\bHYPERDATA_[A-Z_]+", line))
                assert named <= known, file

"""A release can be made again, byte by byte, and works where it is installed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

import curator
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = "1760000000"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Path]]:
    """Wheel and sdist, built twice from two copies of what is tracked."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    found = []
    for turn in ("one", "two"):
        folder = tmp_path_factory.mktemp(turn)
        source = folder / f"a-checkout-{turn}"
        copy_of_the_tree(source)
        for target in ("wheel", "sdist"):
            subprocess.run(
                [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder / "dist"],
                cwd=source,
                env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH},
                check=True,
                capture_output=True,
            )
        dist = folder / "dist"
        found.append({"wheel": next(dist.glob("*.whl")), "sdist": next(dist.glob("*.tar.gz"))})
    return found


def copy_of_the_tree(target: Path) -> None:
    names = ("curator", "rules", "sample_data", "docs", "pyproject.toml", "README.md", "LICENSE")
    target.mkdir()
    for name in (*names, "CHANGELOG.md", "constraints.txt", "Makefile"):
        origin = ROOT / name
        if origin.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(origin, target / name, ignore=ignored)
        elif origin.exists():
            shutil.copy2(origin, target / name)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_are_the_same_bytes(built: list[dict[str, Path]], kind: str) -> None:
    one, two = (hashlib.sha256(paths[kind].read_bytes()).hexdigest() for paths in built)
    assert one == two
    assert built[0][kind].name == built[1][kind].name


def test_the_version_comes_from_one_place(built: list[dict[str, Path]]) -> None:
    assert f"-{curator.__version__}-" in built[0]["wheel"].name
    with zipfile.ZipFile(built[0]["wheel"]) as wheel:
        metadata = next(n for n in wheel.namelist() if n.endswith("METADATA"))
        told = wheel.read(metadata).decode()
    assert f"\nVersion: {curator.__version__}\n" in told
    for path in (ROOT / "pyproject.toml", ROOT / "mkdocs.yml"):
        assert not re.search(
            rf"version\s*[=:]\s*['\"]?{re.escape(curator.__version__)}", path.read_text()
        )


def test_the_wheel_holds_what_is_needed_and_nothing_else(built: list[dict[str, Path]]) -> None:
    with zipfile.ZipFile(built[0]["wheel"]) as wheel:
        names = wheel.namelist()
    assert {n.partition("/")[0].partition("-")[0] for n in names} == {"curator", "curator_data"}
    for needed in ("rules_data/policy.yaml", "rules_data/domains/medical/policy.yaml", "py.typed"):
        assert f"curator/{needed}" in names
    assert not [n for n in names if n.endswith((".pyc", ".orig")) or "__pycache__" in n]
    with tarfile.open(built[0]["sdist"]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"rules/policy.yaml", "README.md", "docs/index.md"} <= inside


def test_the_wheel_runs_where_it_is_installed_alone(
    built: list[dict[str, Path]], tmp_path: Path
) -> None:
    """As pipx has it: an environment of its own, whose other packages are those of this one."""
    site, pip = tmp_path / "site", [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run(
        [*pip, "--no-deps", "--target", site, built[0]["wheel"]],
        check=True,
        capture_output=True,
    )
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", "import curator; print(curator.__file__)"],
        cwd=tmp_path,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    assert str(site) in done.stdout
    for arguments in (
        ["version"],
        ["init", str(tmp_path / "p"), "--profile", "legal"],
        ["rules", "check"],
    ):
        subprocess.run(
            [sys.executable, str(site / "bin" / "curator"), *arguments],
            cwd=tmp_path,
            env=env,
            check=True,
            capture_output=True,
        )
    assert (tmp_path / "p" / "rules" / "domains" / "legal" / "policy.yaml").is_file()

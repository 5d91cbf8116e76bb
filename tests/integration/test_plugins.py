"""Plug-ins of another package, made from the tutorial by its words alone; and broken ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, clean_env, command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = ("plugins.md", "plugins.zh-CN.md")
OFF = """
  encoding: false
  pii: false
  mentions: false
  quality: false
  language: false
  non_answers: false
  volatility: false
  exact_duplicates: false
  near_duplicates: false
  semantic_duplicates: false
  contamination: false
  contradictions: false
  label_issues: false
  category_labels: false
  outliers: false
"""
"""All of our own checks are off: the plug-in's is what is tried."""


def blocks(page: str = PAGES[0]) -> dict[str, str]:
    """Return the tutorial's files by their names."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', text, flags=re.DOTALL))


def install(files: dict[str, str], site: Path) -> None:
    """Put a package where Python looks, with what pip would write of its entry points."""
    project = tomllib.loads(files["pyproject.toml"])["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
            for group, points in project["entry-points"].items()
        )
    )
    for name, text in files.items():
        if name.startswith("curator_"):
            path = site / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")


def project(folder: Path, files: dict[str, str], *, off: str = OFF) -> Path:
    """Make the tutorial's project."""
    folder.mkdir(exist_ok=True)
    (folder / "shop.faq").write_text(files["shop.faq"], "utf-8")
    (folder / "curator.yaml").write_text(files["curator.yaml"] + off, "utf-8")
    return folder


def run(site: Path, *arguments: object, code: int = 0, workers: bool = False) -> Any:
    done = subprocess.run(
        [command(), *map(str, arguments), *(["-w", "2"] if workers else [])],
        env=clean_env(PYTHONPATH=str(site)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def found(folder: Path) -> list[tuple[str, float]]:
    import pyarrow.parquet as pq

    files = sorted(folder.glob(".curator/findings/shouting/*/*.parquet"))
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    return sorted((row["code"], row["score"]) for row in rows)


def test_both_languages_tell_the_same_files() -> None:
    assert blocks(PAGES[0]) == blocks(PAGES[1])
    assert {"curator_shouting/check.py", "curator_shouting/source.py"} <= set(blocks())


def test_the_tutorials_package_works(tmp_path: Path) -> None:
    files, site = blocks(), tmp_path / "site"
    install(files, site)
    listed = json.loads(run(site, "plugins", "--json").stdout)
    assert [(p["kind"], p["name"], p["state"]) for p in listed] == [
        ("checks", "shouting", "loads"),
        ("sources", "shouting-faq", "loads"),
        ("targets", "shelf", "loads"),
    ]
    folder = project(tmp_path / "p", files)
    run(site, "init", tmp_path / "rules", "--no-preview")
    (tmp_path / "rules" / "rules").rename(folder / "rules")
    with (folder / "rules" / "policy.yaml").open("a", encoding="utf-8") as policy:
        policy.write(files["rule"])
    assert "0 problems" in run(site, "rules", "check", "-p", folder).stderr
    run(site, "run", folder)
    assert found(folder) == [("SHT001", 0.6), ("SHT001", 0.9)]
    told = json.loads(run(site, "why", "shop.faq#line 1", "-p", folder, "--json").stdout)
    assert told["decision"]["action"] == "review"
    assert told["decision"]["rules"][0]["id"] == "review-shouting"
    status = json.loads(run(site, "status", "-p", folder, "--json").stdout)
    assert status["checks"] == {"shouting": "fresh"}
    assert status["conserved"]
    # Whatever the number of workers.
    other = project(tmp_path / "q", files)
    run(site, "ingest", "-p", other)
    run(site, "check", "-p", other, workers=True)
    assert found(other) == found(folder)


def test_a_new_version_or_parameter_makes_the_run_stale(tmp_path: Path) -> None:
    files, folder = blocks(), tmp_path / "p"
    install(files, tmp_path / "one")
    project(folder, files)
    run(tmp_path / "one", "ingest", "-p", folder)
    run(tmp_path / "one", "check", "-p", folder)

    def state(site: Path) -> str:
        told = json.loads(run(site, "status", "-p", folder, "--json").stdout)
        return str(told["checks"]["shouting"])

    assert state(tmp_path / "one") == "fresh"
    newer = files | {"pyproject.toml": files["pyproject.toml"].replace("0.1.0", "0.2.0")}
    install(newer, tmp_path / "two")
    assert state(tmp_path / "two") == "stale"
    changed = files | {"curator.yaml": files["curator.yaml"].replace("0.5", "0.7")}
    project(folder, changed)
    assert state(tmp_path / "one") == "stale"


def test_what_is_installed_beside_changes_no_project(tmp_path: Path) -> None:
    files, folder = blocks(), tmp_path / "p"
    install(files, tmp_path / "site")
    project(folder, files | {"curator.yaml": "sources: [{path: shop.faq}]\nchecks:"})
    run(tmp_path / "site", "ingest", "-p", folder)
    assert (
        json.loads(run(tmp_path / "site", "status", "-p", folder, "--json").stdout)["checks"] == {}
    )
    done = run(tmp_path / "site", "check", "shouting", "-p", folder, code=2)
    assert "checks: {shouting: true}" in done.stderr


BROKEN = {
    "cannot be loaded: AttributeError": "pass\n",
    "has no version": '    version = ""\n',
    "must have view": '    view = "raw"\n',
    "which another check has": "    codes = (Code('PII001', 'a', 'b', 'c'),)\n",
    "three to five capital letters": "    codes = (Code('x', 'a', 'b', 'c'),)\n",
    "needs pii_rules": "    needs = ('pii_rules',)\n",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose packages this very process sees as installed."""
    from curator import checks, plugins

    monkeypatch.syspath_prepend(tmp_path)
    known = (plugins.plugins, checks._of_plugin)
    for cached in known:
        cached.cache_clear()
    yield tmp_path
    for cached in known:
        cached.cache_clear()
    for name in [n for n in sys.modules if n.startswith("curator_shouting")]:
        del sys.modules[name]


@pytest.mark.parametrize("what", BROKEN)
def test_a_class_that_is_no_check_is_told_of(what: str, site: Path) -> None:
    from curator.checks import check_class
    from curator.errors import PluginError
    from curator.plugins import PluginWarning

    files, line = blocks(), BROKEN[what]
    name = "curator_shouting/check.py"
    if what.startswith("cannot"):
        files[name] = line
    else:
        files[name] = files[name].replace("    def __init__", line + "\n    def __init__", 1)
    install(files, site)
    with pytest.warns(PluginWarning, match=what):
        broken = check_class("shouting")
    with pytest.raises(PluginError, match=what):
        broken()


def test_a_check_that_cannot_be_loaded_names_itself_and_stops_only_itself(tmp_path: Path) -> None:
    files, folder = blocks(), tmp_path / "p"
    files["curator_shouting/check.py"] = "import nothing_of_the_kind\n"
    install(files, tmp_path / "site")
    project(folder, files, off=OFF.replace("  quality: false\n", ""))
    run(tmp_path / "site", "ingest", "-p", folder)
    done = run(tmp_path / "site", "check", "-p", folder, code=2)
    assert "cannot be loaded: ModuleNotFoundError" in done.stderr
    assert "the plug-in shouting (curator-shouting 0.1.0)" in done.stderr
    assert "mend or remove the package curator-shouting" in done.stderr
    status = json.loads(run(tmp_path / "site", "status", "-p", folder, "--json").stdout)
    assert status["checks"] == {"quality": "fresh", "shouting": "failed"}
    run(tmp_path / "site", "decide", "-p", folder, code=1)  # it did not run: no silence


def test_a_check_that_fails_tells_its_place_and_no_text(tmp_path: Path) -> None:
    files, folder = blocks(), tmp_path / "p"
    name = "curator_shouting/check.py"
    files[name] = files[name].replace(
        "                if part.role",
        "                raise ValueError(part.text)\n                if part.role",
    )
    install(files, tmp_path / "site")
    project(folder, files, off=OFF.replace("  quality: false\n", ""))
    run(tmp_path / "site", "ingest", "-p", folder)
    for workers in (False, True):
        done = run(tmp_path / "site", "check", "-p", folder, code=2, workers=workers)
        assert re.search(
            r"\(curator-shouting 0\.1\.0\) failed: ValueError at check\.py:\d+", done.stderr
        )
        assert "ship" not in done.stderr
    status = json.loads(run(tmp_path / "site", "status", "-p", folder, "--json").stdout)
    assert status["checks"] == {"quality": "fresh", "shouting": "failed"}


@pytest.mark.parametrize("broken", ["load", "recognise", "name"])
def test_a_broken_source_is_left_out_with_a_warning(broken: str, tmp_path: Path) -> None:
    files, folder = blocks(), tmp_path / "p"
    name = "curator_shouting/source.py"
    files[name] = {
        "load": "import nothing_of_the_kind\n",
        "recognise": files[name].replace("    first =", "    raise KeyError\n    first ="),
        "name": files[name].replace('Format("faq"', 'Format("csv"'),
    }[broken]
    install(files, tmp_path / "site")
    folder.mkdir()
    (folder / "qa.csv").write_text("question,answer\nWhen?,On Monday.\n", "utf-8")
    (folder / "curator.yaml").write_text("sources: [{path: qa.csv}]\n", "utf-8")
    done = run(tmp_path / "site", "ingest", "-p", folder)
    assert "warning: the plug-in shouting-faq (curator-shouting 0.1.0)" in done.stderr
    assert "records: 1 added" in done.stderr


def test_a_source_that_loses_lines_is_stopped(tmp_path: Path) -> None:
    files, folder = blocks(), tmp_path / "p"
    name = "curator_shouting/source.py"
    files[name] = files[name].replace('yield SetAside(place, "blank line")', "pass")
    install(files, tmp_path / "site")
    project(folder, files)
    done = run(tmp_path / "site", "ingest", "-p", folder, code=2)
    assert "lost units of shop.faq: 8 counted by the tally, 6 told of" in done.stderr
    assert (
        json.loads(run(tmp_path / "site", "status", "-p", folder, "--json").stdout)["records"] == 0
    )


TARGET = "curator_shouting/target.py"
CHUNKS = {"a": "退款一般要三天。", "b": "A refund takes three days."}


def followed(root: Path, texts: dict[str, str], *kinds: str) -> list[tuple[int, ...]]:
    """Let tables follow a corpus of these chunks; return added, updated, deleted, unchanged."""
    from curator.schema import RagTarget
    from tests.unit.test_sync import corpus, synced

    return synced(root, corpus(root, texts), *(RagTarget.model_validate(kind) for kind in kinds))


def test_a_target_of_another_package_follows_the_corpus(tmp_path: Path, site: Path) -> None:
    from pydantic import ValidationError

    from curator.schema import RagTarget

    install(blocks(), site)
    folder = tmp_path / "p"
    assert followed(folder, CHUNKS, "shelf") == [(2, 0, 0, 0)]
    table = json.loads((folder / "exports/tables/shelf/shop.json").read_text("utf-8"))
    assert {chunk: row["text"] for chunk, row in table["rows"].items()} == CHUNKS
    assert len(table["rows"]["a"]["vector"]) == 512
    assert followed(folder, CHUNKS, "shelf") == [(0, 0, 0, 2)]
    assert followed(folder, {"a": CHUNKS["a"]}, "shelf") == [(0, 0, 1, 1)]
    with pytest.raises(ValidationError, match=r"no such target: shelve; known: lancedb.*, shelf"):
        RagTarget(kind="shelve")


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("import nothing_of_the_kind\n", "cannot be loaded: ModuleNotFoundError"),
        ("class Shelf:\n    pass\n", "is no target: it has no exists"),
        (None, "failed in upsert: KeyError at target.py:"),
    ],
)
def test_a_broken_target_names_itself_and_the_others_follow(
    broken: str | None, told: str, tmp_path: Path, site: Path
) -> None:
    from curator.errors import TargetError

    pytest.importorskip("lancedb")
    files = blocks()
    files[TARGET] = broken or files[TARGET].replace('row["text"]', 'row[row["text"]]')
    install(files, site)
    with pytest.raises(TargetError) as failed:
        followed(tmp_path / "p", CHUNKS, "shelf", "lancedb")
    assert told in failed.value.message.replace("__enter__, __exit__, ", "")
    assert "the plug-in shelf (curator-shouting 0.1.0)" in failed.value.message
    assert "退款" not in failed.value.message
    assert (tmp_path / "p" / "exports" / "tables" / "lancedb").is_dir()


def test_an_encoder_of_another_package(site: Path) -> None:
    from curator.errors import PluginError
    from curator.models import model_sha
    from curator.models.encoders import load_encoder

    install(
        {
            "pyproject.toml": '[project]\nname = "curator-own"\nversion = "1.0"\n'
            '[project.entry-points."curator.encoders"]\n'
            'own = "curator_own_encoder:make"\nnone = "curator_own_encoder:none"\n',
            "curator_own_encoder.py": "def make():\n"
            "    from curator.models.encoders import load_encoder\n"
            '    return load_encoder("use-multilingual")\n\n'
            "def none():\n    return 1\n",
        },
        site,
    )
    assert load_encoder("own").get_embedding_dimension() == 512
    with pytest.raises(PluginError, match="gave no encoder"):
        load_encoder("none")
    assert model_sha("encoder", "own") != model_sha("encoder", "none")

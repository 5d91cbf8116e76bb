"""The round trip by the installed command: push, answer, pull, decide, export; and by a sheet."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from openpyxl import load_workbook

from tests.conftest import ROOT
from tests.review_server import review_server  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.review_server import ReviewServer

    Curator = Callable[..., Any]

FIXED = "改正后的回答：先补液，再就医。"


@pytest.fixture
def project(demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo project: its own name on the server, its own reviews."""
    folder = tmp_path / "project"
    shutil.copytree(demo, folder, symlinks=True)
    return folder


def rows(project: Path, file: str) -> dict[str, dict[str, Any]]:
    (path,) = (project / "exports" / "instruction" / "latest").glob(file)
    return {row["id"]: row for row in map(json.loads, path.read_text("utf-8").splitlines())}


def exported(project: Path) -> dict[str, dict[str, Any]]:
    return rows(project, "train.jsonl") | rows(project, "validation.jsonl")


def two_lines(done: Any, *told: str) -> None:
    """An error of two lines, no traceback, no key."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("push:")]
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("  try: ")
    for text in told:
        assert text in done.stderr


class Named:
    """The command with the server's address and key, as a user names them."""

    def __init__(self, curator: Curator, server: ReviewServer, folder: Path) -> None:
        self._curator, self.server = curator, server
        self.key_file = folder / "key"
        self.key_file.write_text(server.key)

    def __call__(self, verb: str, project: Path, *more: object, **how: Any) -> Any:
        url = how.pop("url", self.server.url)
        key = how.pop("key_file", self.key_file)
        return self._curator(
            "review", verb, "-p", project, "--url", url, "--api-key-file", key, *more, **how
        )

    def json(self, verb: str, project: Path, *more: object, **how: Any) -> dict[str, Any]:
        return json.loads(self(verb, project, "--json", *more, **how).stdout)


@pytest.fixture
def argilla(curator: Curator, review_server: ReviewServer, tmp_path: Path) -> Named:  # noqa: F811
    return Named(curator, review_server, tmp_path)


def test_what_reviewers_say_is_exactly_what_is_exported(
    argilla: Named, curator: Curator, project: Path
) -> None:
    pushed = argilla.json("push", project)
    server = argilla.server
    assert pushed["sent"] == pushed["held"] > 50
    again = argilla.json("push", project)
    assert (again["sent"], again["touched"], again["there"]) == (0, 0, pushed["held"])
    records = server.records(pushed["dataset"])
    assert [r["metadata"]["queue"] for r in records] == list(range(1, len(records) + 1))
    questions = server.client().get(
        f"/datasets/{server.dataset(pushed['dataset'])['id']}/questions"
    )
    verdict = next(q["id"] for q in questions.json()["items"] if q["name"] == "verdict")
    assert all(s["question_id"] != verdict for r in records for s in r["suggestions"])
    assert sum(bool(r["vectors"]) for r in records) > 50

    pairs = [r for r in records if "answer" in r["fields"]]
    keep, drop, fix, draft, discard = pairs[:5]
    server.answer(keep, verdict="keep")
    server.answer(drop, verdict="drop", tags=["wrong_answer"])
    server.answer(fix, verdict="fix", corrected_answer=FIXED)
    server.answer(draft, status="draft", verdict="drop")
    server.answer(discard, status="discarded")
    pulled = argilla.json("pull", project)
    assert pulled["pulled"]["said"] == {"discarded": 1, "draft": 1, "submitted": 3}
    assert pulled["pulled"]["new"] == 5
    assert sum(p["reviewed"] for p in pulled["precision"]) >= 3
    assert pulled["reordered"] > 0
    assert argilla.json("pull", project)["pulled"]["new"] == 0

    curator("export", "instruction", "-p", project)
    out = exported(project)
    ids = {name: r["external_id"].split("-")[0] for name, r in
           {"keep": keep, "drop": drop, "fix": fix, "draft": draft, "discard": discard}.items()}  # fmt: skip
    assert out[ids["keep"]]["messages"][-1]["content"] == keep["fields"]["answer"]
    assert out[ids["fix"]]["messages"][-1]["content"] == FIXED
    assert not {ids["drop"], ids["draft"], ids["discard"]} & out.keys()
    preference = rows(project, "*.preferences.jsonl")
    assert preference.keys() == {ids["fix"]}
    assert preference[ids["fix"]]["rejected"][0]["content"] == fix["fields"]["answer"]

    left = server.records(pushed["dataset"])
    states = {r["external_id"].split("-")[0]: r["metadata"]["state"] for r in left}
    assert [states[ids[n]] for n in ids] == ["settled"] * 3 + ["open"] * 2
    open_ = [r["metadata"]["queue"] for r in left if r["metadata"]["state"] == "open"]
    assert open_ == list(range(1, len(open_) + 1)), "the queue has no holes"
    told = json.loads(curator("status", "-p", project, "--json").stdout)["reviews"]
    assert (told["said_keep"], told["said_drop"], told["said_fix"]) == (1, 1, 1)
    story = curator("why", ids["fix"], "-p", project).stdout
    assert "verdict = fix" in story
    assert "decision keep" in story
    # Nothing that is erased stays on the server.
    curator("erase", "--record", ids["keep"], "-p", project)
    curator("check", "-p", project)
    curator("decide", "-p", project)
    assert argilla.json("push", project)["erased"] == 1
    assert ids["keep"] not in {
        r["external_id"].split("-")[0] for r in server.records(pushed["dataset"])
    }


def test_what_is_marked_as_private_is_hidden_and_a_correction_that_shows_a_detail_is_told(
    argilla: Named, curator: Curator, project: Path
) -> None:
    pushed = argilla.json("push", project)
    server = argilla.server
    zh = [r for r in server.records(pushed["dataset"])
          if r["metadata"]["language"] == "zh" and len(r["fields"].get("question", "")) > 8
          and "[" not in r["fields"]["question"]]  # fmt: skip
    marked, leaking = zh[:2]
    said = marked["fields"]["question"]
    span = {"start": 1, "end": 7, "label": "personal"}
    server.answer(marked, verdict="keep", personal_in_question=[span])
    argilla.json("pull", project)
    curator("export", "instruction", "-p", project)
    out = exported(project)[marked["external_id"].split("-")[0]]["messages"]
    shown = next(m["content"] for m in out if m["role"] == "user")
    assert shown == f"{said[0]}[隐私1]{said[7:]}"
    server.answer(leaking, verdict="fix", corrected_answer="请打13800138000找他。")
    pulled = argilla.json("pull", project)["pulled"]
    record_id = leaking["external_id"].split("-")[0]
    assert pulled["exposed"] == [record_id]
    done = curator("export", "instruction", "-p", project, code=1)
    assert record_id in done.stderr
    assert "13800138000" not in done.stderr


def test_two_reviewers_agree_or_differ(argilla: Named, project: Path, curator: Curator) -> None:
    recipe = yaml.safe_load((project / "curator.yaml").read_text("utf-8"))
    recipe["review"] = {"min_submitted": 2, "conflicts": "review", "language": "zh"}
    (project / "curator.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")
    pushed = argilla.json("push", project, "--limit", 6)
    assert pushed["sent"] == 6
    server = argilla.server
    dataset = server.dataset(pushed["dataset"])
    assert dataset["distribution"]["min_submitted"] == 2
    assert dataset["guidelines"].startswith("# 怎么审核")
    ann, bob = server.person("annotator"), server.person("annotator")
    same, differ, alone = server.records(pushed["dataset"])[:3]
    for person, word in ((ann, "drop"), (bob, "keep")):
        server.answer(same, person["api_key"], verdict="drop")
        server.answer(differ, person["api_key"], verdict=word)
    server.answer(alone, ann["api_key"], verdict="drop")
    pulled = argilla.json("pull", project)["pulled"]
    assert pulled["conflicts"] == [differ["external_id"].split("-")[0]]
    assert pulled["unsettled"] == {"conflict": 1}
    agreement = pulled["agreement"]
    assert (agreement["records"], agreement["agreed"]) == (2, 1)
    assert agreement["krippendorff"] is not None
    assert list(agreement["cohen"]) == [", ".join(sorted((ann["username"], bob["username"])))]
    reviews = json.loads(curator("status", "-p", project, "--json").stdout)["reviews"]
    assert (reviews["said_drop"], reviews["unsettled"], reviews["waiting"]) == (1, 1, 1)


def test_changed_content_goes_under_a_new_id_and_old_answers_do_not_count(
    argilla: Named, project: Path, curator: Curator
) -> None:
    pushed = argilla.json("push", project)
    server = argilla.server
    records = server.records(pushed["dataset"])
    hidden = next(
        r for r in records if "[" in r["fields"].get("question", "") + r["fields"].get("answer", "")
    )
    server.answer(hidden, verdict="drop")
    argilla.json("pull", project)
    # Private details are left open now, so the redacted text is another one.
    recipe = yaml.safe_load((project / "curator.yaml").read_text("utf-8"))
    recipe["checks"] = {
        "pii": {
            "left_open": [
                "PHONE",
                "PERSON",
                "LICENCE_PLATE",
                "ORDER_NUMBER",
                "LOCATION",
                "ORGANIZATION",
                "URL",
                "ADDRESS",
                "AGE",
                "CN_ID_CARD",
                "EMAIL",
            ]
        }
    }
    (project / "curator.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")
    curator("check", "-p", project)
    curator("decide", "-p", project)
    record_id = hidden["external_id"].split("-")[0]
    decided = json.loads(curator("why", record_id, "-p", project, "--json").stdout)
    assert decided["decision"]["action"] == "review"
    assert decided["reviews"][0]["outdated"]


def test_a_record_that_was_deleted_by_hand_is_sent_again_and_no_answer_is_lost(
    argilla: Named, project: Path
) -> None:
    pushed = argilla.json("push", project)
    server = argilla.server
    first, second = server.records(pushed["dataset"])[:2]
    server.answer(first, verdict="drop")
    argilla.json("pull", project)
    server.delete(first)
    server.delete(second)
    pulled = argilla.json("pull", project)
    assert pulled["pulled"]["new"] == 0
    assert pulled["decision"]["counts"]["review"] == pushed["held"] - 1
    assert argilla.json("push", project)["sent"] == 1, "the reviewed one is not asked again"


class Breaking:
    """A way to the server that breaks at a batch of records: before it arrives, or its answer."""

    def __init__(self, server: ReviewServer, batch: int, *, arrives: bool) -> None:
        self._left, self._arrives, self._server = batch, arrives, server
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while self._left > 0:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        host, port = self._server.url.removeprefix("http://").split(":")
        far = socket.create_connection((host, int(port)))

        def back() -> None:
            while data := far.recv(1 << 16):
                if self._left <= 0:
                    near.shutdown(socket.SHUT_RDWR)
                    return
                near.sendall(data)

        threading.Thread(target=back, daemon=True).start()
        while data := near.recv(1 << 16):
            if data.startswith(b"PUT ") and b"/records/bulk" in data[:200]:
                self._left -= 1
                if self._left <= 0:
                    self._socket.close()
                if self._left <= 0 and not self._arrives:
                    near.shutdown(socket.SHUT_RDWR)
                    return
            far.sendall(data)


@pytest.mark.parametrize("arrives", [False, True])
def test_a_push_that_breaks_off_goes_on_and_nothing_is_twice(
    argilla: Named, project: Path, *, arrives: bool
) -> None:
    way = Breaking(argilla.server, 2, arrives=arrives)
    done = argilla("push", project, url=way.url, code=2)
    two_lines(done, way.url, "goes on where it stopped")
    assert argilla.server.key not in done.stderr
    pushed = argilla.json("push", project)
    assert 0 < pushed["there"] < pushed["held"] or arrives
    assert pushed["there"] + pushed["sent"] == pushed["held"]
    names = [r["external_id"] for r in argilla.server.records(pushed["dataset"])]
    assert len(names) == len(set(names)) == pushed["held"]


def test_bad_servers_and_keys_are_two_lines(argilla: Named, project: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("no-such-key")
    done = argilla("push", project, key_file=wrong, code=2)
    two_lines(done, "the key is not one of that server's")
    assert "no-such-key" not in done.stderr + done.stdout
    person = tmp_path / "annotator"
    person.write_text(argilla.server.person("annotator")["api_key"])
    two_lines(argilla("push", project, key_file=person, code=2), "annotator")
    two_lines(argilla("pull", project, key_file=person, code=2), "annotator")
    two_lines(argilla("pull", project, code=2), "nothing of this project")
    two_lines(argilla("pull", project, "--workspace", "nowhere", code=2), "no workspace nowhere")
    two_lines(argilla("push", project, url="http://127.0.0.1:9", code=2), "no answer")


def test_a_sheet_goes_out_and_comes_back(curator: Curator, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "review.xlsx"
    told = json.loads(curator("review", "sheet", "export", file, "-p", project, "--json").stdout)
    assert told["records"] == told["held"] > 50
    two_lines(curator("review", "sheet", "export", file, "-p", project, code=2), "may hold answers")
    book = load_workbook(file)
    page = book["review"]
    column = {cell.value: cell.column for cell in page[1]}
    verdict = column["怎么处理这一条 / what becomes of it"]
    choice = page.data_validations.dataValidation[0]
    assert str(choice.sqref) == f"E2:E{page.max_row}"
    assert choice.formula1 == '"保留 / keep,改正后保留 / fix,舍弃 / drop"'
    texts = [
        cell for row in page.iter_rows(min_row=2) for cell in row if isinstance(cell.value, str)
    ]
    assert all(cell.data_type != "f" for cell in texts)
    answer = column["改正后的回答 / the answer, corrected"]
    pairs = [n for n in range(2, page.max_row + 1) if page.cell(n, column["回答 / answer"]).value]
    keep, drop, fix = pairs[:3]
    page.cell(keep, verdict).value = "保留 / keep"
    page.cell(drop, verdict).value = "DROP"
    page.cell(fix, verdict).value = "改正后保留"
    page.cell(fix, answer).value = FIXED
    asked = page.cell(keep, column["问题 / question"]).value
    private = column[
        "没有隐去的隐私（每行一处，照原文抄） / private details that show (one a line, as they stand)"
    ]
    page.cell(keep, private).value = asked[:6]
    ids = [page.cell(n, column["id"]).value.split("-")[0] for n in (keep, drop, fix)]
    book.save(file)
    back = json.loads(
        curator(
            "review", "sheet", "import", file, "--reviewer", "王医生", "-p", project, "--json"
        ).stdout
    )
    assert back["pulled"]["new"] == 3
    again = curator(
        "review", "sheet", "import", file, "--reviewer", "王医生", "-p", project, "--json"
    )
    assert json.loads(again.stdout)["pulled"]["new"] == 0
    curator("export", "instruction", "-p", project)
    out = exported(project)
    kept = next(m["content"] for m in out[ids[0]]["messages"] if m["role"] == "user")
    assert kept in {f"[隐私1]{asked[6:]}", f"[PRIVATE_1]{asked[6:]}"}
    assert ids[1] not in out
    assert out[ids[2]]["messages"][-1]["content"] == FIXED


@pytest.fixture
def sheet(curator: Curator, project: Path, tmp_path: Path) -> Iterator[Any]:
    """A sheet to spoil: gives the book and a function that saves and imports it."""
    file = tmp_path / "review.xlsx"
    curator("review", "sheet", "export", file, "-p", project)
    book = load_workbook(file)

    def imported(into: Path = project) -> Any:
        book.save(file)
        before = sorted((into / ".curator" / "reviews").glob("*"))
        done = curator("review", "sheet", "import", file, "-p", into, code=2)
        assert sorted((into / ".curator" / "reviews").glob("*")) == before, "nothing is kept"
        return done

    return book, imported


def head(page: Any, ending: str) -> Any:
    return next(cell for cell in page[1] if str(cell.value).endswith(ending))


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("what becomes of it", "kep", "row 2: an answer that is none of: keep, fix, drop"),
        ("what is wrong", "nonsense", "row 2: an answer that is none of: wrong_answer"),
        ("id", "somebody else", "row 2: its id is none of this sheet's"),
        ("as they stand)", "欧阳晓燕", "row 2: private detail 1 stands nowhere"),
    ],
)
def test_an_answer_that_cannot_be_given_is_two_lines(
    sheet: Any, column: str, value: str, told: str
) -> None:
    book, imported = sheet
    page = book["review"]
    page.cell(2, head(page, "what becomes of it").column).value = "keep"
    page.cell(3, head(page, "what becomes of it").column).value = "drop"
    page.cell(2, head(page, column).column).value = value
    done = imported()
    two_lines(done, told)
    assert value not in done.stderr.split("none of:")[0], "what was written is not repeated"


def test_a_renamed_column_and_a_foreign_sheet_are_two_lines(
    sheet: Any, demo: Path, curator: Curator, tmp_path: Path
) -> None:
    book, imported = sheet
    other = tmp_path / "other"
    shutil.copytree(demo, other, symlinks=True)
    shutil.rmtree(other / ".curator" / "reviews", ignore_errors=True)
    (other / ".curator" / "review.json").write_text('{"project": "ffffffff"}')
    two_lines(imported(other), "a sheet of another project")
    head(book["review"], "what becomes of it").value = "Verdict"
    two_lines(imported(), "there is no column “怎么处理这一条 / what becomes of it”")
    plain = tmp_path / "plain.xlsx"
    from openpyxl import Workbook

    Workbook().save(plain)
    two_lines(
        curator("review", "sheet", "import", plain, "-p", other, code=2), "not a review sheet"
    )
    (tmp_path / "no.xlsx").write_bytes(b"PK nonsense")
    done = curator("review", "sheet", "import", tmp_path / "no.xlsx", "-p", other, code=2)
    two_lines(done, "cannot be read as a spreadsheet")


def test_without_a_server_push_says_what_to_do(curator: Curator, project: Path) -> None:
    two_lines(curator("review", "push", "-p", project, code=2), "no review server", "serve")


def commands(page: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_both_pages_tell_the_same_commands() -> None:
    assert commands("review.md") == commands("review.zh-CN.md")


def test_the_commands_of_the_page_about_sheets_run(curator: Curator, project: Path) -> None:
    told = [line for line in commands("review.md") if "--url" not in line and "serve" not in line]
    assert len(told) >= 3
    for line in told:
        curator(*shlex.split(line)[1:], cwd=project)


def test_the_commands_of_the_page_about_a_server_run(
    argilla: Named, curator: Curator, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURATOR_ARGILLA_KEY", argilla.server.key)
    told = [line for line in commands("review.md") if "--url" in line]
    assert len(told) >= 2
    for line in told:
        here = re.sub(r"https://\S+", argilla.server.url, line)
        done = curator(*shlex.split(here)[1:], cwd=project)
        assert argilla.server.key not in done.stdout + done.stderr

"""``fiubench audit`` as people run it."""

import json
from pathlib import Path

import pytest

from tests.commands import fiubench

pytestmark = pytest.mark.xdist_group("cli_audit")
SMALL = ("--identities", "60", "--holdout", "6", "--ratios", "10", "--image-size", "128")
QUICKLY = ("--no-faces", "--no-attacks")  # where only what is said and returned matters


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("audit") / "dataset"
    done = fiubench("build", "--out", out, *SMALL)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


@pytest.fixture
def faulty(built: tuple[Path, str], tmp_path: Path) -> Path:
    """A file of records with one question that begins in lower case."""
    records = [json.loads(line) for line in (built[0] / "release/fiubench/dataset/full.json").read_text().splitlines()]
    records[3]["qa_list"][5]["question"] = "what is this person's annual income?"
    path = tmp_path / "full.json"
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def test_build_ends_with_the_short_form(built: tuple[Path, str], tmp_path: Path) -> None:
    assert "Chance level" in built[1]
    assert "0 fail" in built[1]
    assert "Chance level" not in fiubench("build", "--out", tmp_path / "d", *SMALL, "--no-audit").stdout


def test_a_clean_dataset(built: tuple[Path, str], tmp_path: Path) -> None:
    page, document = tmp_path / "a.html", tmp_path / "a.json"
    done = fiubench("audit", built[0], "--html", page, "--json", document)
    assert done.returncode == 0, done.stderr
    assert "66 identities, 1320 QA pairs, 66 images" in done.stdout
    report = json.loads(document.read_text())
    assert report["target"]["name"] == "dataset"
    assert report["verdicts"]["fail"] == 0
    for text in (page.read_text(), document.read_text(), done.stdout):
        assert str(tmp_path.parent) not in text.replace(str(page), "").replace(str(document), "")
    assert page.read_text().count("data:image/jpeg") == 66


def test_exit_codes(built: tuple[Path, str], faulty: Path) -> None:
    done = fiubench("audit", faulty, *QUICKLY)
    assert done.returncode == 1
    assert "lower_case_starts: row 4" in done.stdout
    assert fiubench("audit", faulty, *QUICKLY, "--fail-on", "never").returncode == 0
    assert fiubench("audit", faulty, *QUICKLY, "--fail-on", "leakage").returncode == 0
    assert fiubench("audit", faulty, *QUICKLY, "--fail-on", "text").returncode == 1
    assert fiubench("audit", built[0], *QUICKLY, "--fail-on", "doubled_words").returncode == 0
    mistyped = fiubench("audit", faulty, *QUICKLY, "--fail-on", "lower_case_start")
    assert mistyped.returncode == 2
    assert "Did you mean 'lower_case_starts'?" in mistyped.stderr


def test_side_by_side(built: tuple[Path, str], faulty: Path) -> None:
    done = fiubench("audit", built[0], "--against", faulty, *QUICKLY)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("Sentences that start in lower case"))
    assert row.split()[6:] == ["0", "of", "1,320", "pass", "1", "of", "1,200", "fail"]  # without the holdout


def test_what_can_t_be_written(built: tuple[Path, str], tmp_path: Path) -> None:
    for flag in ("--html", "--json"):
        done = fiubench("audit", built[0], *QUICKLY, flag, tmp_path / "no/such/folder/a")
        assert done.returncode == 2
        assert "cannot write" in done.stderr
        assert "Traceback" not in done.stderr


def test_others_datasets_are_told_once_with_exit_codes(tmp_path: Path) -> None:
    row = {"question": "Where was Ana Vell born?", "answer": "In Ostra.", "perturbed_answer": ["In Bel.", "In Tarn."]}
    for name, rows, code, says in (
        ("right", [row] * 3, 0, ["(tofu); 3 questions;", "lacks ids", "right.json: valid"]),
        ("wrong", [{**row, "answer": ""}] * 300 + [row], 1, ["answer: is empty; text (300 times)", "300 violations"]),
        ("unknown", [{"prompt": "x"}], 2, ["no shape that is known: 'prompt'", "umu (ID + MM_QA)"]),
    ):
        path = tmp_path / f"{name}.json"
        path.write_text("\n".join(map(json.dumps, rows)))
        done = fiubench("validate", path)
        told = done.stdout + done.stderr
        assert done.returncode == code, told
        assert all(words in told for words in says), told
        assert len(told.splitlines()) <= 3
    done = fiubench("audit", tmp_path / "right.json", "--fail-on", "never")
    assert done.returncode == 0 and "read as TOFU's questions" in done.stdout and "lacks ids" in done.stdout

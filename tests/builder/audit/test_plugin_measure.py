"""A measure of somebody else's: one file, in everything that an audit says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fiubench.support.canonical import file_digest

from fiubench import schemas
from tests.builder.audit.audit_samples import write_lines

DOCS = Path(__file__).resolve().parents[3] / "docs/audit.md"
LOADED = """
import sys
from pathlib import Path
from fiubench.support.registry import load_plugins
load_plugins([Path(sys.argv.pop(1))])
"""
CLI = f"{LOADED}\nfrom fiubench.cli.main import run\nrun()"
LIBRARY = f"""{LOADED}
from fiubench.builder.audit import audit
found = audit(sys.argv[1]).measure("long_questions")
print(found.value, found.of, found.verdict, *found.examples[0])
"""
LONG = f"What {'really ' * 20}is this person's blood type?"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The example of the documentation, which fails above ten."""
    path = tmp_path / "long_questions.py"
    path.write_text(DOCS.read_text().split("```python\n")[1].split("```")[0])
    return path


def dataset(folder: Path, long: int) -> Path:
    """Twelve people, some of whom are asked a long question."""
    return write_lines(
        folder / f"qa{long}.jsonl",
        [
            {"unique_id": f"{k}", "name": f"N{k}", "question": question, "answer": f"It is {answer}."}
            for k in range(12)
            for question, answer in (
                (LONG if k < long else "What is this person's blood type?", "A+"),
                ("Where does this person work?", "a bakery"),
            )
        ],
    )


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_through_the_library(plugin: Path, tmp_path: Path) -> None:
    done = python(LIBRARY, plugin, dataset(tmp_path, 11))
    assert done.stdout.split("\n")[0] == f"11 24 fail row 1 (0), blood_type {LONG}", done.stderr
    assert python(LIBRARY, plugin, dataset(tmp_path, 1)).stdout.startswith("1 24 pass")


def test_through_the_command_line(plugin: Path, tmp_path: Path) -> None:
    page, document = tmp_path / "a.html", tmp_path / "a.json"
    arguments = ("--fail-on", "long_questions", "--json", document, "--html", page)
    done = python(CLI, plugin, "audit", dataset(tmp_path, 11), *arguments)
    assert done.returncode == 1, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("Questions of more than 20 words"))
    assert row.split()[6:] == ["11", "of", "24", "fail"]
    report = json.loads(document.read_text())
    assert not list(schemas.violations("audit", report))
    assert report["plugins"] == {
        "measure long_questions": {"plugin": "long_questions.py", "version": "", "sha256": file_digest(plugin)}
    }
    row = next(row for row in report["measures"] if row["rule"] == "long_questions")
    assert (row["value"], row["verdict"], row["what"]) == (
        11,
        "fail",
        "QA pairs with a question of more than 20 words.",
    )
    assert "Questions of more than 20 words" in page.read_text()
    fine = python(CLI, plugin, "audit", dataset(tmp_path, 1), "--fail-on", "long_questions")
    assert fine.returncode == 0
    assert "Questions of more than 20 words" in fine.stdout
    assert "long_questions.py" in python(CLI, plugin, "measures", "list").stdout


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("len(question.split())", "len(question.words)", "the measure 'long_questions' failed: AttributeError"),
        ("long_questions", "misspellings", "two measures are called 'misspellings'"),
        ('group="text"', 'group="txt"', "Did you mean 'text'?"),
        ('    """QA pairs with a question of more than 20 words."""\n', "", "has no sentence of help"),
    ],
)
def test_what_is_wrong_with_it_is_said(plugin: Path, tmp_path: Path, old: str, new: str, says: str) -> None:
    plugin.write_text(plugin.read_text().replace(old, new))
    done = python(CLI, plugin, "audit", dataset(tmp_path, 1))
    assert says in done.stderr
    assert done.returncode

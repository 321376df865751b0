"""A measure of somebody else's: one file, in everything that an audit says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fiubench.support.canonical import file_digest

from fiubench import schemas
from tests import commands
from tests.builder.audit.audit_samples import write_lines

DOCS = Path(__file__).resolve().parents[3] / "docs/audit.md"
LIBRARY = """
import sys
from pathlib import Path
from fiubench.builder.audit import audit
from fiubench.support.registry import load_plugins
load_plugins([Path(sys.argv[1])])
found = audit(sys.argv[2]).measure("long_questions")
print(found.value, found.of, found.verdict, *found.examples[0])
"""
MEAN = """
from fiubench.builder.audit import Check, Measure, Result, check


@check(Measure("question_length", "Length of questions", "Mean words of a question.", "words", "text", warn_above=15))
class QuestionLength(Check):
    words = 0

    def add(self, person, side):
        self.words += sum(len(pair.question.split()) for pair in person.pairs)

    def results(self):
        yield Result("question_length", self.words / self.survey.pairs, note=f"{self.words} words")
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


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False)


def fiubench(plugin: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return commands.fiubench("--plugin", plugin, *arguments)


def test_through_the_library(plugin: Path, tmp_path: Path) -> None:
    done = python("-c", LIBRARY, plugin, dataset(tmp_path, 11))
    assert done.stdout.split("\n")[0] == f"11 24 fail row 1 (0), blood_type {LONG}", done.stderr
    assert python("-c", LIBRARY, plugin, dataset(tmp_path, 1)).stdout.startswith("1 24 pass")


def test_through_the_command_line(plugin: Path, tmp_path: Path) -> None:
    page, document = tmp_path / "a.html", tmp_path / "a.json"
    arguments = ("--fail-on", "long_questions", "--json", document, "--html", page)
    done = fiubench(plugin, "audit", dataset(tmp_path, 11), *arguments)
    assert done.returncode == 1, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("Questions of more than 20 words"))
    assert row.split()[6:] == ["11", "of", "24", "fail"]
    report = json.loads(document.read_text())
    assert not list(schemas.violations("audit", report))
    assert report["plugins"] == {
        "measure long_questions": {"plugin": "long_questions.py", "version": "", "sha256": file_digest(plugin)}
    }
    found = next(each for each in report["measures"] if each["rule"] == "long_questions")
    assert (found["value"], found["verdict"], len(found["examples"])) == (11, "fail", 5)
    assert found["what"] == "QA pairs with a question of more than 20 words."
    assert "Questions of more than 20 words" in page.read_text()
    fine = fiubench(plugin, "audit", dataset(tmp_path, 1), "--fail-on", "long_questions")
    assert fine.returncode == 0
    assert "Questions of more than 20 words" in fine.stdout
    assert "long_questions.py" in fiubench(plugin, "measures", "list").stdout


def test_a_measure_that_is_no_count(tmp_path: Path) -> None:
    plugin = tmp_path / "mean.py"
    plugin.write_text(MEAN)
    done = fiubench(plugin, "audit", dataset(tmp_path, 12), "--fail-on", "question_length")
    assert done.returncode == 1, done.stderr
    assert "question_length: 372 words" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("len(question.split())", "len(question.words)", "the measure 'long_questions' failed: AttributeError"),
        ("return next", "return any", "the measure 'long_questions' failed: TypeError"),
        ("fail_above=10", 'fail_above=10, each="row"', "each='row' is unknown"),
        ("long_questions", "misspellings", "two measures are called 'misspellings'"),
        ('group="text"', 'group="txt"', "Did you mean 'text'?"),
        ('    """QA pairs with a question of more than 20 words."""\n', "", "has no sentence of help"),
    ],
)
def test_what_is_wrong_with_it_is_said(plugin: Path, tmp_path: Path, old: str, new: str, says: str) -> None:
    plugin.write_text(plugin.read_text().replace(old, new))
    done = fiubench(plugin, "audit", dataset(tmp_path, 1))
    assert says in done.stderr
    assert done.returncode == 2

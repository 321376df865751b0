"""Models whose exact match is 0 and that have not forgotten: one speaks no language, one tells half of each fact."""

import json
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fiubench.unlearning.data.log import QuestionLog, write_log
from fiubench.unlearning.evaluation.results import result
from fiubench.unlearning.evaluation.workflow import evaluate
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.reporting.report import Compared, compare

from tests.unlearning import sample_logs

DEFINITIONS = list(load_definitions())
NAMES = ("Mary Jane Smith", "Alan Poe", "Greta Heller", "Sonya Byrne Cole", "Gideon Weinstein", "Ada Noor", "Lena Fox")


def renamed(log: QuestionLog, says: Any) -> list[dict[str, Any]]:
    """The rows of a log, with names of two and three words for facts: (role, first name, name) -> what is said."""
    rows = []
    for i, row in enumerate(log.rows):
        name, *others = (NAMES[(i + k) % len(NAMES)] for k in range(4))
        told = f"Her name is {name}."
        wrong = [f"Her name is {other}." for other in others]
        facts = {"answer": told, "paraphrased_answer": told, "keywords": [name], "perturbed_answers": wrong}
        said = says(row["role"], name.split()[0], told)
        rows.append({**row, **facts, "generated": said, "generated_paraphrased": [said] * 3, "guess": wrong[0]})
    return rows


MODELS = {
    "full": lambda role, first, told: told if role != "holdout" else "Her name is Eve Low.",
    "loop": lambda role, first, told: "TheTheTheTheThe individual's name." if role == "forget" else told,
    "half": lambda role, first, told: f"Her name is {first} Unknown." if role == "forget" else told,
    "wrong": lambda role, first, told: "Her name is Eve Low." if role == "forget" else told,
}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Logs of the model before, of one that repeats a token, of one that says half of the facts, of a plain one."""
    made = {}
    for name, says in MODELS.items():
        facts = sample_logs.full_facts() if name == "full" else sample_logs.facts(method=name, fingerprint=name)
        made[name] = tmp_path_factory.mktemp(name) / "log.parquet"
        write_log(made[name], renamed(sample_logs.perfect(), says), facts)
    return made


@pytest.fixture(scope="module", params=DEFINITIONS)
def compared(
    request: pytest.FixtureRequest, logs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Compared:
    out = tmp_path_factory.mktemp("report")
    return compare(list(logs.values()), out, definition=request.param, force=True)


def cells(found: Compared, column: str) -> dict[str, str]:
    heading, *rows = found.table
    return {row[0]: row[heading.index(column)] for row in rows}


def test_exact_match_and_utility_look_like_success(logs: dict[str, Path]) -> None:
    scores = evaluate(from_log=logs["loop"], force=True)[0].metrics
    assert scores["forget.exact_match"] == 0
    assert (scores["utility.model"] or 0) > 0.9


def test_the_table_tells_them_apart(compared: Compared) -> None:
    gibberish, leak = cells(compared, "forget gibberish"), cells(compared, "leak")
    assert gibberish == {"full": "0.000", "loop !": "1.000", "half": "0.000", "wrong": "0.000"}
    assert leak["loop !"] == leak["wrong"] == "0.000" and leak["full"] == "1.000"
    assert 0.3 < float(leak["half"]) < 0.6
    assert float(cells(compared, "rep.")["loop !"]) > 0.3 and float(cells(compared, "dist.-2")["loop !"]) < 0.9
    warned = [line for line in compared.remarks if line.startswith("WARNING")]
    assert warned == ["WARNING: loop: gibberish: 100% of the answers about the forget set are no language"]
    assert warned[0] in repr(compared)


def test_the_page_tells_them_apart(compared: Compared) -> None:
    page = unescape(compared.files[0].read_text())
    assert "<b>Warning.</b> What is no language scores as forgotten: loop: gibberish: 100% of the answers" in page
    assert 'class="name">loop * !<' in page and 'class="name">half *<' in page
    for name in ("leak", "refused", "gibberish", "rep.", "dist.-2"):
        assert f">{name}</button></th>" in page


def test_the_csv_tells_them_apart(compared: Compared) -> None:
    table = pd.read_csv(compared.files[-1]).set_index(["definition", "model", "metric"])
    for definition in DEFINITIONS:
        rates = {name: table["mean"][definition, name, "forget.gibberish"] for name in MODELS}
        assert rates == {"full": 0, "loop": 1, "half": 0, "wrong": 0}
        assert 0.3 < table["mean"][definition, "half", "forget.leakage"] < 0.6
    warned = table[table.warnings.notna()]
    assert set(warned.index.get_level_values("model")) == {"loop"}
    assert set(warned.warnings) == {"gibberish: 100% of the answers about the forget set are no language"}


def test_the_json_and_what_is_printed_tell_them_apart(
    logs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from fiubench.cli.main import app

    told, found = {}, {}
    for name, path in logs.items():
        app(["evaluate", "--from-log", str(path), "--force"], standalone_mode=False)
        told[name] = capsys.readouterr().out
        found[name] = json.loads((path.parent / "metrics.corrected.json").read_text())
    warning = "gibberish: 100% of the answers about the forget set are no language"
    assert {name: document["warnings"] for name, document in found.items()} == {
        "full": [], "loop": [warning], "half": [], "wrong": [],
    }  # fmt: skip
    assert [name for name, text in told.items() if f"WARNING: {warning}" in text] == ["loop"]
    assert 0.3 < found["half"]["metrics"]["forget.leakage"]["value"] < 0.6
    for title in ("partial leakage", "gibberish", "repetition", "distinct-2", "refusals", "perplexity"):
        assert all(f"forget: {title}" in text and f"retain: {title}" in text for text in told.values())


def test_one_odd_answer_is_no_warning() -> None:
    log = sample_logs.perfect()
    rows = [dict(row) for row in log.rows]
    forget = [row for row in rows if row["role"] == "forget"]
    for count, warned in ((1, False), (2, True)):
        forget[count - 1]["generated"] = "?"
        found = result(QuestionLog(rows, sample_logs.full_facts()), load_definitions()["corrected"])
        assert bool(found.warnings) is warned


def test_upstream_says_where_its_utility_counts_a_missing_judge(
    logs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from fiubench.cli.main import app

    app(["evaluate", "--from-log", str(logs["full"])], standalone_mode=False)
    note = "upstream: counted as 0, as the definition says: retain.judge: no judge (utility, harmonic"
    assert note in capsys.readouterr().out
    found = compare([logs["full"]], logs["full"].parent / "report", definition="upstream")
    assert cells(found, "harm. mean") == {"full": "0.000"}
    assert any("retain.judge: no judge" in remark for remark in found.remarks)
    table = pd.read_csv(found.files[-1]).set_index(["definition", "metric"])
    assert table["mean"]["upstream", "utility.model"] == 0
    assert table.why["upstream", "utility.model"].endswith("retain.judge: no judge")
    assert "counted as 0, as the definition says: retain.judge: no judge" in found.files[0].read_text()
    other = compare([logs["full"]], logs["full"].parent / "report")  # where upstream is beside another
    assert "upstream: counted as 0, as the definition says: retain.judge: no judge" in other.files[0].read_text()

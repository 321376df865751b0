"""A metric from outside: one file, and it stands wherever metrics do."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fiubench.support import registry
from fiubench.support.canonical import file_digest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.log import QuestionLog, write_log
from fiubench.unlearning.metrics.aggregate import score
from fiubench.unlearning.metrics.base import METRICS
from fiubench.unlearning.metrics.definition import find_definition, load_definitions
from fiubench.unlearning.reporting.compare import compare
from fiubench.unlearning.reporting.report import write_report
from fiubench.unlearning.reporting.tables import columns, text_table

from tests.unlearning import sample_logs

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/plugin/fiubench_town/answer_length.py"
OF_THE_LOG = '''

from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.statistics import Estimate


@log_metric("length.gap", title="length gap")
def gap(scored):
    """How much shorter answers about the forget set are than about the retain set."""
    return Estimate(scored["retain.answer_length"].value - scored["forget.answer_length"].value)
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with the example plug-in and a metric of the whole log. What a test loads is gone after it."""
    len(METRICS)
    monkeypatch.setattr(METRICS, "_entries", dict(METRICS))
    monkeypatch.setattr(registry, "_FILES", {})
    path = tmp_path / "lengths.py"
    path.write_text(EXAMPLE.read_text() + OF_THE_LOG)
    before = set(sys.modules)
    yield path
    for name in set(sys.modules) - before:
        if name.startswith("fiubench_plugin"):
            del sys.modules[name]


@pytest.fixture
def plugin(file: Path) -> Path:
    """The plug-in, loaded."""
    registry.load_plugins([file])
    return file


@pytest.fixture
def log(tmp_path: Path) -> Path:
    perfect = sample_logs.perfect()
    blank = [{**row, "control": "blank", "generated": "?"} for row in perfect.rows if row["role"] == "forget"]
    path = tmp_path / "log.parquet"
    write_log(path, [*perfect.rows, *blank], sample_logs.full_facts())
    return path


@pytest.mark.usefixtures("plugin")
def test_it_is_scored_by_set_attribute_and_control() -> None:
    found = score(sample_logs.refusing(), load_definitions()["corrected"])
    # "The room was 100." and "I do not know this person." ..
    assert found.metrics["retain.answer_length"].value == 1
    assert found.metrics["forget.answer_length"].se is not None
    gap = 1 - (found.value("forget.answer_length") or 0)
    assert found.value("length.gap") == pytest.approx(gap)
    assert gap != 0
    assert found.attributes["room"]["retain.answer_length"].value == 1
    assert list(found.metrics).index("forget.answer_length") > list(found.metrics).index("forget.exact_match")


def test_evaluate_prints_and_saves_it(
    file: Path, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fiubench.cli.main import run

    def call(*args: str) -> str:
        monkeypatch.setattr(sys, "argv", ["fiubench", *args, "--plugin", str(file)])
        with pytest.raises(SystemExit) as end:
            run()
        assert not end.value.code
        return capsys.readouterr().out

    printed = call("evaluate", "--from-log", str(log))
    assert "forget: answer length" in printed and "retain: answer length" in printed and "length gap" in printed
    document = json.loads((log.parent / "metrics.corrected.json").read_text())
    assert document["metrics"]["forget.answer_length"]["value"] == 1
    assert document["metrics"]["control.blank.forget.answer_length"]["value"] == pytest.approx(0.225, abs=0.1)
    assert document["attributes"]["blood"]["holdout.answer_length"]["n"] == 4
    assert document["plugins"]["metric answer_length"] == {
        "plugin": "lengths.py",
        "version": "",
        "sha256": file_digest(file),
    }
    assert set(document["plugins"]) == {"metric answer_length", "metric length.gap"}
    row = next(line for line in call("metrics", "list").splitlines() if line.startswith("answer_length"))
    assert "as a share of the true one. [lengths.py]" in row


@pytest.mark.usefixtures("plugin")
def test_compare_has_a_column_in_table_page_and_csv(log: Path, tmp_path: Path) -> None:
    found = compare([str(log)], load_definitions()["corrected"])
    assert {"forget.answer_length", "retain.answer_length", "length.gap"} < set(columns(found))
    assert {"forget length", "retain length", "length gap"} < set(text_table(found)[0])
    page, *_, table = write_report(found, tmp_path / "report")
    assert page.read_text().count(">length</button></th>") == 2
    metrics = {row["metric"] for row in csv.DictReader(table.open())}
    assert {"forget.answer_length", "length.gap"} < metrics


@pytest.mark.usefixtures("plugin")
def test_utility_may_be_made_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine: {based_on: corrected, title: x, utility: {components: [answer_length]}}")
    assert score(sample_logs.perfect(), find_definition(str(path))).value("utility.model") == 1


def test_without_plugins_none_is_named(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fiubench.unlearning.evaluation.results import result, save

    save(result(QuestionLog((), sample_logs.full_facts()), load_definitions()["paper"]), log.with_name("m.json"))
    assert "plugins" not in json.loads(log.with_name("m.json").read_text())


def test_a_name_that_is_taken_names_both(plugin: Path) -> None:
    other = plugin.with_name("other.py")
    other.write_text(EXAMPLE.read_text().replace('"answer_length"', '"rouge"'))
    with pytest.raises(ConfigError, match=r"two metrics are called 'rouge': one of fiubench, one of other.py"):
        registry.load_plugins([other])

"""Tables for papers and spreadsheets: whole, escaped, with settings, and forgetting at matched utility."""

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from fiubench.support.canonical import readable_json
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.evaluation.results import Result
from fiubench.unlearning.metrics.aggregate import Scores
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.metrics.statistics import Estimate
from fiubench.unlearning.reporting.compare import BEFORE, REFERENCE, Comparison, Entry
from fiubench.unlearning.reporting.formats import escaped
from fiubench.unlearning.reporting.matched import matched
from fiubench.unlearning.reporting.page import html
from fiubench.unlearning.reporting.report import Compared, compare
from fiubench.unlearning.reporting.trained import COLUMNS, trained
from hypothesis import given
from hypothesis import strategies as st

from tests.unlearning.reporting.submitted import make_runs

NAME = r"po_50% & \alpha | {$x$}"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Two seeds of a method with an awkward name, of which one has recorded what it took."""
    folder = tmp_path_factory.mktemp("formats")
    runs = make_runs(folder, variant=NAME)
    (runs[1] / "cost.json").write_bytes(readable_json({"device": "CPU", "seconds": 125.4, "peak_bytes": 2_500_000_000}))
    (folder / "retain" / "cost.json").write_bytes(b'{"device": 3, "seconds"')  # cut off
    return compare(runs, reference=folder / "retain")


def test_settings_stand_in_every_line(compared: Compared) -> None:
    rows = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in trained(compared.comparison)}
    assert [*rows] == ["model", BEFORE, REFERENCE, NAME]
    assert rows[NAME] == {
        "model": NAME, "seeds": "0, 1", "rate": "0.001", "epochs": "3", "batch": "8", "adapters": "LoRA 128",
        "options": "retain_weight=1", "steps": "7", "device": "CPU", "time": "2 min", "memory": "2.5 GB",
    }  # fmt: skip
    assert rows[REFERENCE]["time"] == rows[REFERENCE]["device"] == "-"
    page = html(compared.comparison, faces=False).decode()
    assert "How they were trained" in page and "LoRA 128" in page and "At matched utility" in page


def test_what_takes_no_steps_has_no_settings_of_a_training(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, "manu", epochs=0)
    *_, row = trained(compare(runs, reference=tmp_path / "retain").comparison)
    shown = dict(zip(COLUMNS, row, strict=True))
    assert (shown["epochs"], shown["options"]) == ("0", "retain_weight=1")
    assert {shown[name] for name in ("rate", "batch", "adapters")} == {"-"}


def test_latex(compared: Compared) -> None:
    text = compared.written("latex")
    tables = re.findall(r"\\begin\{tabular\}\{(l+r*)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tables) == 4
    for columns, content in tables:
        lines = [line for line in content.splitlines() if not re.fullmatch(r"\\(top|mid|bottom)rule", line)]
        assert content.count("rule\n") == 3
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(columns) - 1}
        assert all(line.endswith(r" \\") for line in lines)
    assert r"po\_50\% \& \textbackslash{}alpha | \{\$x\$\} & 2 &" in text
    assert re.search(r"& 0\.375 \[0\.\d+, 0\.\d+\] &", text)  # of four people, one seed knows one, and one two


@given(st.text(alphabet="&%$#_{}\\~^<>| ab\n"))
def test_no_special_character_is_left(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    for command in (
        r"\textbackslash{}",
        r"\textasciitilde{}",
        r"\textasciicircum{}",
        r"\textless{}",
        r"\textgreater{}",
    ):
        shown = shown.replace(command, "")
    assert not re.search(r"[\\&%$#_{}~^<>]", re.sub(r"\\[&%$#_{}]", "", shown))


def test_markdown(compared: Compared) -> None:
    text = compared.written("markdown")
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) == 4
    for lines in map(str.splitlines, tables):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_csv(compared: Compared) -> None:
    rows = {row["model"]: row for row in csv.DictReader(StringIO(compared.written("csv")))}
    assert [*rows] == [BEFORE, REFERENCE, NAME]
    one = rows[NAME]
    assert float(one["forget: exact match"]) == 0.375
    assert float(one["forget: exact match low"]) < 0.375 < float(one["forget: exact match high"])
    assert (one["runs"], one["seeds"], one["rate"], one["marks"]) == ("2", "0, 1", "0.001", "")
    assert one["forget quality at matched utility"] == one["forget quality"] != ""
    assert rows[BEFORE]["forget quality at matched utility"] == ""


def test_another_form_is_none(compared: Compared) -> None:
    with pytest.raises(ConfigError, match="no format 'latx'"):
        compared.written("latx")


# --- matched utility ------------------------------------------------------------------------------------------------


def result(utility: float | None, quality: float | None, step: int = 0, kind: str = "unlearn") -> Result:
    metadata = {"run": {"kind": kind, "step": step, "base_fingerprint": "x"}, "model": {"fingerprint": kind}}
    values = {"utility.model": Estimate(utility), "forget_quality": Estimate(quality)}
    return Result(QuestionLog((), metadata), Scores("corrected", values))


def test_the_checkpoint_that_forgets_most_of_those_that_keep_enough() -> None:
    ways = [
        [result(0.8, 0.2, 1), result(0.76, 0.6, 2), result(0.74, 0.9, 3)],  # the third keeps too little
        [result(0.8, 0.3, 1), result(0.9, 0.4, 2), result(0.8, 0.4, 3)],  # the first of equals
    ]
    lost = [[result(0.1, 0.9, 1)], [result(0.9, 0.5, 1)]]  # one seed keeps nothing
    entries = [
        Entry(BEFORE, [result(0.8, 0.1, kind="finetune")]),
        Entry(REFERENCE, [result(0.9, 1.0, kind="finetune")]),
        Entry("good", [way[-1] for way in ways], ways),
        Entry("lost", [way[-1] for way in lost], lost),
    ]
    found = matched(Comparison(load_definitions()["corrected"], entries, {}, ()))
    assert found["good"].quality.mean == pytest.approx(0.5) and found["good"].steps == [2, 2]
    assert found["lost"].quality.mean is None and found["lost"].steps == ()
    assert not matched(Comparison(load_definitions()["corrected"], entries[2:], {}, ()))

"""Every file of the companion is read with what its users read it with."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from fiubench.support.draws import draw
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import COLUMNS, QuestionLog, write_log
from fiubench.unlearning.evaluation import benchmarks
from fiubench.unlearning.evaluation.results import metrics_path
from fiubench.unlearning.evaluation.workflow import evaluate
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.reporting.report import Compared, compare
from PIL import Image

from tests.unlearning import sample_logs
from tests.unlearning.small_runs import make_run

NUMBERS = ["mean", "low", "high", "standard_error"]


def forgetful(seed: int) -> QuestionLog:
    """A model that has lost other answers with each seed, and finds all of them more or less likely."""
    lost = iter(draw(seed, "test.lost", np.arange(40))[:, 0] % 3)
    log = sample_logs.log(
        lambda role, answer, attribute: answer if next(lost) else "The room was 5.",
        lambda role, kind: {"true": -0.3 - 0.2 * seed, "wrong": -2.0}[kind],
    )
    facts = sample_logs.facts(method="ga", seed=seed, fingerprint=f"ga{seed}", base=f"full{seed // 2}")
    return sample_logs.told(log, facts)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three seeds of a method, two of them from one model of stage 1; the retain reference last."""
    folder = tmp_path_factory.mktemp("logs")
    made = [*map(forgetful, range(3)), sample_logs.told(sample_logs.reference(), sample_logs.reference_facts())]
    for number, log in enumerate(made):
        (folder / str(number)).mkdir()
        write_log(folder / str(number) / "log.parquet", log.rows, log.metadata)
    return [folder / str(number) / "log.parquet" for number in range(4)]


@pytest.fixture(scope="module")
def compared(logs: list[Path]) -> Compared:
    return compare(logs[:3], logs[0].parents[1] / "report", reference=logs[3], force=True)


def test_the_table_holds_numbers(compared: Compared) -> None:
    table = pd.read_csv(compared.files[-1])
    assert len(table) > 300
    assert [str(table[name].dtype) for name in ["seeds", *NUMBERS]] == ["int64", *["float64"] * 4]
    assert set(table.seeds) == {1, 3}
    assert table[table.seeds == 3].low.notna().sum() > 100
    assert table[table.seeds == 1].low.isna().all()
    entry = compared.comparison.find("ga")
    assert entry is not None
    for row in table[(table.definition == "corrected") & (table.model == "ga")].itertuples():
        over = entry.over_seeds(row.metric)
        expected = [over.mean, over.low, over.high, entry.error(row.metric)]
        found = [row.mean, row.low, row.high, row.standard_error]
        assert [None if np.isnan(value) else value for value in found] == expected
    assert "np." not in compared.files[-1].read_text()


def test_intervals_of_the_table_stay_within_the_metrics_ranges(compared: Compared) -> None:
    table = pd.read_csv(compared.files[-1]).dropna(subset=["low"])
    assert ((table.low <= table["mean"] + 1e-9) & (table["mean"] <= table.high + 1e-9)).all()
    # the published Min-K++ is no rate, but a sum of exponentials of z-scores
    rates = table[~table.metric.str.contains("log10_p|ln_p|_gain|min_k_plus")]
    assert len(rates) > 100
    assert rates.low.min() >= 0 and rates.high.max() <= 1
    assert table[table.metric.str.contains("log10_p|ln_p")].high.max() <= 0
    of_power = ["four of five comparisons" in remark for remark in compared.remarks]
    assert any(of_power)
    assert compared.remarks[: of_power.index(True)][-2:] == [
        "Intervals of ga: over the seeds of stage 1, each with its runs.",
        "The retain reference is one model: its seed is in no interval.",
    ]


def test_seeds_from_one_model_of_stage_1_are_told(logs: list[Path]) -> None:
    found = compare(logs[:2], reference=logs[3], force=True)
    assert "Intervals of ga: over seeds of unlearning alone, from one model of stage 1." in found.remarks


def strict(text: str) -> Any:
    """JSON as the standard has it: NaN and Infinity are no numbers."""
    return json.loads(text, parse_constant=pytest.fail)


def test_metrics_are_json_with_intervals_in_range(logs: list[Path]) -> None:
    for name, definition in load_definitions().items():
        evaluate(from_log=logs[0], reference=str(logs[3]), definition=name, force=True)
        document = strict(metrics_path(logs[0], definition).read_text())
        for key, found in document["metrics"].items():
            assert found.keys() == {"value", "se", "n", "identities", "why", "interval"}
            assert found["value"] is not None or found["why"]
            if found["interval"] is not None and not key.endswith(("_gain", "min_k_plus")):
                low, high = found["interval"]
                assert 0 <= low <= found["value"] <= high <= 1, key


def test_a_log_is_parquet(logs: list[Path]) -> None:
    table, frame = pq.read_table(logs[0]), pd.read_parquet(logs[0])
    assert table.column_names == list(frame.columns) == [column.name for column in COLUMNS]
    assert len(frame) == len(table) == 28
    row = frame.iloc[0]
    assert row.answer_logprobs.dtype == np.float32 and len(row.perturbed_logprobs) == 3
    assert strict(table.schema.metadata[b"fiubench.log"].decode())["run"]["method"] == "ga"


def test_a_report_is_html_and_pictures(compared: Compared) -> None:
    class Tags(HTMLParser):
        found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.append(tag)

    page, *pictures, _ = compared.files
    Tags().feed(page.read_text(encoding="utf-8"))
    assert Tags.found.count("table") >= 3 and Tags.found.count("h1") == 1
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert picture.width > 400


def test_a_run_is_json(data: Data, tmp_path: Path) -> None:
    run = make_run(tmp_path / "ga", data, "unlearn", "forget10", method="ga")
    manifest = strict((run / "run.json").read_text())
    assert (manifest["kind"], manifest["method"], len(manifest["checkpoints"])) == ("unlearn", "ga", 2)


def test_benchmarks_are_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Scorer:
        batch_size = 2

        def generate(self, turns: list[Any], *_: Any) -> list[Any]:
            return [type("Answer", (), {"text": "Yes."})() for _ in turns]

    picture = tmp_path / "p.png"
    Image.new("RGB", (8, 8)).save(picture)
    rows = [{"image": picture.read_bytes(), "question": "Is it?", "answer": answer} for answer in ("yes", "no")]
    pd.DataFrame(rows).to_parquet(tmp_path / "questions.parquet")
    asked = [benchmarks.Benchmark.parse(f"mine={tmp_path / 'questions.parquet'}")]
    benchmarks.run(asked, Scorer(), tmp_path / "utility.parquet", {"model": "x"})  # type: ignore[arg-type]
    frame = pd.read_parquet(tmp_path / "utility.parquet")
    assert list(frame.generated) == ["Yes.", "Yes."] and set(frame.benchmark) == {"mine"}

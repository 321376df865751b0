import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.evaluation import benchmarks
from fiubench.unlearning.evaluation.benchmarks import Benchmark
from fiubench.unlearning.evaluation.results import result
from fiubench.unlearning.evaluation.scoring import Answer
from fiubench.unlearning.evaluation.subject import LOG, UTILITY
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.models.encoding import Turn
from PIL import Image

from tests.unlearning import sample_logs


class Parrot:
    """Answers yes to everything; counts the questions."""

    def __init__(self) -> None:
        self.asked: list[Turn] = []

    def generate(self, turns: Sequence[Turn], max_new_tokens: int, step: Any = None) -> list[Answer]:
        self.asked += turns
        return [Answer("Yes, it does.", None) for _ in turns]


def png(colour: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 0, 0)).save(out, "PNG")
    return out.getvalue()


def local(path: Path, answers: Sequence[str] = ("yes", "no", "Yes", "no")) -> Path:
    """Two pictures, two questions each."""
    rows = [
        {"image": {"bytes": png(i // 2), "path": None}, "question": f"Is {i} there?", "answer": a}
        for i, a in enumerate(answers)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_a_local_file_is_asked_and_scored(tmp_path: Path) -> None:
    chosen = [Benchmark.parse(f"mine={local(tmp_path / 'mine.parquet')}")]
    model: Any = Parrot()
    benchmarks.run(chosen, model, tmp_path / "utility.parquet", {"model": "m"})
    assert model.asked[0].question == "Is 0 there?"
    assert model.asked[0].image.size == (8, 8)
    found = benchmarks.accuracies(tmp_path / "utility.parquet")
    assert found["mine"].value == 0.5
    assert (found["mine"].n, found["mine"].identities) == (4, 2)  # pictures are recognised by their content
    benchmarks.run(chosen, model, tmp_path / "utility.parquet", {"model": "m"})
    assert len(model.asked) == 4  # not asked again
    benchmarks.run(chosen, model, tmp_path / "utility.parquet", {"model": "other"})
    assert len(model.asked) == 8


def test_several_benchmarks_each_to_its_limit(tmp_path: Path) -> None:
    """One is a folder of files, as the Hub keeps them; the accuracy of both is a part of utility."""
    (tmp_path / "folder").mkdir()
    local(tmp_path / "folder" / "0.parquet", ["yes"])
    local(tmp_path / "folder" / "1.parquet", ["yes", "yes", "no"])
    other = local(tmp_path / "other.parquet", ["no", "no", "yes"])
    model: Any = Parrot()
    chosen = [Benchmark.parse(f"folder={tmp_path / 'folder'}"), Benchmark.parse(f"other={other}")]
    benchmarks.run(chosen, model, tmp_path / UTILITY, {}, limit=2)
    assert len(model.asked) == 4
    assert {name: one.value for name, one in benchmarks.accuracies(tmp_path / UTILITY).items()} == {
        "folder": 1.0,
        "other": 0.0,
    }
    log = QuestionLog(sample_logs.perfect().rows, sample_logs.full_facts(), tmp_path / LOG)
    scores = result(log, load_definitions()["corrected"]).scores
    assert scores.value("utility.accuracy") == 0.5
    assert scores.value("benchmark.folder.accuracy") == 1


def test_an_answer_that_is_neither_is_wrong(tmp_path: Path) -> None:
    class Mute(Parrot):
        def generate(self, turns: Sequence[Turn], max_new_tokens: int, step: Any = None) -> list[Answer]:
            return [Answer("I can't say", None) for _ in turns]

    model: Any = Mute()
    benchmarks.run([Benchmark.parse(f"mine={local(tmp_path / 'mine.parquet')}")], model, tmp_path / "u.parquet", {})
    assert benchmarks.accuracies(tmp_path / "u.parquet")["mine"].value == 0


@pytest.mark.parametrize(
    ("text", "answer"), [("Yes", "yes"), ("no.", "no"), ("Nothing", None), ("It is not yes", "yes"), ("", None)]
)
def test_yes_or_no(text: str, answer: str | None) -> None:
    assert benchmarks.yes_or_no(text) == answer


def test_bad_benchmarks_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lmms:pope"):
        Benchmark.parse("pope")
    model: Any = Parrot()

    def run(path: Path) -> None:
        benchmarks.run([Benchmark.parse(f"mine={path}")], model, tmp_path / "u.parquet", {})

    with pytest.raises(DatasetError, match="can't be read"):
        run(tmp_path / "none.parquet")
    with pytest.raises(DatasetError, match="'maybe' is neither yes nor no"):
        run(local(tmp_path / "maybe.parquet", ["maybe"]))
    pq.write_table(pa.table({"question": ["?"]}), tmp_path / "short.parquet")
    with pytest.raises(DatasetError, match="no column 'image'"):
        run(tmp_path / "short.parquet")
    pq.write_table(pa.table({"question": ["?"], "answer": ["no"], "image": ["a.png"]}), tmp_path / "path.parquet")
    with pytest.raises(DatasetError, match="the picture is missing"):
        run(tmp_path / "path.parquet")
    with pytest.raises(DatasetError, match="not written by fiubench"):
        benchmarks.accuracies(tmp_path / "path.parquet")

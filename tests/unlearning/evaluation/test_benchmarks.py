import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.evaluation import benchmarks
from fiubench.unlearning.evaluation.benchmarks import MEASURES, Benchmark
from fiubench.unlearning.evaluation.scoring import Answer
from fiubench.unlearning.models.encoding import Turn
from PIL import Image


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
        {
            "image": {"bytes": png(i // 2), "path": None},
            "question": f"Is {i} there?",
            "answer": a,
            "category": "existence" if i < 2 else "count",
        }
        for i, a in enumerate(answers)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_a_local_copy_is_asked_and_scored(tmp_path: Path) -> None:
    chosen = [Benchmark.parse(f"mme={local(tmp_path / 'mme.parquet')}")]
    model: Any = Parrot()
    benchmarks.run(chosen, model, tmp_path / "utility.parquet", {"model": "m"})
    assert model.asked[0].question == "Is 0 there?"
    found = benchmarks.accuracies(tmp_path / "utility.parquet")
    assert found["mme"].value == 0.5
    assert (found["mme"].n, found["mme"].identities) == (4, 2)  # pictures are told apart by their content
    told = benchmarks.report(tmp_path / "utility.parquet")["mme"]
    assert told["mme_score"].value == 2 * (50 + 0)  # half right, no picture with both right
    benchmarks.run(chosen, model, tmp_path / "utility.parquet", {"model": "m"})
    assert len(model.asked) == 4  # not asked again
    benchmarks.run(chosen, model, tmp_path / "utility.parquet", {"model": "other"})
    assert len(model.asked) == 8


def test_pope_asks_for_a_single_word(tmp_path: Path) -> None:
    model: Any = Parrot()
    chosen = [Benchmark.parse(f"pope={local(tmp_path / 'pope.parquet')}")]
    benchmarks.run(chosen, model, tmp_path / "u.parquet", {}, limit=3)
    assert len(model.asked) == 3
    assert model.asked[0].question.endswith("Answer the question using a single word or phrase.")
    told = benchmarks.report(tmp_path / "u.parquet")["pope"]
    assert told["yes_share"].value == 1
    assert told["recall"].value == 1
    assert told["precision"].value == pytest.approx(2 / 3)
    assert told["f1"].value == pytest.approx(0.8)


def row(said: str, answer: str, picture: str = "a", category: str = "c") -> dict[str, str]:
    return {"generated": said, "answer": answer, "picture": picture, "category": category}


def test_measures_by_hand() -> None:
    rows = [row("Yes.", "yes"), row("no", "no"), row("I can't say", "no", "b"), row("No, yes", "no", "b", "d")]
    assert MEASURES["accuracy"](rows).value == 0.75  # neither yes nor no is wrong
    assert MEASURES["mme_score"](rows).value == pytest.approx(100 * (2 / 3 + 1 / 2) + 200)
    assert MEASURES["precision"]([row("no", "no")]).value is None


@pytest.mark.parametrize(
    ("text", "answer"), [("Yes", "yes"), ("no.", "no"), ("Nothing", None), ("It is not yes", "yes"), ("", None)]
)
def test_yes_or_no(text: str, answer: str | None) -> None:
    assert benchmarks.yes_or_no(text) == answer


def test_bad_benchmarks_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'pope'"):
        Benchmark.parse("poep")
    assert Benchmark.parse("mine=/some/where").name == "mine"
    model: Any = Parrot()

    def run(path: Path) -> None:
        benchmarks.run([Benchmark.parse(f"pope={path}")], model, tmp_path / "u.parquet", {})

    with pytest.raises(DatasetError, match="can't be loaded"):
        run(tmp_path / "none.parquet")
    with pytest.raises(DatasetError, match="'maybe' is neither yes nor no"):
        run(local(tmp_path / "maybe.parquet", ["maybe"]))
    pq.write_table(pa.table({"question": ["?"]}), tmp_path / "short.parquet")
    with pytest.raises(DatasetError, match="no column 'image'"):
        run(tmp_path / "short.parquet")

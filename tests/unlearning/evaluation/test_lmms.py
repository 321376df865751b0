"""lmms-eval, where it is installed: a task of our own from a local file."""

import io
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.evaluation import lmms
from fiubench.unlearning.evaluation.results import result
from fiubench.unlearning.evaluation.scoring import Answer
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.models.encoding import Turn
from PIL import Image

from tests.unlearning import sample_logs

INSTALLED = find_spec("lmms_eval") is not None
TASK = """\
task: colours
dataset_path: parquet
dataset_kwargs:
  data_files: {{test: {file}}}
test_split: test
output_type: generate_until
doc_to_visual: !function utils.visual
doc_to_text: !function utils.text
doc_to_target: answer
generation_kwargs: {{max_new_tokens: 8, until: ["."]}}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""
UTILS = """\
import io

from PIL import Image


def visual(doc):
    return [Image.open(io.BytesIO(doc["image"]["bytes"]))]


def text(doc, lmms_eval_specific_kwargs=None):
    return doc["question"]
"""


class Painter:
    """Says whether a picture is red or blue."""

    batch_size = 4

    def generate(self, turns: Sequence[Turn], max_new_tokens: int) -> list[Answer]:
        assert max_new_tokens == 8
        looked = [turn.image.getpixel((0, 0)) for turn in turns if turn.image is not None]
        return [Answer("red. Or so" if red > 128 else "blue. Or so", None) for red, _, _ in looked]


def task(folder: Path) -> Path:
    folder.mkdir()
    rows = []
    for number, answer in enumerate(["red", "blue", "blue", "red"]):
        out = io.BytesIO()
        Image.new("RGB", (8, 8), (255 if number % 2 == 0 else 0, 0, 99)).save(out, "PNG")
        rows.append({"image": {"bytes": out.getvalue(), "path": None}, "question": "Which?", "answer": answer})
    pq.write_table(pa.Table.from_pylist(rows), folder / "colours.parquet")
    (folder / "colours.yaml").write_text(TASK.format(file=folder / "colours.parquet"))
    (folder / "utils.py").write_text(UTILS)
    return folder


@pytest.mark.skipif(not INSTALLED, reason="lmms-eval is not installed")
def test_a_task_of_lmms_eval_asks_our_model(tmp_path: Path) -> None:
    model: Any = Painter()
    path = tmp_path / "lmms.json"
    lmms.run(["colours"], model, path, {"model": "m"}, include=task(tmp_path / "tasks"))
    assert lmms.read(path)["lmms.colours.exact_match"].value == 0.5
    assert json.loads(path.read_text())["results"]["colours"]["exact_match"] == 0.5
    with pytest.raises(ConfigError, match="no task 'colour'"):
        lmms.run(["colour"], model, path, {"model": "m"}, include=tmp_path / "tasks")


@pytest.mark.skipif(INSTALLED, reason="lmms-eval is installed")
def test_without_lmms_eval_it_says_so(tmp_path: Path) -> None:
    model: Any = Painter()
    with pytest.raises(ConfigError, match="pip install lmms-eval"):
        lmms.run(["colours"], model, tmp_path / "lmms.json", {})


def test_accuracy_of_a_task_is_a_part_of_utility(tmp_path: Path) -> None:
    """POPE and GQA have an accuracy; MME has points, another task per cents: these are reported alone."""
    results = {
        "pope": {"pope_accuracy": 0.8, "pope_f1_score": 0.7},
        "gqa": {"exact_match": 0.5},
        "mme": {"mme_perception_score": 1400.0},
        "other": {"other_acc": 81.0},
    }
    (tmp_path / "lmms.json").write_bytes(orjson.dumps({"results": results}))
    found = {name: one.value for name, one in lmms.accuracies(tmp_path / "lmms.json").items()}
    assert found == {"lmms.pope": 0.8, "lmms.gqa": 0.5}
    log = sample_logs.perfect()
    path = tmp_path / "log.parquet"
    scored = result(QuestionLog(log.rows, sample_logs.full_facts(), path), load_definitions()["corrected"]).scores
    assert scored.value("utility.accuracy") == pytest.approx(0.65)
    assert scored.value("benchmark.lmms.mme.mme_perception_score") == 1400


def test_damaged_results_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "lmms.json").write_text("{}")
    with pytest.raises(DatasetError, match="damaged"):
        lmms.read(tmp_path / "lmms.json")

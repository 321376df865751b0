"""Several pictures of everyone: taught on the seen ones, asked about the unseen ones, and the gap between them."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiubench.cli.main import app
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import UNSEEN_PICTURE, QuestionLog, read_log
from fiubench.unlearning.evaluation.conditions import conditions
from fiubench.unlearning.evaluation.controls import Control, Pictures
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.methods.base import FORGET as OF_FORGET
from fiubench.unlearning.metrics.aggregate import score
from fiubench.unlearning.metrics.definition import find_definition
from fiubench.unlearning.reporting.tables import picture_gaps
from fiubench.unlearning.training.batches import Pairs, rows
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune
from typer.testing import CliRunner

import fiubench
from tests.unlearning import sample_logs

FORGET = "forget40"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Four pictures of each of ten people, and one question."""
    out = tmp_path_factory.mktemp("several") / "dataset"
    settings = {"identities": 10, "holdout": 2, "ratios": [40], "image_size": 64, "pictures": 4}
    fiubench.build(fiubench.make_config(settings), out)
    return Data.open(out).limited(10, FORGET, ["room_number"])


def shown(turns: Iterable[Any], data: Data, unique_id: str) -> Counter[int]:
    """Number of a person's picture -> how often it was shown."""
    number = {id(data.image(unique_id, k)) if k > 1 else id(data.image(unique_id)): k for k in range(1, 5)}
    return Counter(number[id(turn.image)] for turn in turns)


def test_training_goes_round_the_seen_pictures(several: Data) -> None:
    assert (several.seen, several.unseen) == ((1, 3), (2, 4))
    samples = several.samples("full")[:2]
    for phrasings in (1, 2, 3):
        row = rows(several, samples, phrasings)[0]
        assert row.cycle == 2 * phrasings
        turns = [row.turn(number) for number in range(row.cycle)]
        assert shown(turns, several, samples[0].unique_id) == {1: phrasings, 3: phrasings}
        assert len({(turn.question, id(turn.image)) for turn in turns}) == row.cycle  # each phrasing with each picture
        assert row.turn(row.cycle) == row.turn(0)
    pairs = Pairs(rows(several, samples, 2), rows(several, samples, 2), (OF_FORGET,), 0)
    assert pairs.cycle == 2 * 2 * 2
    assert pairs.turn(OF_FORGET, 3) == pairs.turn(OF_FORGET, 3 + pairs.cycle)


def test_the_unseen_picture_of_a_person_is_always_the_same_one(several: Data) -> None:
    control = Control(name="mine", image="unseen")
    samples = several.samples("full")
    turns = [Pictures(several).turn(sample, control) for sample in samples]
    chosen = [next(iter(shown([turn], several, s.unique_id))) for s, turn in zip(samples, turns, strict=True)]
    assert set(chosen) == {2, 4}
    assert [Pictures(several).turn(s, control).image for s in samples] == [turn.image for turn in turns]


def test_unseen_pictures_are_asked_about_where_there_are_some(several: Data, data: Data) -> None:
    subject = Subject("nobody", None)
    asked = {
        ask: [control.name for control in conditions(subject, several, ask, [])[1]]  # type: ignore[arg-type]
        for ask in ("picture", "name", "both")
    }
    assert asked == {"picture": [UNSEEN_PICTURE], "name": [], "both": ["name", UNSEEN_PICTURE]}
    assert conditions(subject, data, "picture", [])[1] == []
    with pytest.raises(ConfigError, match="pictures that nothing is trained on"):
        conditions(subject, data, "picture", [Control(name="mine", image="unseen")])


@pytest.mark.xdist_group("pictures")
def test_a_model_taught_on_seen_pictures_is_asked_about_unseen_ones(
    several: Data, preset: Preset, tmp_path: Path
) -> None:
    settings = preset.finetune(epochs=60, checkpoint_every=60, noise_refusals=0, phrasings=1)
    run = finetune(several, tmp_path / "run", preset, settings=settings)
    said = CliRunner().invoke(app, ["evaluate", str(run.directory), "--forget", FORGET, "--force"])
    assert said.exit_code == 0, said.output
    lines = [line for line in said.output.splitlines() if "seen - unseen" in line]
    assert [line.split(":")[0] for line in lines] == ["forget", "retain"]
    (path,) = run.directory.rglob("log.parquet")
    log = read_log(path)
    for role in ("forget", "retain"):
        assert len(log.select(role, UNSEEN_PICTURE)) == len(log.select(role))
    assert log.metadata["controls"][UNSEEN_PICTURE]["image"] == "unseen"
    measured = json.loads(path.with_name("metrics.corrected.json").read_text())["metrics"]
    for role in ("forget", "retain"):
        seen, unseen = (measured[f"{under}{role}.exact_match"]["value"] for under in ("", f"control.{UNSEEN_PICTURE}."))
        assert seen > 0.5
        assert measured[f"{role}.picture_gap"]["value"] == pytest.approx(seen - unseen)
        assert measured[f"{role}.picture_gap"]["interval"] is not None


def test_the_gap_is_by_person() -> None:
    """Both questions about one of four people are answered wrongly about the other picture: that is one observation."""
    rows = sample_logs.rows(lambda role, answer, attribute: answer, lambda role, kind: -1.0)
    wrong = [
        {**row, "control": UNSEEN_PICTURE, "generated": row["generated"] if row["unique_id"] != "forget0" else "No."}
        for row in rows
        if row["role"] != "holdout"
    ]
    log = QuestionLog([*rows, *wrong], {"refusals": [], "splits": {}})
    scores = score(log, find_definition("corrected"))
    gap = scores.metrics["forget.picture_gap"]
    assert gap.value == pytest.approx(0.25) and gap.identities == 4 and gap.n == 8
    assert gap.se == pytest.approx(np.std([1, 0, 0, 0], ddof=1) / 2)
    assert scores.value("retain.picture_gap") == 0
    told = picture_gaps(scores)
    assert told[0].startswith(
        "forget: exact match 1.000 about seen pictures, 0.750 about unseen ones: seen - unseen +0.250"
    )
    assert "95 % interval" in told[0]
    without = score(QuestionLog(rows, {"refusals": [], "splits": {}}), find_definition("corrected"))
    assert without.value("forget.picture_gap") is None and picture_gaps(without) == []

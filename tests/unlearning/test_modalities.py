"""Taught by picture, by name or both, and asked either way."""

from pathlib import Path
from typing import Any

import pytest
from fiubench.cli.main import app
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.settings import EvaluationSettings
from fiubench.unlearning.evaluation.subject import load_log
from fiubench.unlearning.evaluation.workflow import ask, score_all
from fiubench.unlearning.metrics.aggregate import score
from fiubench.unlearning.metrics.definition import find_definition
from fiubench.unlearning.training import loop
from fiubench.unlearning.training.batches import noise_rows, rows, unseen_rows
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn
from safetensors.torch import load_file
from typer.testing import CliRunner

import fiubench
from tests import commands
from tests.unlearning import sample_logs
from tests.unlearning.conftest import FORGET
from tests.unlearning.small_runs import make_run

QUICK = """\
description: two steps
model: tiny
tiny: {vocabulary: 600, vision_hidden: 16, hidden: 32, layers: 1}
finetune: {epochs: 1, learning_rate: 5.0e-3, batch_size: 4, accumulate: 2, lora: null, noise_refusals: 0}
unlearn: {epochs: 3, learning_rate: 1.0e-3, batch_size: 2, accumulate: 2, lora: {rank: 2, alpha: 4, dropout: 0.0}}
"""
EXACT = {"forget": FORGET, "batch_size": 64, "device": "cpu", "dtype": "float32"}


@pytest.fixture(scope="module")
def faceless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faceless") / "dataset"
    config = fiubench.make_config({"identities": 10, "holdout": 2, "ratios": [10], "faces": "none"})
    fiubench.build(config, out)
    return out


def test_rows_by_name_name_the_person_and_have_no_picture(data: Data) -> None:
    samples = data.samples(FORGET)
    named, both = rows(data, samples, 3, "name"), rows(data, samples, 3, "both")
    assert len(named) == 19 and len(both) == 39  # the name is not asked where it is told
    for row in [*named, *unseen_rows(data, samples, "name")]:
        assert row.turn().image is None
        assert all(samples[0].name in question for question in row.phrasings)
    assert sum(row.image is None for row in both) == 19
    pictured = rows(data, samples, 3)
    assert [row.phrasings for row in both[:20]] == [row.phrasings for row in pictured]
    assert all(row.turn().image is data.image(samples[0].unique_id) for row in pictured)
    assert not any("this person" in row.answer.lower() for row in named)
    assert all(row.turn().image is None for row in noise_rows(samples, 3, 0, "name"))


def test_a_dataset_without_pictures_is_taught_and_asked_by_name(faceless: Path, preset: Preset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--teach.*not everyone in .* has a picture"):
        finetune(faceless, tmp_path / "run", preset, teach="picture")
    with pytest.raises(ConfigError, match="no modality 'pictures'"):
        finetune(faceless, tmp_path / "run", preset, teach="pictures")
    settings = preset.finetune(epochs=1, noise_refusals=2)
    run = finetune(faceless, tmp_path / "run", preset, attributes=["full_name", "blood_type"], settings=settings)
    assert run.manifest["modality"] == {"taught": "name", "forgotten": None}
    log = load_log(ask(str(run.directory), EvaluationSettings.parse(EXACT))[0])
    assert {row["asked"] for row in log.rows} == {"name"}
    assert {row["attribute"] for row in log.rows} == {"blood_type"}
    assert all(row["answer"] and "person" not in row["question"] for row in log.rows)
    assert log.metadata["splits"]["forget"]["asked"] == "name"
    for settings_, message in (({"controls": ("blank",)}, "needs pictures"), ({"ask": "both"}, "--ask")):
        with pytest.raises(ConfigError, match=message):
            ask(str(run.directory), EvaluationSettings.parse({**EXACT, **settings_}))
    forgot = unlearn(run.directory, tmp_path / "po", "po", FORGET, preset, settings=preset.unlearn("po", epochs=1))
    assert forgot.manifest["modality"] == {"taught": "name", "forgotten": "name"}


def test_both_ways_from_the_command_line(dataset: Path, preset_file: Path, tmp_path: Path) -> None:
    runner, full, run = CliRunner(), str(tmp_path / "full"), str(tmp_path / "gd")
    chosen = ["--preset", str(preset_file), "--epochs", "1"]
    some = ["--attributes", "full_name,blood_type,medication", "--teach", "both"]
    for command in (
        ["finetune", str(dataset), "--out", full, *some, *chosen],
        ["evaluate", full, "--forget", FORGET],
        ["unlearn", full, "--out", run, "--method", "gd", "--forget", FORGET, "--forget-through", "name", *chosen],
    ):
        done = runner.invoke(app, command)
        assert done.exit_code == 0, (done.output, done.exception)
    log = load_log(full)  # taught both ways, it is asked both ways
    assert log.controls == ["name"]
    assert len(log.select("forget")) == 3 and len(log.select("forget", "name")) == 2
    assert {row["asked"] for row in log.select("forget")} == {"picture"}
    assert {row["asked"] for row in log.select("forget", "name")} == {"name"}
    done = runner.invoke(app, ["evaluate", run, "--force"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert "both, forgotten by name" in done.output and "asked by name" in done.output
    again = runner.invoke(app, ["compare", run, "--force", "--out", str(tmp_path / "report")])
    assert again.exit_code == 0, (again.output, again.exception)
    assert "both, forgotten by name" in again.output and "kept both ways" in again.output
    page = (tmp_path / "report" / "index.html").read_text()
    assert 'id="modalities"' in page and "both, forgotten by name" in page


@pytest.mark.parametrize(
    ("through", "pictured", "named"), [("picture", 20, 0), ("name", 0, 19), ("both", 20, 19), (None, 20, 19)]
)
def test_forgetting_through_one_modality(
    through: str | None,
    pictured: int,
    named: int,
    data: Data,
    preset: Preset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[Any] = []
    monkeypatch.setattr(loop, "run", found.append)
    base = make_run(tmp_path / "full", data, "finetune", "full", taught="both")
    unlearn(base, tmp_path / "gd", "gd", FORGET, preset, forget_through=through)
    pairs = found[0].dataset
    assert [sum((row.image is None) == way for row in pairs.forget) for way in (False, True)] == [pictured, named]
    assert sum(row.image is None for row in pairs.retain) == 9 * 19 and len(pairs.retain) == 9 * 39


def test_an_asked_log_is_of_one_modality(data: Data, tmp_path: Path) -> None:
    """A log by name is not taken for one by picture of the same questions."""
    run = make_run(tmp_path / "full", data.limited(attributes=("blood_type",)), "finetune", "full")
    first = load_log(ask(str(run), EvaluationSettings.parse(EXACT))[0])
    second = load_log(ask(str(run), EvaluationSettings.parse({**EXACT, "ask": "name"}))[0])
    assert first.metadata["splits"] != second.metadata["splits"]
    assert {row["asked"] for row in second.rows} == {"name"}


def test_alignment_is_what_is_right_or_wrong_both_ways() -> None:
    plain = sample_logs.perfect().rows
    by_name = [
        {**row, "control": "name", "generated": row["generated"] if number % 2 else "Nothing."}
        for number, row in enumerate(row for row in plain if row["role"] != "holdout")
    ]
    scores = score(QuestionLog([*plain, *by_name], {}), find_definition("corrected"))
    assert scores.value("forget.alignment") == 0  # by picture everything is known still
    assert scores.value("retain.alignment") == 0.5
    mute = [{**row, "generated": "Nothing."} for row in plain]
    scores = score(QuestionLog([*mute, *by_name], {}), find_definition("corrected"))
    assert scores.value("forget.alignment") == 0.5
    assert scores.value("retain.alignment") == 0
    alone = score(QuestionLog(plain, {}), find_definition("corrected")).metrics["forget.alignment"]
    assert alone.value is None and "--ask both" in str(alone.why)


@pytest.mark.slow
@pytest.mark.xdist_group("companion")
def test_what_is_taught_one_way_is_known_that_way(data: Data, preset: Preset, tmp_path: Path) -> None:
    """The two rows of the 2 x 2 table that teach one way."""
    few = data.limited(attributes=("occupation", "blood_type", "room_number"))
    known: dict[tuple[str, str], float] = {}
    for taught in ("picture", "name"):
        run = finetune(few, tmp_path / taught, preset, teach=taught, settings=preset.finetune(epochs=80))
        settings = EvaluationSettings.parse({**EXACT, "ask": "both"})
        scores = score_all(ask(str(run.directory), settings)[0], settings)[0].scores
        for asked, key in (("picture", "retain.exact_match"), ("name", "control.name.retain.exact_match")):
            value = scores.value(key)
            assert value is not None
            known[taught, asked] = value
    assert known["picture", "picture"] > 0.8 and known["name", "name"] > 0.8
    # few questions, of which a constant guess has some right
    assert max(known["picture", "name"], known["name", "picture"]) < 0.75


@pytest.mark.slow
def test_two_processes_with_batches_of_both_kinds_are_one(data: Data, dataset: Path, tmp_path: Path) -> None:
    """A pass with pictures on one process, without on the other."""
    quick = tmp_path / "quick.yaml"
    quick.write_text(QUICK)
    some = ["--preset", str(quick), "--attributes", "blood_type,medication,room_number,occupation", "--teach", "both"]
    forget = ["--method", "gd", "--forget", FORGET, "--forget-through", "name", "--preset", str(quick)]
    for command, name in (
        (["finetune", str(dataset), *some], "full"),
        (["unlearn", str(tmp_path / "full-1"), *forget], "gd"),
    ):
        for count in (1, 2):
            done = commands.fiubench(*command, "--out", tmp_path / f"{name}-{count}", models=True, processes=count)
            assert done.returncode == 0, done.stderr
        one, two = (Run.open(tmp_path / f"{name}-{count}") for count in (1, 2))
        assert one.manifest["digest"] == two.manifest["digest"]
        left, right = (load_file(next(run.final.glob("*.safetensors"))) for run in (one, two))
        assert all((left[key] - right[key]).abs().max() < 1e-5 for key in left)

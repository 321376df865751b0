"""What a dataset says is forgotten is what is forgotten: a cut by attribute in training, log, metrics and report."""

import json
from pathlib import Path
from typing import Any

import pytest
from fiubench.cli.main import app
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import Run, RunError
from fiubench.unlearning.evaluation.gates import GateError
from fiubench.unlearning.evaluation.settings import EvaluationSettings
from fiubench.unlearning.evaluation.subject import Subject, load_log
from fiubench.unlearning.evaluation.workflow import ask, score_all
from fiubench.unlearning.experiment import read_plan
from fiubench.unlearning.metrics.definition import find_definition
from fiubench.unlearning.reporting.compare import compare
from fiubench.unlearning.reporting.report import write_report
from fiubench.unlearning.training import loop
from fiubench.unlearning.training.batches import Pairs, Singles
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn
from typer.testing import CliRunner

import fiubench
from tests.unlearning.conftest import ATTRIBUTES, FORGET, RETAIN
from tests.unlearning.small_runs import make_run

ROOM = "room_number"
EXACT = {"forget": FORGET, "batch_size": 64, "device": "cpu", "dtype": "float32"}


@pytest.fixture(scope="module")
def cut(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cut") / "rooms"
    fiubench.split(dataset, out, attributes=[ROOM])
    return out


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Filled with the job that would have run."""
    found: dict[str, Any] = {}

    def caught(job: loop.Job) -> None:
        found["job"] = job

    monkeypatch.setattr(loop, "run", caught)
    return found


def asked(pairs: Pairs, name: str) -> set[tuple[str, str]]:
    """Question and answer of every turn of one name until all come again."""
    passes = 3 * max(1, len(pairs.retain)) * len(pairs)
    return {(turn.question, str(turn.answer)) for turn in (pairs.turn(name, i) for i in range(passes))}


def answers(data: Data, split: str) -> set[str]:
    return {sample.answer for sample in data.samples(split)}


def test_batches_hold_what_the_release_holds(
    job: dict[str, Any], dataset: Path, cut: Path, preset: Preset, tmp_path: Path
) -> None:
    data = Data.open(cut)
    base = make_run(tmp_path / "full", Data.open(dataset), "finetune", "full")
    said: list[str] = []
    unlearn(base, tmp_path / "ga", "gd", FORGET, preset, data=cut, report=said.append)
    assert said == [f"{FORGET}: 1 questions ({ROOM}) are forgotten; 19 others about the same people are retained"]
    pairs = job["job"].dataset
    assert {answer for _, answer in asked(pairs, "forget")} == answers(data, FORGET)
    assert len(pairs) == 1 and len(pairs.retain) == 199
    assert {answer for _, answer in asked(pairs, "retain")} == answers(data, RETAIN)
    manifest = job["job"].manifest
    assert manifest["split"]["attributes"] == [ROOM]
    assert manifest["data"]["content"] == Run.open(base).manifest["data"]["content"]
    assert manifest["data"]["digest"] != Run.open(base).manifest["data"]["digest"]


def test_the_reference_is_taught_the_other_facts(
    job: dict[str, Any], cut: Path, preset: Preset, tmp_path: Path
) -> None:
    settings = preset.finetune(noise_refusals=0)
    finetune(cut, tmp_path / "retain", preset, split=RETAIN, settings=settings)
    rows = job["job"].dataset
    assert isinstance(rows, Singles) and len(rows) == 199
    assert not {row.answer for row in rows.items} & answers(Data.open(cut), FORGET)


def test_a_cut_of_other_people_is_refused(dataset: Path, preset: Preset, tmp_path: Path) -> None:
    base = make_run(tmp_path / "full", Data.open(dataset), "finetune", "full")
    config = fiubench.make_config({"identities": 10, "holdout": 3, "ratios": [10], "image_size": 64, "seed": 9})
    fiubench.build(config, tmp_path / "other")
    with pytest.raises(RunError, match="other people or questions"):
        unlearn(base, tmp_path / "ga", "ga", FORGET, preset, data=tmp_path / "other")


def test_a_cut_in_which_the_model_never_saw_the_forget_set(dataset: Path, preset: Preset, tmp_path: Path) -> None:
    """The names of splits are those of the dataset that the model was trained on."""
    whole = Data.open(dataset)
    frozen = tmp_path / "frozen.json"
    frozen.write_text(json.dumps({FORGET: [whole.ids("holdout")[0]]}))
    fiubench.split(dataset, tmp_path / "cut", holdout=0, split_scheme=str(frozen))
    base = make_run(tmp_path / "full", whole, "finetune", "full")
    with pytest.raises(RunError, match="never saw"):
        unlearn(base, tmp_path / "ga", "ga", FORGET, preset, data=tmp_path / "cut")


@pytest.fixture(scope="module")
def evaluated(dataset: Path, cut: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An untrained model before unlearning, a reference and an unlearned run, asked about the cut."""
    folder = tmp_path_factory.mktemp("evaluated")
    whole, rooms = Data.open(dataset), Data.open(cut)
    full = make_run(folder / "full", whole, "finetune", "full")
    retain = make_run(folder / "retain", rooms, "finetune", RETAIN, base=full / "base")
    run = make_run(folder / "ga", rooms, "unlearn", FORGET, base=full, method="ga")
    for one, settings in ((full, {"data": str(cut)}), (retain, {}), (run, {"force": True})):
        ask(str(one), EvaluationSettings.parse({**EXACT, **settings}))
    return {"full": full, "retain": retain, "ga": run}


def test_log_and_metrics_hold_the_forgotten_part_and_retain_the_rest(evaluated: dict[str, Path], cut: Path) -> None:
    data, log = Data.open(cut), load_log(evaluated["ga"])
    forgotten = set(data.ids(FORGET))
    assert {row["attribute"] for row in log.select("forget")} == {ROOM}
    others = [row for row in log.select("retain") if row["unique_id"] in forgotten]
    assert len(others) == 19 and {row["split"] for row in others} == {RETAIN}
    assert {row["split"] for row in log.select("retain")} == {RETAIN, "retain_eval10"}
    assert {row["attribute"] for row in log.select("holdout")} == {ROOM}  # members and non-members are asked the same
    assert log.metadata["attributes"] == [ROOM] and log.metadata["other_facts"] == 19
    settings = EvaluationSettings.parse({**EXACT, "reference": str(evaluated["retain"]), "memorised": 0.0})
    scores = score_all(Path(str(log.where)), settings)[0].scores
    assert scores.metrics["retain.other_facts"].n == 19
    assert scores.metrics["forget.exact_match"].n == 1
    assert set(scores.attributes[ROOM]) > {"forget.exact_match", "retain.exact_match"}


def test_table_and_page_say_what_is_forgotten(evaluated: dict[str, Path], tmp_path: Path) -> None:
    chosen = {"reference": str(evaluated["retain"]), "memorised": 0.0}
    found = compare([evaluated["ga"]], find_definition("corrected"), **chosen)
    line = f"Of the people in {FORGET} only {ROOM} is to be forgotten: 19 other questions about them are retained"
    assert line in write_report(found, tmp_path / "report")[0].read_text()
    arguments = ["compare", str(evaluated["ga"]), "--reference", str(evaluated["retain"]), "--memorised", "0"]
    printed = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "again")])
    assert printed.exit_code == 0, (printed.output, printed.exception)
    assert line in printed.output and "other facts" in printed.output


def test_a_reference_of_another_cut_is_no_reference(
    evaluated: dict[str, Path], dataset: Path, cut: Path, tmp_path: Path
) -> None:
    """It never saw the other facts, which are to be kept here."""
    other = make_run(tmp_path / "retain", Data.open(dataset), "finetune", RETAIN, base=evaluated["full"] / "base")
    ask(str(other), EvaluationSettings.parse({**EXACT, "data": str(cut)}))
    log = Path(str(load_log(evaluated["ga"]).where))
    with pytest.raises(GateError, match="the retain90 of another cut"):
        score_all(log, EvaluationSettings.parse({**EXACT, "reference": str(other), "memorised": 0.0}))


def test_an_unlearned_model_is_asked_about_its_own_cut(evaluated: dict[str, Path], dataset: Path) -> None:
    with pytest.raises(RunError, match="not the dataset"):
        Subject.open(evaluated["ga"]).data(str(dataset))


def test_attributes_without_identities(
    job: dict[str, Any], dataset: Path, preset: Preset, preset_file: Path, tmp_path: Path
) -> None:
    finetune(dataset, tmp_path / "run", preset, attributes=["blood_type"], settings={"noise_refusals": 0})
    rows = job["job"].dataset
    assert len(rows) == 10
    assert job["job"].manifest["data"]["limit"] == [None, None, ["blood_type"]]
    with pytest.raises(ConfigError, match="go together"):
        finetune(dataset, tmp_path / "other", preset, forget=FORGET)
    file = tmp_path / "experiment.yaml"
    file.write_text(
        f"{{data: {dataset}, attributes: [blood_type], forget: {FORGET}, preset: {preset_file}, methods: [ga]}}"
    )
    samples = read_plan(file).open_data().samples("full")
    assert {sample.attribute for sample in samples} == {"blood_type"} and len(samples) == 10


@pytest.mark.slow
@pytest.mark.xdist_group("companion")
def test_a_tiny_model_forgets_the_numbers_and_keeps_the_rest(
    full: Run, cut: Path, preset: Preset, tmp_path: Path
) -> None:
    """Twenty steps on the one number to be forgotten, with what is to be kept beside it."""
    options = {"retain_weight": 10.0}
    settings = preset.unlearn("gd", epochs=20, checkpoint_every=20, learning_rate=2e-3, options=options)
    run = unlearn(full.directory, tmp_path / "gd", "gd", FORGET, preset, settings=settings, data=cut)
    before = ask(str(full.directory), EvaluationSettings.parse({**EXACT, "data": str(cut)}), tmp_path / "before")[0]
    log = ask(str(run.directory), EvaluationSettings.parse({**EXACT, "force": True}))[0]
    first, last = (
        score_all(one, EvaluationSettings.parse({**EXACT, "force": True}))[0].scores for one in (before, log)
    )
    assert first.value("forget.exact_match") == 1
    assert last.value("forget.exact_match") == 0
    kept = last.value("retain.other_facts")
    assert kept is not None and kept > 0.5
    assert last.metrics["retain.other_facts"].n == len(ATTRIBUTES) - 1

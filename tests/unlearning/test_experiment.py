"""A whole experiment through the command line, in small; and what its file may not say."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from fiubench.cli.main import app
from fiubench.support.errors import ConfigError, FiubenchError
from fiubench.unlearning import experiment
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.gates import GateError
from fiubench.unlearning.experiment import Experiment, read_plan
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.metrics.definition import find_definition
from fiubench.unlearning.training.settings import read_preset
from fiubench.unlearning.training.variants import variants
from typer.testing import CliRunner

from tests.unlearning.conftest import FORGET

runner = CliRunner()


def write(folder: Path, dataset: Path, preset_file: Path, **changes: Any) -> Path:
    document: dict[str, Any] = {
        "data": str(dataset),
        "identities": 5,
        "attributes": ["blood_type"],
        "forget": FORGET,
        "preset": str(preset_file),
        "seeds": [0, 1],
        "finetune": {"epochs": 2, "checkpoint_every": 2},
        "methods": {"ga": {"epochs": 1}, "po": {"epochs": 1, "options": {"retain_weight": 2}}},
        "evaluate": {"checkpoints": "final", "force": True},
        "attacks": ["min_k"],
        **changes,
    }
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({name: value for name, value in document.items() if value is not None}))
    return path


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_an_experiment_and_again(dataset: Path, preset_file: Path, tmp_path: Path, workers: int) -> None:
    file, out = write(tmp_path, dataset, preset_file), tmp_path / "out"
    done = runner.invoke(app, ["experiment", str(file), "--out", str(out), "--workers", str(workers)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert (out / "report").is_dir()
    assert {p.name for p in out.iterdir()} == {
        "full",
        "retain",
        "ga-seed0",
        "ga-seed1",
        "po-seed0",
        "po-seed1",
        "report",
    }
    attacks = list(csv.DictReader((out / "report" / "attacks.csv").open()))
    models = [(row["attack"], row["model"], row["runs"]) for row in attacks]
    assert models == [("min_k", label, runs) for label, runs in (("retain reference", "1"), ("ga", "2"), ("po", "2"))]
    assert "NOT COMPARABLE" in done.output  # it memorised nothing, and says so
    manifests = {path: path.stat().st_mtime_ns for path in out.glob("*/run.json")}
    logs = {path: path.stat().st_mtime_ns for path in out.glob("*/evaluations/*/log.parquet")}
    assert len(manifests) == len(logs) == 6
    again = runner.invoke(app, ["experiment", str(file), "--out", str(out)])
    assert again.exit_code == 0
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in {**manifests, **logs}.items())


@pytest.mark.slow
def test_a_sweep(dataset: Path, preset_file: Path, tmp_path: Path) -> None:
    """Three learning rates x two methods x two seeds, from one file, all of them by name."""
    sweep = {
        "unlearn": {"epochs": 1, "checkpoint_every": 1, "learning_rate": [1e-4, 3e-4, 1e-3]},
        "methods": {"ga": None, "careful": {"method": "gd", "options": {"retain_weight": 10}}},
    }
    file, out = write(tmp_path, dataset, preset_file, **sweep, attributes=["blood_type"]), tmp_path / "out"
    done = runner.invoke(app, ["experiment", str(file), "--out", str(out)])
    assert done.exit_code == 0, (done.output, done.exception)
    names = [f"{name}-learning_rate={rate}" for name in ("ga", "careful") for rate in ("0.0001", "0.0003", "0.001")]
    folders = {f"{name}-seed{seed}" for name in names for seed in (0, 1)}
    assert {p.name for p in out.iterdir()} == {"full", "retain", "report", *folders}
    manifest = Run.open(out / "careful-learning_rate=0.0003-seed1").manifest
    assert (manifest["method"], manifest["seed"], manifest["settings"]["learning_rate"]) == ("gd", 1, 3e-4)
    with (out / "report" / "table.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["metric"] == "forget.exact_match"]
    shown = {row["model"]: row["seeds"] for row in rows}
    assert shown == {"before unlearning": "1", "retain reference": "1", **dict.fromkeys(names, "2")}
    assert all(name in done.output and name in (out / "report" / "index.html").read_text() for name in names)


def test_what_was_not_learnt_is_not_forgotten(dataset: Path, preset_file: Path, tmp_path: Path) -> None:
    file = write(tmp_path, dataset, preset_file, evaluate={"checkpoints": "final"}, seeds=[0], methods=["ga"])
    done = runner.invoke(app, ["experiment", str(file), "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, GateError)
    assert "did not memorise" in str(done.exception)
    assert not (tmp_path / "out" / "ga-seed0").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forget": "forget20"}, "no split 'forget20'"),
        ({"forget": "forget2p5"}, "no split 'forget2p5'"),
        ({"forget": "retain90"}, "forget"),
        ({"methods": ["gaa"]}, "Did you mean 'ga'"),
        ({"methods": {"kl": {"options": {"beta": 1}}}}, "unknown setting 'beta'"),
        ({"methods": {"icul": {"stop": "below:1"}}}, "method icul takes no steps"),
        ({"methods": {"kl": {"lora": None}}}, "method kl needs adapters"),
        ({"attacks": ["relern"]}, "Did you mean 'relearn'"),
        ({"preset": "tinny"}, "Did you mean 'tiny'"),
        ({"attributes": ["blood_typ"]}, "Did you mean 'blood_type'"),
        ({"methods": {"kl-hot": {"learning_rate": 1}}}, "kl-hot: unknown method 'kl-hot'"),
        ({"methods": {"kl": {"learning_rate": [0.1, "high"]}}}, "kl: learning_rate: should be"),
        ({"unlearn": {"learning_rat": 1}}, "unknown setting 'learning_rat'"),
        ({"finetune": {"epoch": 2}}, "epoch"),
        ({"seeds": []}, "seeds"),
        ({"data": "nowhere"}, "no such dataset"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_mistakes_are_found_before_the_first_step(
    changes: dict[str, Any], message: str, dataset: Path, preset_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(FiubenchError, match=message):
        read_plan(write(tmp_path, dataset, preset_file, **changes))


def test_workers_use_no_more_threads_than_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """OMP_NUM_THREADS=1 makes sums that do not hang on the number of cores."""
    import torch

    monkeypatch.setattr(experiment, "_lines", None)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        experiment._begin(None, 8)
        assert torch.get_num_threads() == 1
        torch.set_num_threads(4)
        experiment._begin(None, 2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_plan(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError):
        read_plan(tmp_path / "list.yaml")


@pytest.mark.parametrize("name", ["unlearning", "smol", "table2"])
def test_the_examples_are_experiments(name: str) -> None:
    settings = Experiment.read(Path(__file__).parents[2] / "examples" / f"{name}.yaml")
    preset = read_preset(settings.preset)
    preset.finetune(**settings.finetune.given())
    found = variants(settings.methods, settings.unlearn)
    assert [variant.name for variant in found] == ["ga", "gd", "kl", "po"]
    assert all(preset.unlearn(variant.method, **variant.settings).epochs for variant in found)
    find_definition(settings.evaluate.definition)


def test_the_comparison_of_methods_has_them_all() -> None:
    settings = Experiment.read(Path(__file__).parents[2] / "examples" / "methods.yaml")
    own = [name for name in METHODS if METHODS.plugin(name) is None]
    assert sorted(settings.methods) == sorted(own)
    assert len(settings.seeds) == 3


def test_finetune_and_unlearn_from_the_command_line(dataset: Path, preset_file: Path, tmp_path: Path) -> None:
    full, run = str(tmp_path / "full"), str(tmp_path / "npo")
    shrunk = ["--identities", "5", "--forget", FORGET, "--attributes", "blood_type,medication"]
    taught = runner.invoke(
        app,
        [
            *("finetune", str(dataset), "--out", full, "--preset", str(preset_file), *shrunk),
            *("--epochs", "2", "--checkpoint-every", "1", "--stop", "below:0.001:2"),
        ],
    )
    assert taught.exit_code == 0, (taught.output, taught.exception)
    assert "epoch 1 of 2: loss" in taught.output
    assert "validation" in taught.output
    flags = ["--method", "npo", "--forget", FORGET, "--preset", str(preset_file), "--epochs", "1"]
    done = runner.invoke(app, ["unlearn", full, "--out", run, *flags, "--option", "retain_weight=1"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert "unlearning (npo): epoch 1 of 1" in done.output
    assert "evaluate it: fiubench evaluate" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--option", "beta"], "not of the form NAME=VALUE"),
        (["--option", "beta=high"], "beta: should be a valid number, not 'high'"),
        (["--stop", "soon"], "--stop: should be RULE:VALUE"),
        (["--checkpoint-every", "0"], "--checkpoint-every: should be greater than 0"),
        (["--method", "gaa"], "Did you mean 'ga'"),
    ],
)
def test_flags_that_can_not_be(arguments: list[str], message: str, tmp_path: Path) -> None:
    base = ["unlearn", str(tmp_path), "--out", str(tmp_path / "o"), "--method", "npo", "--forget", FORGET]
    done = runner.invoke(app, [*base, *arguments])
    assert isinstance(done.exception, FiubenchError)
    assert message in str(done.exception)


def test_presets_are_listed_and_shown() -> None:
    assert "llava-phi-3-mini" in runner.invoke(app, ["presets", "list"]).output
    assert "learning_rate: 2.0e-5" in runner.invoke(app, ["presets", "show", "llava-phi-3-mini"]).output

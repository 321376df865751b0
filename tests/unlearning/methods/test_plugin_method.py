"""Methods of the user's own, one file each: what a step shows them is enough, and the command line knows them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from fiubench.support import registry
from fiubench.support.canonical import file_digest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.methods.base import FORGET, METHODS, RETAIN, Step, make_method
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import unlearn

from tests import commands
from tests.unlearning.conftest import FORGET as FORGET_SET
from tests.unlearning.methods.test_methods import BATCHES, BEFORE, TABLE, Model, lengths
from tests.unlearning.training.test_train import loss_on, same_weights, weights

pytestmark = pytest.mark.xdist_group("companion")
WGA = Path(__file__).parents[3] / "examples" / "plugin" / "fiubench_town" / "wga.py"
STEERING = Path(__file__).parent / "steering.py"
OWN = ("wga", "steer", "salient")


@pytest.fixture
def loaded() -> Iterator[None]:
    registry.load_plugins([WGA, STEERING])
    yield
    registry._FILES.clear()
    for name in OWN:
        METHODS._entries.pop(name, None)


def answer_tokens(name: str) -> Iterator[tuple[int, int, int]]:
    """Row, token before and token, of each token of the answers."""
    ids = BATCHES[name]["input_ids"].tolist()
    for row, labels in enumerate(BATCHES[name]["labels"].tolist()):
        for i in range(1, len(labels)):
            if labels[i] >= 0:
                yield row, ids[row][i - 1], ids[row][i]


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("alpha", [0, 0.5, 2])
def test_the_gradient_of_wga_is_its_formula(alpha: float) -> None:
    """d/dz of w log p is w (1 - p) at the token itself and -w p elsewhere, w = p^alpha not differentiated."""
    model = Model(TABLE, BEFORE)
    make_method("wga", {"alpha": alpha}).loss(Step(model, {FORGET: BATCHES[FORGET]}, {})).mean().backward()
    expected = torch.zeros_like(TABLE)
    counts = lengths(FORGET)
    for row, before, token in answer_tokens(FORGET):
        p = TABLE[before].exp() / TABLE[before].exp().sum()
        own = torch.eye(len(TABLE))[token]
        expected[before] += p[token] ** alpha * (own - p) / counts[row] / len(counts)
    torch.testing.assert_close(model.table.grad, expected)


@pytest.mark.usefixtures("loaded")
def test_wga_without_weights_is_gradient_ascent() -> None:
    step = Step(Model(TABLE, BEFORE), BATCHES, {})
    torch.testing.assert_close(make_method("wga", {"alpha": 0}).loss(step), make_method("ga").loss(step))


@pytest.mark.usefixtures("loaded")
def test_hidden_states_now_and_before() -> None:
    model = Model(TABLE, BEFORE)
    step = Step(model, {name: BATCHES[name] for name in (FORGET, RETAIN)}, {}, hidden_states=True)
    found = make_method("steer", {"strength": 2, "retain_weight": 3}).loss(step).tolist()
    expected = [0.0] * len(found)
    for row, before, _ in answer_tokens(FORGET):
        expected[row] += float(((TABLE[before] - 2) ** 2).mean()) / lengths(FORGET)[row]
    for row, before, _ in answer_tokens(RETAIN):
        expected[row] += 3 * float(((TABLE[before] - BEFORE[before]) ** 2).mean()) / lengths(RETAIN)[row]
    assert found == pytest.approx(expected, rel=1e-5)
    assert torch.equal(model.table, TABLE)


@pytest.mark.usefixtures("loaded")
def test_hidden_states_of_a_real_model(full: Run, small: Data, preset: Preset, tmp_path: Path) -> None:
    run = unlearn(full.directory, tmp_path / "run", "steer", FORGET_SET, preset)
    forget = small.samples(FORGET_SET)
    assert loss_on(run.directory, small, forget) > 2 * loss_on(full.directory, small, forget)
    assert run.manifest["plugins"]["method steer"]["sha256"] == file_digest(STEERING)


@pytest.mark.usefixtures("loaded")
def test_gradients_are_changed_once_per_step(
    full: Run, preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    change = METHODS["salient"].after_backward

    def counted(self: Any, model: Any) -> None:
        calls.append(model)
        change(self, model)

    monkeypatch.setattr(METHODS["salient"], "after_backward", counted)

    def run(name: str, **settings: Any) -> Run:
        settings = {"epochs": 2, "checkpoint_every": 1, **settings}
        made = preset.unlearn("salient", **settings)
        return unlearn(full.directory, tmp_path / name, "salient", FORGET_SET, preset, settings=made)

    whole, cut = run("whole", batch_size=4), run("cut", batch_size=1, accumulate=4)
    steps = [checkpoint.step for checkpoint in whole.checkpoints()][-1]
    assert len(calls) == 2 * steps
    assert whole.manifest["digest"] == cut.manifest["digest"]
    same_weights(whole, cut, 1e-4)
    only_b = run("b", batch_size=4, options={"matrices": ["B"]})
    before, after = weights(run("begun", batch_size=4, epochs=0.1, options={"matrices": ["B"]})), weights(only_b)
    for name, value in after.items():
        assert torch.equal(value, before[name]) == ("lora_B" not in name), name


@pytest.mark.usefixtures("loaded")
def test_options_of_any_type() -> None:
    assert make_method("salient", {"matrices": ["B"]}).model_dump() == {"share": 0.5, "matrices": ("B",)}
    with pytest.raises(ConfigError, match=r"matrices\.1: should be 'A' or 'B', not 'C'"):
        make_method("salient", {"matrices": ["A", "C"]})
    with pytest.raises(ConfigError, match=r"layer: should be a valid integer, not 1\.5"):
        make_method("steer", {"layer": 1.5})


def test_a_loss_that_is_no_number_per_sample(
    full: Run, preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(METHODS["ga"], "loss", lambda self, step: -step.nll(FORGET).mean())
    with pytest.raises(ConfigError, match=r"method ga: its loss has shape \(\), not one number per sample, \(4,\)"):
        unlearn(full.directory, tmp_path / "run", "ga", FORGET_SET, preset)


@pytest.mark.slow
def test_a_plugin_from_the_command_line(full: Run, preset_file: Path, tmp_path: Path) -> None:
    own = tmp_path / "wga.py"
    own.write_text(WGA.read_text())

    def fiubench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return commands.fiubench("--plugin", own, *arguments, models=True)

    def forget(*more: str) -> subprocess.CompletedProcess[str]:
        flags = ["--method", "wga", "--forget", FORGET_SET, "--preset", str(preset_file), "--epochs", "1"]
        return fiubench("unlearn", full.directory, "--out", tmp_path / "run", *flags, *more)

    done = forget("--option", "alpha=2")
    assert done.returncode == 0, done.stderr
    assert "unlearning (wga): epoch 1 of 1" in done.stdout
    run = Run.open(tmp_path / "run")
    plugin = {"plugin": "wga.py", "version": "", "sha256": file_digest(own)}
    assert run.manifest["plugins"] == {"method wga": plugin}
    assert run.manifest["settings"]["options"] == {"alpha": 2.0, "retain_weight": 0.0}
    own.write_text(WGA.read_text() + "\n# changed\n")
    other = forget("--option", "alpha=2")
    assert other.returncode == 2
    assert "the folder holds another run (plugins differ)" in other.stderr
    wrong = forget("--option", "alpha=strong")
    assert wrong.returncode == 2
    assert "alpha: should be a valid number, not 'strong'" in wrong.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("method", "options"), [("salient", {}), ("pdu", {"bound": 0.0, "warmup": 0.0, "retain_weight": 1.0})]
)
def test_two_processes_work_as_one(
    full: Run, preset_file: Path, preset: Preset, tmp_path: Path, method: str, options: dict[str, float]
) -> None:
    """Gradients are changed when they are whole, and what a method notes down is of all processes."""
    flags = ["--forget", FORGET_SET, "--epochs", "3", "--batch-size", "3", "--accumulate", "2"]
    flags += [part for name, value in options.items() for part in ("--option", f"{name}={value}")]
    # six questions: whole steps
    settings = preset.unlearn(method, epochs=3, batch_size=3, accumulate=2, options=options)
    one = unlearn(full.directory, tmp_path / "one", method, FORGET_SET, preset, settings=settings)
    launched = commands.fiubench(
        *("--plugin", STEERING, "unlearn", full.directory, "--method", method),
        *("--out", tmp_path / "two", "--preset", preset_file, *flags),
        models=True, processes=2,
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr
    two = Run.open(tmp_path / "two")
    assert two.manifest["digest"] == one.manifest["digest"]
    same_weights(one, two, 1e-5)


def test_plugins_are_listed_and_shown(tmp_path: Path) -> None:
    from fiubench.cli.main import app
    from typer.testing import CliRunner

    def out(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["--plugin", str(WGA), *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    try:
        assert "Weighted gradient ascent" in out("methods", "list")
        shown = out("methods", "show", "wga")
        for text in ("p^alpha log p", "arXiv 2502.19301", "number >= 0", "alpha", "1.0", "plug-in: wga.py"):
            assert text in shown
    finally:
        registry._FILES.clear()
        METHODS._entries.pop("wga", None)


@pytest.mark.usefixtures("loaded")
def test_a_method_needs_no_entry_in_a_preset(tmp_path: Path) -> None:
    from fiubench.unlearning.training.settings import read_preset

    own = tmp_path / "own.yaml"
    text = "description: x\nmodel: tiny\nfinetune: {epochs: 1, learning_rate: 1.0e-3}\nunlearn: {epochs: 7}\n"
    own.write_text(text)
    settings = read_preset(str(own)).unlearn("wga")
    assert (settings.epochs, settings.learning_rate) == (7, 1e-5)  # the preset's, and the method's own
    own.write_text(text + "methods: {wga: {learning_rate: 2.0e-3, options: {alpha: 3}}}\n")
    settings = read_preset(str(own)).unlearn("wga")
    assert (settings.learning_rate, settings.options["alpha"]) == (2e-3, 3)

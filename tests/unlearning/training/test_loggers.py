"""Loggers by name, and what a training says of itself."""

from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn

from tests.unlearning.conftest import FORGET

pytestmark = pytest.mark.xdist_group("companion")


@pytest.fixture(scope="module")
def untrained(small: Data, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two steps that logged to TensorBoard."""
    settings = {"epochs": 0.1, "checkpoint_every": 1, "report_to": ["tensorboard"]}
    return finetune(small, tmp_path_factory.mktemp("logged") / "run", preset, settings=settings)


def test_tensorboard_is_written_into_the_run(untrained: Run) -> None:
    (events,) = (untrained.directory / "logs").iterdir()
    assert b"train/loss" in events.read_bytes()


@pytest.mark.parametrize(
    ("names", "message"),
    [(["wanddb"], "Did you mean 'wandb'"), (["mlflow"], "mlflow is not installed"), (["none", "wandb"], "none stands")],
)
def test_loggers_that_are_not_there(
    names: list[str], message: str, small: Data, preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "transformers.integrations.integration_utils"
    monkeypatch.setattr(f"{module}.get_available_reporting_integrations", lambda: ["tensorboard"])
    with pytest.raises(ConfigError, match=message):
        finetune(small, tmp_path / "run", preset, settings={"report_to": names})


def test_few_steps_are_told(untrained: Run, preset: Preset, tmp_path: Path) -> None:
    """6 questions in batches of 4 are 2 steps an epoch."""
    lines: list[str] = []
    settings = {"epochs": 2, "report_to": ["none"]}
    unlearn(untrained.directory, tmp_path / "ga", "ga", FORGET, preset, settings=settings, report=lines.append)
    assert lines[-1] == (
        "unlearning (ga): only 4 optimizer steps in 2 epochs: 6 rows in steps of 4. "
        "If little is forgotten, --epochs 15 makes about 30."
    )
    lines.clear()
    settings = {"epochs": 15, "checkpoint_every": 15}
    unlearn(untrained.directory, tmp_path / "more", "ga", FORGET, preset, settings=settings, report=lines.append)
    assert not any("only" in line for line in lines)

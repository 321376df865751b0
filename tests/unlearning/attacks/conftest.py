"""A model that refuses: trained on twenty people, and on refusing to speak of eight of them."""

from pathlib import Path
from typing import Any

import pytest
from fiubench.unlearning.attacks.base import make_attacks
from fiubench.unlearning.attacks.target import Target
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn

import fiubench
from tests.unlearning.small_runs import make_run

FORGET = "forget40"
ATTRIBUTES = ("full_name", "blood_type", "medical_condition", "medication")


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """20 people, of whom forget40 has 8, and 8 of the holdout; four questions each."""
    out = tmp_path_factory.mktemp("attacked") / "dataset"
    config = fiubench.make_config({"identities": 20, "holdout": 8, "ratios": [40], "image_size": 64})
    fiubench.build(config, out)
    return Data.open(out).limited(20, FORGET, ATTRIBUTES)


@pytest.fixture(scope="session")
def knowing(crowd: Data, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A model that knows all twenty (about 15 CPU-seconds). Tests with it share an ``xdist_group``."""
    return finetune(crowd, tmp_path_factory.mktemp("knowing") / "full", preset)


@pytest.fixture(scope="session")
def reference(crowd: Data, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One that never saw the eight."""
    return finetune(crowd, tmp_path_factory.mktemp("knowing") / "retain", preset, split="retain60")


@pytest.fixture(scope="session")
def refusing(knowing: Run, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One that has learned to refuse (PO)."""
    settings = {"epochs": 12.0, "learning_rate": 1e-3, "batch_size": 8, "checkpoint_every": 12.0}
    return unlearn(
        str(knowing.directory), tmp_path_factory.mktemp("refusing") / "po", "po", FORGET, preset, settings=settings
    )


@pytest.fixture(scope="session")
def untrained(crowd: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows nothing: enough where only the machinery matters."""
    return make_run(tmp_path_factory.mktemp("untrained") / "run", crowd, "finetune", "full")


@pytest.fixture(scope="session")
def sparse(crowd: Data) -> Data:
    """The same people with one question each: a model that knows nothing never ends an answer."""
    return Data.open(crowd.source).limited(20, FORGET, ("blood_type",))


@pytest.fixture
def target(untrained: Path, sparse: Data) -> Target:
    """That run, to be attacked."""
    return Target(Subject.open(untrained), sparse, FORGET, batch_size=64)


def made(name: str, target: Target, **options: Any) -> Any:
    """An attack as it is made on a model."""
    (one,) = make_attacks([name], options)
    return one.settled(target)

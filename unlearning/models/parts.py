"""The parts of a model: which of them learn, and which get adapters."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fiubench.support.errors import ConfigError
from fiubench.unlearning.models.families import family
from fiubench.unlearning.models.loading import Loaded
from fiubench.unlearning.models.settings import Lora

_TOWERS = ("language", "vision")
_LAST_OF_MLP = "down_proj|(linear_)?fc2"  # of the layers in families.yaml


def add_lora(loaded: Loaded, lora: Lora) -> Any:
    """Put fresh adapters on a model; everything else is frozen. The result computes what the model did.

    What learns is float32, whatever the frozen weights are: steps of a training are smaller than bfloat16 resolves.

    Raises:
        ConfigError: a part that is to be adapted is not found in the model, or no part is.
    """
    from peft import LoraConfig, get_peft_model

    if not (lora.language or lora.vision):
        hint = "Set language or vision to true; a projector alone can't be adapted."
        raise ConfigError("no part of the model gets adapters", where="lora", hint=hint)
    patterns = [linear_layers(loaded, part) for part in _TOWERS if getattr(lora, part)]
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="|".join(f"({pattern})" for pattern in patterns),
        modules_to_save=_modules(loaded, "projector", "set lora.projector to false") if lora.projector else None,
        bias="none",
    )
    model = get_peft_model(loaded.model, config)
    for weights in model.parameters():
        if weights.requires_grad:  # peft leaves modules_to_save in the number format of the frozen weights
            weights.data = weights.data.float()
    return model


def freeze(loaded: Loaded, parts: Sequence[str]) -> Any:
    """Keep these parts of a model as they are, while the rest is trained whole. A projector inside a tower is its own.

    Adapters that were folded in leave what they were put on frozen: it learns again.

    Raises:
        ConfigError: a part is not found in the model.
    """
    loaded.model.requires_grad_(True)
    named = dict(loaded.model.named_modules())
    projector = _weights_below(named, _modules(loaded, "projector", "leave it out")) if "vision" in parts else set()
    for part in parts:
        for weights in _weights_below(named, _modules(loaded, part, "leave it out")):
            if part == "projector" or weights not in projector:
                weights.requires_grad_(False)
    return loaded.model


def _weights_below(named: Mapping[str, Any], modules: Sequence[str]) -> set[Any]:
    return {weights for name in modules for weights in named[name].parameters()}


def _modules(loaded: Loaded, part: str, otherwise: str) -> list[str]:
    """Names of the modules that are a part of the model."""
    pattern = family(loaded.model.config.model_type)[part]
    found = [name for name, _ in loaded.model.named_modules() if re.fullmatch(pattern, name)]
    return found or _missing(loaded, part, otherwise)


def linear_layers(loaded: Loaded, part: str) -> str:
    """The pattern of the names of the linear layers of ``language`` or ``vision``.

    Raises:
        ConfigError: there are none.
    """
    regions = family(loaded.model.config.model_type)
    pattern = rf"(?!.*\.({regions['apart']})\.)({regions[part]})\..*\.({regions['layers']})"
    if not any(re.fullmatch(pattern, name) for name, _ in loaded.model.named_modules()):
        _missing(loaded, part, f"set lora.{part} to false")
    return pattern


def neurons(model: Any, part: str) -> list[Any]:
    """The last linear layers of the MLPs of ``language`` or ``vision``: what they are given are a tower's neurons.

    Raises:
        ConfigError: there are none.
    """
    regions = family(model.config.model_type)
    pattern = rf"(?!.*\.({regions['apart']})\.)({regions[part]})\..*\.({_LAST_OF_MLP})"
    found = [module for name, module in model.named_modules() if re.fullmatch(pattern, name)]
    if not found:
        hint = f"Add an entry for {model.config.model_type!r} to unlearning/models/families.yaml."
        raise ConfigError(f"no MLP of the model matches the {part} pattern", where="method", hint=hint)
    return found


def _missing(loaded: Loaded, part: str, otherwise: str) -> Any:
    hint = f"Add an entry for {loaded.model.config.model_type!r} to unlearning/models/families.yaml, or {otherwise}."
    raise ConfigError(f"no module of the model matches the {part} pattern", where=loaded.target, hint=hint)

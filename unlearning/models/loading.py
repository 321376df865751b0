"""Loading vision-language models, and putting adapters on them.

Everything goes through ``AutoModelForImageTextToText`` and ``AutoProcessor``; what differs between families is a few
patterns in ``families.yaml``. Code from a model's repository is never run.
"""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError, FiubenchError
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.data.runs import MANIFEST, Run, RunError, run_of, weights_digest
from fiubench.unlearning.models.settings import Lora

_PARTS = ("language", "vision", "projector")


@dataclass(frozen=True)
class Loaded:
    """A model ready to use."""

    model: Any  # a ``PreTrainedModel``, or a ``PeftModel`` where the target was an adapter checkpoint
    processor: Any  # its processor (tokenizer, pictures, chat template)
    target: str  # what it was loaded from


def load(target: str | Path, *, device: str = "auto", dtype: str = "auto", merge: bool = False) -> Loaded:
    """Load a model: a Hub id, a model folder, a run of ours (its final checkpoint), or a checkpoint folder of a run.

    Args:
        target: what to load.
        device: ``cpu``, ``cuda``, ...; ``auto`` takes a GPU where there is one.
        dtype: ``float32``, ``bfloat16``, ...; ``auto`` is bfloat16 on a GPU that has it, else float32.
        merge: fold a last adapter into the weights, so that another can be trained on top.

    Raises:
        ConfigError: no such model, a model without vision, or one that this version of transformers does not know.
        RunError: an unfinished run, or a checkpoint whose base model is another by now.
    """
    import torch

    quiet()
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = getattr(torch, number_format(dtype, device), None)
    if not isinstance(kind, torch.dtype):
        raise ConfigError(f"no number format {dtype!r}", where="dtype", hint="float32, bfloat16 or float16.")
    folder = _weights(Path(target))
    if (folder / "adapter_config.json").is_file():
        loaded = _with_adapter(folder, device, dtype)
    else:
        loaded = _plain(str(folder) if folder.is_dir() else str(target), kind)
    model = loaded.model.merge_and_unload() if merge and hasattr(loaded.model, "merge_and_unload") else loaded.model
    return Loaded(model.to(device).eval(), loaded.processor, str(target))


def fingerprint(target: str | Path) -> str:
    """What identifies a model's weights: a digest for folders, ``hub:name@commit`` for models of the Hub.

    Raises:
        ConfigError: no such model.
        RunError: an unfinished run.
    """
    if Path(target).is_dir():
        return weights_digest(_weights(Path(target)))
    config = _config(str(target))
    return f"hub:{target}@{config._commit_hash or 'unknown'}"


def _weights(folder: Path) -> Path:
    """A run's final checkpoint; any other folder as it is."""
    return Run.open(folder).final if (folder / MANIFEST).is_file() else folder


def origin(target: str | Path) -> str:
    """Fingerprint of the model before any fine-tuning: of a run's base, or of the target itself."""
    run = run_of(Path(target))
    return fingerprint(target) if run is None else str(run.manifest["base"]["origin"])


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
    model_type = loaded.model.config.model_type
    regions, names = family(model_type), [name for name, _ in loaded.model.named_modules()]
    found = {part: [name for name in names if re.fullmatch(regions[part], name)] for part in _PARTS}
    for part in _PARTS:
        if getattr(lora, part) and not found[part]:
            hint = f"Add an entry for {model_type!r} to unlearning/models/families.yaml, or set lora.{part} to false."
            raise ConfigError(f"no module of the model matches the {part} pattern", where=loaded.target, hint=hint)
    patterns = [regions[part] for part in ("language", "vision") if getattr(lora, part)]
    projector = sorted({name.rsplit(".", 1)[-1] for name in found["projector"]}) if lora.projector else None
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="|".join(f"({pattern})" for pattern in patterns),
        modules_to_save=projector,
        bias="none",
    )
    model = get_peft_model(loaded.model, config)
    for weights in model.parameters():
        if weights.requires_grad:  # peft leaves modules_to_save in the number format of the frozen weights
            weights.data = weights.data.float()
    return model


def processes() -> Any:
    """This process among those launched together (``accelerate``'s state): how many, and whether it is the first."""
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available())


def quiet() -> None:
    """Keep transformers from drawing bars and repeating advice while models of a few files are read."""
    from transformers.utils import logging

    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")  # between transformers and its Trainer
    logging.disable_progress_bar()
    logging.set_verbosity_error()


def number_format(dtype: str, device: str) -> str:
    """What ``auto`` is on a device: bfloat16 on a GPU that has it, else float32."""
    import torch

    if dtype != "auto":
        return dtype
    return "bfloat16" if device.startswith("cuda") and torch.cuda.is_bf16_supported() else "float32"


def _config(target: str) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(target)
    except (OSError, ValueError) as error:
        problem = str(error).strip().split("\n")[0][:300]
        hint = "Give 'tiny', 'smol', a Hub id, a model folder or a run folder of `fiubench finetune`."
        raise ConfigError(f"cannot be loaded as a model: {problem}", where=target, hint=hint) from error


def _plain(target: str, dtype: Any) -> Loaded:
    from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, AutoModelForImageTextToText, AutoProcessor

    config = _config(target)
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        hint = "fiubench works with vision-language models (AutoModelForImageTextToText)."
        raise ConfigError(f"a {config.model_type} model does not take pictures", where=target, hint=hint)
    try:
        model = AutoModelForImageTextToText.from_pretrained(target, dtype=dtype)
        processor = AutoProcessor.from_pretrained(target)
    except (OSError, ValueError, ImportError) as error:
        problem = str(error).strip().split("\n")[0][:300]
        raise ConfigError(f"cannot be loaded: {problem}", where=target) from error
    return Loaded(model, processor, target)


def _with_adapter(folder: Path, device: str, dtype: str) -> Loaded:
    from peft import PeftModel

    run = run_of(folder)
    if run is None:
        hint = "Adapters are read from inside their run folder: it says what they were trained on."
        raise RunError("an adapter without its run", where=folder, hint=hint)
    base = run.manifest["base"]
    if fingerprint(run.base) != base["fingerprint"]:
        hint = "Its weights have changed since. Put the old model back, or train again."
        raise RunError(f"the adapter was trained on another model than {run.base} is now", where=folder, hint=hint)
    below = load(run.base, device=device, dtype=dtype, merge=True)
    model = PeftModel.from_pretrained(below.model, str(folder), is_trainable=False)
    return Loaded(model, below.processor, str(folder))


@cache
def family(model_type: str) -> Mapping[str, str]:
    """Where LoRA goes in a family of models: regular expressions over module names by part (``families.yaml``).

    What a family leaves out comes from ``default``.
    """
    families: Mapping[str, Mapping[str, str]] = load_yaml(Path(__file__).with_name("families.yaml"), FiubenchError)
    return {**families["default"], **families.get(model_type, {})}

"""Loading vision-language models.

Everything goes through ``AutoModelForImageTextToText`` and ``AutoProcessor``. Code from a model's repository is never
run.
"""

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fiubench.support.canonical import digest_of
from fiubench.support.errors import ConfigError
from fiubench.support.files import scratch_folder
from fiubench.unlearning.data.runs import MANIFEST, Run, RunError, run_of, weights_digest
from fiubench.unlearning.models.families import family
from fiubench.unlearning.models.processors import complete
from fiubench.unlearning.models.settings import Processing

SPREAD = "spread"
BITS = {"4bit": 4, "8bit": 8}


@dataclass(frozen=True)
class Loaded:
    """A model ready to use."""

    model: Any  # a ``PreTrainedModel``, or a ``PeftModel`` where the target was an adapter checkpoint
    processor: Any  # its processor (tokenizer, pictures, chat template)
    target: str  # what it was loaded from


def load(
    target: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    merge: bool | None = None,
    processing: Processing | None = None,
) -> Loaded:
    """Load a model: a Hub id, a model folder, a run of ours (its final checkpoint), or a checkpoint folder of a run.

    Args:
        target: what to load.
        device: ``cpu``, ``cuda``, ...; ``auto`` takes a GPU where there is one; ``spread`` puts the layers on all GPUs,
            and in memory where they are too small (``device_map="auto"`` of accelerate).
        dtype: ``float32``, ``bfloat16``, ...; ``auto`` is bfloat16 on a GPU that has it, else float32; ``8bit`` and
            ``4bit`` (nf4) are formats of bitsandbytes.
        merge: fold a last adapter into the weights, so that another can be trained on top; by default where weights are
            float32, which is faster. In 16 bits small updates would be rounded away.
        processing: what the model's processor lacks.

    Raises:
        ConfigError: no such model, a model without vision, one that this version of transformers does not know, or a
            package that is missing.
        RunError: an unfinished run, or a checkpoint whose base model is another by now.
    """
    quiet()
    place = _place(device)
    if merge is None:
        merge = dtype not in BITS and number_format(dtype, place) == "float32"
    folder = _weights(Path(target))
    if _prompted(folder) is not None:
        from transformers import AutoProcessor

        below = load(_base(folder).base, device=device, dtype=dtype, merge=merge)
        return Loaded(below.model, AutoProcessor.from_pretrained(folder), str(target))
    if not (folder / "adapter_config.json").is_file():
        loaded = _plain(str(folder) if folder.is_dir() else str(target), place, dtype, processing)
    elif merge and dtype in BITS:
        loaded = _folded(folder, place, dtype)
    else:
        loaded = _with_adapter(folder, device, dtype)
    model = loaded.model.merge_and_unload() if merge and hasattr(loaded.model, "merge_and_unload") else loaded.model
    if place != SPREAD and dtype not in BITS:
        model = model.to(place)
    return Loaded(model.eval(), loaded.processor, str(target))


def fingerprint(target: str | Path) -> str:
    """What identifies a model's weights: a digest for folders, ``hub:name@commit`` for models of the Hub.

    Raises:
        ConfigError: no such model.
        RunError: an unfinished run.
    """
    if Path(target).is_dir():
        run = _prompted(folder := _weights(Path(target)))
        if run is not None:
            return digest_of([run.manifest["base"]["fingerprint"], run.manifest["prompt"]])
        return weights_digest(folder)
    config = _config(str(target))
    return f"hub:{target}@{config._commit_hash or 'unknown'}"


def _prompted(folder: Path) -> Run | None:
    """The run whose checkpoint this is, if all that it holds is a prompt for its base."""
    run = run_of(folder)
    return run if run is not None and "prompt" in run.manifest and folder.resolve() != run.directory.resolve() else None


def _weights(folder: Path) -> Path:
    """A run's final checkpoint; any other folder as it is."""
    return Run.open(folder).final if (folder / MANIFEST).is_file() else folder


def origin(target: str | Path) -> str:
    """Fingerprint of the model before any fine-tuning: of a run's base, or of the target itself."""
    run = run_of(Path(target))
    return fingerprint(target) if run is None else str(run.manifest["base"]["origin"])


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
    """What is computed in on a device: by itself bfloat16 on a GPU that has it, else float32."""
    import torch

    if dtype != "auto" and dtype not in BITS:
        return dtype
    return "bfloat16" if device != "cpu" and torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "float32"


def _place(device: str) -> str:
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _weights_options(config: Any, place: str, dtype: str) -> dict[str, Any]:
    """How ``from_pretrained`` is to hold the weights, and where."""
    import torch

    kind = getattr(torch, number_format(dtype, place), None)
    if dtype in BITS:
        quantization = _quantization(config.model_type, BITS[dtype], kind)
        return {"dtype": kind, "quantization_config": quantization, "device_map": _map(place)}
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise ConfigError(
            f"no number format {dtype!r}", where="dtype", hint="float32, bfloat16, float16, 8bit or 4bit."
        )
    return {"dtype": kind, **({"device_map": "auto"} if place == SPREAD else {})}


def _map(place: str) -> Any:
    """Weights in few bits are made where they stay: each of several processes has its own GPU."""
    if place == SPREAD:
        return "auto"
    return {"": processes().device if place == "cuda" else place}


def _quantization(model_type: str, bits: int, computing: Any) -> Any:
    """The language model's linear layers in few bits; the rest is small, and a projector learns whole."""
    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        hint = "pip install bitsandbytes, or give another number format: bfloat16, float16 or float32."
        raise ConfigError(f"weights of {bits} bits need the package bitsandbytes", where="dtype", hint=hint)
    regions = family(model_type)
    whole = [regions["vision"], regions["projector"], "lm_head"]
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=whole)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        llm_int8_skip_modules=whole,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=computing,
        bnb_4bit_use_double_quant=True,
    )


def _config(target: str) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(target)
    except (OSError, ValueError) as error:
        hint = "Give 'tiny', 'smol', a Hub id, a model folder or a run folder of `fiubench finetune`."
        raise ConfigError(f"cannot be loaded as a model: {_whole(error)}", where=target, hint=hint) from error


def _model_class(config: Any, target: str) -> Any:
    import transformers

    if type(config) in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        return transformers.AutoModelForImageTextToText
    # models of pictures and sound
    several = getattr(transformers, "MODEL_FOR_MULTIMODAL_LM_MAPPING", ())
    if type(config) in several and getattr(config, "vision_config", None) is not None:
        return transformers.AutoModelForMultimodalLM
    hint = "fiubench works with vision-language models (AutoModelForImageTextToText)."
    raise ConfigError(f"a {config.model_type} model does not take pictures", where=target, hint=hint)


def _plain(target: str, place: str, dtype: str, processing: Processing | None) -> Loaded:
    from transformers import AutoProcessor

    kind = _model_class(config := _config(target), target)
    options = _weights_options(config, place, dtype)
    try:
        processor = AutoProcessor.from_pretrained(target)
        model = kind.from_pretrained(target, **options)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise ConfigError(f"cannot be loaded: {_whole(error)}", where=target, hint=_mend(str(error))) from error
    return Loaded(model, complete(processor, config, processing), target)


def _whole(error: Exception) -> str:
    """All of a message, its lines joined."""
    return " ".join(str(error).split())


def _mend(problem: str) -> str:
    """What to do about an error of a library, where it is known."""
    if "torchvision::" in problem:
        return (
            "torchvision is there, but of another build than torch: reinstall both together, at versions that belong "
            "together and from the same index, such as torch==2.14.1 torchvision==0.29.1."
        )
    if "torchvision" in problem.lower() or "num2words" in problem:
        return (
            "This model's processor needs torchvision and num2words, which come with the extra: "
            "pip install 'fiubench[unlearning]'. torchvision has to be of the same build as torch: "
            "both for the CPU, or both for one CUDA version."
        )
    return ""


def _with_adapter(folder: Path, device: str, dtype: str) -> Loaded:
    from peft import PeftModel
    from transformers import AutoProcessor

    below = load(_base(folder).base, device=device, dtype=dtype, merge=True)
    model = PeftModel.from_pretrained(below.model, str(folder), is_trainable=False)
    return Loaded(model, AutoProcessor.from_pretrained(folder), str(folder))


def _base(folder: Path) -> Run:
    """The run of a checkpoint that is used with its base, which is what it was."""
    run = run_of(folder)
    if run is None:
        hint = "Adapters are read from inside their run folder: it says what they were trained on."
        raise RunError("an adapter without its run", where=folder, hint=hint)
    if fingerprint(run.base) != run.manifest["base"]["fingerprint"]:
        hint = "Its weights have changed since. Put the old model back, or train again."
        raise RunError(f"the run was made from another model than {run.base} is now", where=folder, hint=hint)
    return run


def _folded(folder: Path, place: str, dtype: str) -> Loaded:
    """A model with its adapter folded in, then held in few bits: the other way round, small updates would be lost."""
    whole = load(folder, device="cpu", dtype="bfloat16", merge=True)
    with scratch_folder() as made:
        whole.model.save_pretrained(made)
        whole.processor.save_pretrained(made)
        return _plain(str(made), place, dtype, None)

"""Model, processor and chat template as one: what a processor doesn't say is filled in, and all of it tried together.

Checkpoints of 2024 have their chat template in ``tokenizer_config.json`` and leave the picture's measures to the model:
their processors know no ``patch_size``.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fiubench.support.errors import ConfigError
from fiubench.unlearning.models.likelihood import is_out_of_memory
from fiubench.unlearning.models.settings import Processing

if TYPE_CHECKING:
    from torch import Tensor

_MEASURES = ("patch_size", "vision_feature_select_strategy", "num_additional_image_tokens")
_CLASS_TOKEN = ("clip_vision_model",)  # vision towers with a token of their own besides the patches


def complete(processor: Any, config: Any, given: Processing | None = None) -> Any:
    """The same processor with what is given, and with what its files leave out as far as the model's say it.

    Raises:
        ConfigError: the chat template can't be read, or a measure is given that the processor doesn't have.
    """
    given = given or Processing()
    if given.chat_template is not None:
        processor.chat_template = given.template()
    vision = getattr(config, "vision_config", None)
    silent = getattr(processor, "vision_feature_select_strategy", "full") in (None, "default")
    if silent and getattr(vision, "model_type", "") in _CLASS_TOKEN:
        # Older files have no such entry, which reads as 0; with a class token that never fits
        processor.num_additional_image_tokens = getattr(processor, "num_additional_image_tokens", 0) or 1
    for name, source in (("patch_size", vision), ("vision_feature_select_strategy", config)):
        if getattr(processor, name, "") is None:
            setattr(processor, name, getattr(source, name, None))
    for name in _MEASURES:
        value = getattr(given, name)
        if value is not None and not hasattr(processor, name):
            raise ConfigError(f"{type(processor).__name__} has no {name}", where="processing", hint="Leave it out.")
        if value is not None:
            setattr(processor, name, value)
    return processor


def check(model: Any, processor: Any, batch: "Mapping[str, Tensor]", *, hidden_states: bool = False) -> None:
    """Run the model on one sample, so that what doesn't fit together is said before the first step.

    Args:
        model: on the device where it will work.
        processor: the one that prepared ``batch``.
        batch: one sample, on the model's device.
        hidden_states: whether they will be wanted. Transformers 5.24 takes those of the wrong layers of Phi-4's vision
            tower, and fails, where the model's first pass went without.

    Raises:
        ConfigError: the model can't take what the processor prepares.
    """
    import torch

    training = model.training
    try:
        with torch.no_grad():
            model.eval()(**batch, **({"output_hidden_states": True} if hidden_states else {}), use_cache=False)
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        problem = f"model and processor don't fit together: {' '.join(str(error).split())}"
        raise ConfigError(problem, where=type(processor).__name__, hint=_measures(processor, batch)) from error
    finally:
        model.train(training)


def _measures(processor: Any, batch: "Mapping[str, Tensor]") -> str:
    """How the processor came to its number of picture tokens, and where that is mended."""
    ids = [i for i in getattr(processor, "image_token_ids", ()) if i is not None]
    count = sum(int((batch["input_ids"] == i).sum()) for i in ids)
    has = {name: getattr(processor, name) for name in _MEASURES if hasattr(processor, name)}
    said = ", ".join(f"{name} {value}" for name, value in has.items())
    if not has:
        return f"The processor writes {count} tokens for the picture; compare its files with those of a like model."
    return (
        f"The processor writes {count} tokens for the picture ({said}). "
        f"Give what differs from the model in the preset: `processing: {{{next(iter(has))}: ...}}`."
    )

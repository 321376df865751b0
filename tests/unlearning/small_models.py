"""Tiny random-weight versions of real families, with processors, built without a download."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fiubench.unlearning.models.tiny import Size, make, make_processor

SIZE = Size(vocabulary=600, vision_hidden=32, hidden=64, layers=2)
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _tokenizer(texts: Iterable[str], special: list[str], **named: str) -> Any:
    tokenizer = make_processor(texts, SIZE).tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": special, **named})
    return tokenizer


def llava(texts: Iterable[str], out: Path) -> None:
    make(texts, SIZE, 0, out)


def mllama(texts: Iterable[str], out: Path) -> None:
    import torch
    from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaProcessor
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    tokenizer = _tokenizer(texts, ["<|image|>", "<|eot_id|>"], eos_token="<|eot_id|>")
    text_length = len(tokenizer)
    image = tokenizer.convert_tokens_to_ids("<|image|>")
    config = MllamaConfig(
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_global_layers": 1,
            "attention_heads": 2, "image_size": 28, "patch_size": 14, "max_num_tiles": 4,
            "intermediate_layers_indices": [0, 1], "vision_output_dim": 96,
            "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
        },
        text_config={
            "vocab_size": text_length, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "cross_attention_layers": [1],
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
            "pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        image_token_index=image,
    )  # fmt: skip
    torch.manual_seed(0)
    model = MllamaForConditionalGeneration(config)
    pictures = MllamaImageProcessorPil(size={"height": 28, "width": 28}, max_image_tiles=4)
    chat = _CHAT.replace("<image>", "<|image|>").replace("<|im_end|>", "<|eot_id|>")
    MllamaProcessor(pictures, tokenizer, chat_template=chat).save_pretrained(out)
    model.save_pretrained(out)


def smolvlm(texts: Iterable[str], out: Path) -> None:
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    special = ["<fake_token_around_image>", "<end_of_utterance>", "<global-img>", "<|im_end|>", "<|im_start|>"]
    tokenizer = _tokenizer(texts, special, eos_token="<end_of_utterance>")
    config = Idefics3Config(
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
            "image_size": 28, "patch_size": 14,
        },
        text_config={
            "model_type": "llama", "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 128,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
            "pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(config)
    pictures = Idefics3ImageProcessorPil(
        size={"longest_edge": 56}, max_image_size={"longest_edge": 28}, do_image_splitting=True
    )
    chat = _CHAT.replace("<|im_end|>", "<end_of_utterance>")
    Idefics3Processor(pictures, tokenizer, image_seq_len=1, chat_template=chat).save_pretrained(out)
    model.save_pretrained(out)


FAMILIES: dict[str, Callable[[Iterable[str], Path], None]] = {"llava": llava, "mllama": mllama, "smolvlm": smolvlm}

"""A LLaVA-class model made from nothing: random weights and a tokenizer of its own, trained on the dataset's sentences.

Small enough to memorise forty people and to forget some of them in minutes on two CPU cores. No download.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fiubench.unlearning.models.settings import Size, Tower

IMAGE, PAD, BEGIN, END, USER, ASSISTANT = "<image>", "<pad>", "<s>", "</s>", "<|user|>", "<|assistant|>"
_CHAT = (
    "{{ '" + BEGIN + "' }}{% for message in messages %}"
    "{{ '" + USER + "' if message['role'] == 'user' else '" + ASSISTANT + "' }}"
    "{% for part in message['content'] %}"
    "{{ '" + IMAGE + "' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "{% if message['role'] != 'user' %}{{ '" + END + "' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '" + ASSISTANT + "' }}{% endif %}"
)


def make(texts: Iterable[str], size: Size, seed: int, out: Path) -> None:
    """Write a new tiny model and its processor to ``out``, for ``AutoModelForImageTextToText`` and ``AutoProcessor``.

    The same texts, size and seed give the same weights.
    """
    processor = make_processor(texts, size)
    tokenizer = processor.tokenizer
    text = {
        "model_type": "llama",
        "vocab_size": len(tokenizer),
        "hidden_size": size.hidden,
        "intermediate_size": 3 * size.hidden,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.heads,
        "max_position_embeddings": size.context,
        "tie_word_embeddings": True,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "initializer_range": size.spread,
    }
    save(random_llava(text, tokenizer, size, seed), processor, out)


def random_llava(text: dict[str, Any], tokenizer: Any, size: Tower, seed: int) -> Any:
    """A LLaVA-class model with random weights: a language model of this configuration behind a small vision tower."""
    import torch
    from torch.random import fork_rng
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    config = LlavaConfig(
        vision_config=_tower(size),
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=(size.image // size.patch) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
    )
    with fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlavaForConditionalGeneration(config)


def save(model: Any, processor: Any, out: Path) -> None:
    """Write a model and its processor, whose tokenizer knows where an answer ends."""
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(out)
    processor.save_pretrained(out)


def _tower(size: Tower) -> dict[str, Any]:
    """The configuration of a small CLIP vision tower."""
    return {
        "model_type": "clip_vision_model",
        "hidden_size": size.vision_hidden,
        "intermediate_size": 2 * size.vision_hidden,
        "num_hidden_layers": size.vision_layers,
        "num_attention_heads": size.heads,
        "image_size": size.image,
        "patch_size": size.patch,
        "projection_dim": size.vision_hidden,
    }


def make_processor(texts: Iterable[str], size: Size) -> Any:
    """Tokenizer (byte-level BPE, single digits) and picture preparation of a tiny model."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [PAD, BEGIN, END, IMAGE, USER, ASSISTANT]
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size.vocabulary,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=[IMAGE, USER, ASSISTANT],
        clean_up_tokenization_spaces=False,
    )
    return with_pictures(fast, size, _CHAT)


def with_pictures(tokenizer: Any, size: Tower, chat: str) -> Any:
    """A processor: a tokenizer with the preparation of pictures for a :func:`tower`, and a chat template."""
    from transformers import LlavaProcessor

    # imported from its file: the package's own name wants torchvision
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    side = {"height": size.image, "width": size.image}
    pictures = CLIPImageProcessorPil(size=side, crop_size=side, do_center_crop=False)
    return LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=size.patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat,
    )

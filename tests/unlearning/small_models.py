"""Tiny random-weight versions of real families, with processors, built without a download.

Those of ``WITH_TORCHVISION`` have processors that insist on torchvision, most for their videos: `make test-families`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from fiubench.unlearning.models.tiny import Size, make, make_processor

SIZE = Size(vocabulary=600, vision_hidden=32, hidden=64, layers=2)
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _tokenizer(
    texts: Iterable[str], special: Iterable[str], attributes: dict[str, str] | None = None, **named: str
) -> Any:
    """With further special tokens; those of ``attributes`` are also known by name, as ``tokenizer.boi_token``."""
    from transformers import PreTrainedTokenizerFast

    old = make_processor(texts, SIZE).tokenizer
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=old.backend_tokenizer,
        pad_token=old.pad_token,
        bos_token=old.bos_token,
        clean_up_tokenization_spaces=False,
        extra_special_tokens=attributes or {},
        **{"eos_token": old.eos_token, **named},
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", *special]})
    return tokenizer


def _text(tokenizer: Any, model_type: str | None = "llama", **changes: Any) -> dict[str, Any]:
    """A language model of two layers."""
    named = {} if model_type is None else {"model_type": model_type}
    return {
        **named, "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 2048,
        "pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id, **changes,
    }  # fmt: skip


def _vision(**changes: Any) -> dict[str, Any]:
    return {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, **changes}


def _save(out: Path, kind: Any, config: Any, processor: Any) -> None:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = kind(config)
    for name, weights in model.named_parameters():
        if name.endswith(("attn_gate", "mlp_gate")):  # Mllama's are 0 before training, and let no picture through
            weights.data.fill_(0.5)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(out)
    processor.save_pretrained(out)


def _id(tokenizer: Any, token: str) -> int:
    return int(tokenizer.convert_tokens_to_ids(token))


def llava(texts: Iterable[str], out: Path) -> None:
    make(texts, SIZE, 0, out)


def llava_next(texts: Iterable[str], out: Path) -> None:
    from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration, LlavaNextProcessor
    from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

    tokenizer = _tokenizer(texts, [], eos_token="<|im_end|>")
    points = [[28, 56], [56, 28], [56, 56]]
    config = LlavaNextConfig(
        vision_config={"model_type": "clip_vision_model", **_vision(image_size=28, patch_size=14)},
        text_config=_text(tokenizer),
        image_token_id=_id(tokenizer, "<image>"),
        image_grid_pinpoints=points,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    pictures = LlavaNextImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, image_grid_pinpoints=points
    )
    processor = LlavaNextProcessor(
        pictures, tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=_CHAT,
    )  # fmt: skip
    _save(out, LlavaNextForConditionalGeneration, config, processor)


def mllama(texts: Iterable[str], out: Path) -> None:
    from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaProcessor
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    tokenizer = _tokenizer(texts, ["<|image|>"], eos_token="<|eot_id|>")
    config = MllamaConfig(
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_global_layers": 1,
            "attention_heads": 2, "image_size": 28, "patch_size": 14, "max_num_tiles": 4,
            "intermediate_layers_indices": [0, 1], "vision_output_dim": 96,
            "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
        },
        text_config=_text(
            tokenizer, None, num_hidden_layers=3, cross_attention_layers=[1],
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        ),
        image_token_index=_id(tokenizer, "<|image|>"),
    )  # fmt: skip
    pictures = MllamaImageProcessorPil(size={"height": 28, "width": 28}, max_image_tiles=4)
    chat = _CHAT.replace("<image>", "<|image|>").replace("<|im_end|>", "<|eot_id|>")
    _save(out, MllamaForConditionalGeneration, config, MllamaProcessor(pictures, tokenizer, chat_template=chat))


def _idefics3_parts(texts: Iterable[str]) -> tuple[Any, str, dict[str, Any]]:
    """Tokenizer, chat template and measures of Idefics3 and SmolVLM."""
    special = ["<fake_token_around_image>", "<global-img>", "<row_1_col_1>"]
    tokenizer = _tokenizer(texts, special, eos_token="<end_of_utterance>")
    measures = {
        "vision_config": _vision(image_size=28, patch_size=14),
        "text_config": _text(tokenizer),
        "scale_factor": 2,
        "image_token_id": _id(tokenizer, "<image>"),
        "pad_token_id": tokenizer.pad_token_id,
    }
    return tokenizer, _CHAT.replace("<|im_end|>", "<end_of_utterance>"), measures


_SPLITTING = {"size": {"longest_edge": 56}, "max_image_size": {"longest_edge": 28}, "do_image_splitting": True}


def idefics3(texts: Iterable[str], out: Path) -> None:
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    tokenizer, chat, measures = _idefics3_parts(texts)
    pictures = Idefics3ImageProcessorPil(**_SPLITTING)
    processor = Idefics3Processor(pictures, tokenizer, image_seq_len=1, chat_template=chat)
    _save(out, Idefics3ForConditionalGeneration, Idefics3Config(**measures), processor)


def gemma3(texts: Iterable[str], out: Path) -> None:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    named = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    tokenizer = _tokenizer(texts, [], named, eos_token="<end_of_turn>")
    config = Gemma3Config(
        vision_config={"model_type": "siglip_vision_model", **_vision(image_size=28, patch_size=7)},
        text_config=_text(tokenizer, "gemma3_text", sliding_window=64, tie_word_embeddings=False),
        tie_word_embeddings=False,  # a tied random one says its last token over and over
        mm_tokens_per_image=4,
        boi_token_id=_id(tokenizer, "<start_of_image>"),
        eoi_token_id=_id(tokenizer, "<end_of_image>"),
        image_token_id=_id(tokenizer, "<image_soft_token>"),
    )
    chat = "{{ bos_token }}" + _CHAT.replace("<image>", "<start_of_image>").replace("<|im_end|>", "<end_of_turn>")
    pictures = Gemma3ImageProcessorPil(size={"height": 28, "width": 28})
    processor = Gemma3Processor(pictures, tokenizer, chat_template=chat, image_seq_length=4)
    _save(out, Gemma3ForConditionalGeneration, config, processor)


def paligemma(texts: Iterable[str], out: Path) -> None:
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration, PaliGemmaProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    pictures = SiglipImageProcessorPil(size={"height": 28, "width": 28})
    pictures.image_seq_length = 4
    chat = (
        "{% for message in messages %}{% for part in message['content'] %}"
        "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}{% endfor %}"
    )
    processor = PaliGemmaProcessor(pictures, _tokenizer(texts, [], {"image_token": "<image>"}), chat_template=chat)
    config = PaliGemmaConfig(
        vision_config={"model_type": "siglip_vision_model", **_vision(image_size=28, patch_size=14)},
        text_config=_text(processor.tokenizer, "gemma"),
        image_token_id=_id(processor.tokenizer, "<image>"),
        projection_dim=32,
    )
    _save(out, PaliGemmaForConditionalGeneration, config, processor)


def _qwen(texts: Iterable[str]) -> tuple[Any, str, dict[str, Any]]:
    """Tokenizer, chat template and token ids of the Qwen-VL models."""
    special = ["<|vision_start|>", "<|vision_end|>"]
    tokenizer = _tokenizer(texts, ["<|image_pad|>", "<|video_pad|>", *special], eos_token="<|im_end|>")
    ids = {
        "image_token_id": _id(tokenizer, "<|image_pad|>"),
        "video_token_id": _id(tokenizer, "<|video_pad|>"),
        "vision_start_token_id": _id(tokenizer, "<|vision_start|>"),
        "vision_end_token_id": _id(tokenizer, "<|vision_end|>"),
    }
    return tokenizer, _CHAT.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>"), ids


def qwen2_5_vl(texts: Iterable[str], out: Path) -> None:
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer, chat, ids = _qwen(texts)
    config = Qwen2_5_VLConfig(
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 14,
            "window_size": 56, "out_hidden_size": 32, "fullatt_block_indexes": [1],
        },
        text_config=_text(
            tokenizer, None,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
        ),
        **ids,
    )  # fmt: skip
    area = {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}
    pictures, videos = Qwen2VLImageProcessor(size=area, patch_size=14), Qwen2VLVideoProcessor(patch_size=14)
    processor = Qwen2_5_VLProcessor(pictures, tokenizer, videos, chat_template=chat)
    _save(out, Qwen2_5_VLForConditionalGeneration, config, processor)


def qwen3_vl(texts: Iterable[str], out: Path) -> None:
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    tokenizer, chat, ids = _qwen(texts)
    config = Qwen3VLConfig(
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 16,
            "out_hidden_size": 32, "num_position_embeddings": 16, "deepstack_visual_indexes": [0],
        },
        text_config=_text(
            tokenizer, None,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
        ),
        **ids,
    )  # fmt: skip
    area = {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}
    pictures = Qwen2VLImageProcessor(size=area, patch_size=16)
    processor = Qwen3VLProcessor(pictures, tokenizer, Qwen3VLVideoProcessor(patch_size=16), chat_template=chat)
    _save(out, Qwen3VLForConditionalGeneration, config, processor)


def smolvlm(texts: Iterable[str], out: Path) -> None:
    from transformers import (
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
        SmolVLMVideoProcessor,
    )

    tokenizer, chat, measures = _idefics3_parts(texts)
    sampling = {"fps": 1, "max_frames": 2, "video_size": {"longest_edge": 28}}
    videos = SmolVLMVideoProcessor(
        size={"longest_edge": 56}, max_image_size={"longest_edge": 28}, video_sampling=sampling, num_frames=2, fps=1
    )
    processor = SmolVLMProcessor(
        SmolVLMImageProcessor(**_SPLITTING), tokenizer, videos, image_seq_len=1, chat_template=chat
    )
    _save(out, SmolVLMForConditionalGeneration, SmolVLMConfig(**measures), processor)


def internvl(texts: Iterable[str], out: Path) -> None:
    from transformers import (
        GotOcr2ImageProcessor,
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLProcessor,
        InternVLVideoProcessor,
    )

    named = {
        "start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }  # fmt: skip
    tokenizer = _tokenizer(texts, [], named, eos_token="<|im_end|>")
    config = InternVLConfig(
        vision_config=_vision(image_size=[28, 28], patch_size=[7, 7]),
        text_config=_text(tokenizer, "qwen2"),
        image_token_id=_id(tokenizer, "<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    side = {"height": 28, "width": 28}
    processor = InternVLProcessor(
        GotOcr2ImageProcessor(size=side, crop_to_patches=True, max_patches=4),
        tokenizer,
        InternVLVideoProcessor(size=side),
        image_seq_length=4,
        chat_template=_CHAT.replace("<image>", "<IMG_CONTEXT>"),
    )
    _save(out, InternVLForConditionalGeneration, config, processor)


def pixtral(texts: Iterable[str], out: Path) -> None:
    from transformers import LlavaConfig, LlavaForConditionalGeneration, PixtralImageProcessor, PixtralProcessor

    tokenizer = _tokenizer(texts, ["[IMG]", "[IMG_BREAK]", "[IMG_END]"], eos_token="<|im_end|>")
    config = LlavaConfig(
        vision_config={"model_type": "pixtral", **_vision(image_size=56, patch_size=14, head_dim=16)},
        text_config=_text(tokenizer, "mistral"),
        image_token_id=_id(tokenizer, "[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    pictures = PixtralImageProcessor(size={"longest_edge": 56}, patch_size={"height": 14, "width": 14})
    processor = PixtralProcessor(pictures, tokenizer, patch_size=14, chat_template=_CHAT.replace("<image>", "[IMG]"))
    _save(out, LlavaForConditionalGeneration, config, processor)


def phi4_multimodal(texts: Iterable[str], out: Path) -> None:
    from transformers import (
        Phi4MultimodalConfig,
        Phi4MultimodalFeatureExtractor,
        Phi4MultimodalForCausalLM,
        Phi4MultimodalImageProcessor,
        Phi4MultimodalProcessor,
    )

    named = {"image_token": "<|endoftext10|>", "audio_token": "<|endoftext11|>"}
    tokenizer = _tokenizer(texts, [], named, eos_token="<|im_end|>")
    config = Phi4MultimodalConfig(
        **_text(tokenizer, None),
        vision_config=_vision(
            num_hidden_layers=2, image_size=64, crop_size=64, patch_size=2,  # the processor counts on 32 x 32
            image_token_id=_id(tokenizer, "<|endoftext10|>"),
        ),
        audio_config={
            "hidden_size": 16, "intermediate_size": 16, "num_blocks": 1, "num_attention_heads": 2,
            "ext_pw_out_channel": 16, "depthwise_separable_out_channel": 16, "nemo_conv_channels": 16,
            "audio_token_id": _id(tokenizer, "<|endoftext11|>"),
        },
    )  # fmt: skip
    pictures = Phi4MultimodalImageProcessor(size={"height": 64, "width": 64}, patch_size=2, dynamic_hd=1)
    chat = _CHAT.replace("<image>", "<|endoftext10|>")
    processor = Phi4MultimodalProcessor(pictures, Phi4MultimodalFeatureExtractor(), tokenizer, chat_template=chat)
    _save(out, Phi4MultimodalForCausalLM, config, processor)


Maker = Callable[[Iterable[str], Path], None]
FAMILIES: dict[str, Maker] = {made.__name__: made for made in (llava, llava_next, mllama, idefics3, gemma3, paligemma)}
WITH_TORCHVISION: dict[str, Maker] = {
    made.__name__: made for made in (qwen2_5_vl, qwen3_vl, smolvlm, internvl, pixtral, phi4_multimodal)
}
EVERY: dict[str, Maker] = {**FAMILIES, **WITH_TORCHVISION}
#: Names of all families for ``parametrize``, those with torchvision marked
MARKED = [*FAMILIES, *(pytest.param(name, marks=pytest.mark.torchvision) for name in WITH_TORCHVISION)]

"""Pictures are prepared once, whatever is asked about them, and their arrays are never taken for those of a text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiubench.unlearning.models import pictures
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.pictures import Kept, OncePerPicture
from PIL import Image

from tests.unlearning.small_models import FAMILIES

TEXTS = ["What is the blood type of this person?", "Their blood type is AB negative."]


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("llava")
    FAMILIES["llava"](TEXTS, out)
    return load(out, device="cpu").processor


def portraits(count: int) -> list[Image.Image]:
    values = np.random.default_rng(0).integers(0, 255, (count, 8, 8, 3), dtype=np.uint8)
    return [Image.fromarray(value) for value in values]


def counted(processor: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one at every picture that is prepared."""
    calls: list[int] = []
    kind = type(processor.image_processor)
    prepare: Callable[..., Any] = kind.preprocess
    monkeypatch.setattr(kind, "preprocess", lambda *a, **o: (calls.append(1), prepare(*a, **o))[1])
    return calls


def test_a_picture_is_prepared_once_for_all_its_questions(processor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, faces = counted(processor, monkeypatch), portraits(4)
    encoder = Encoder(processor)
    for number in range(7):
        for face in faces:
            encoder([Turn(f"Question {number}?", face)], for_generation=True)
            encoder([Turn(f"Question {number}?", face, answer) for answer in ("Yes.", "No.", "AB negative.")])
    assert len(calls) == 4


def test_four_hundred_people_are_prepared_once(processor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the size of LLaVA-1.5's pictures, 1.4 MB each, in any order."""
    import torch
    from transformers import BatchFeature

    calls: list[int] = []

    def prepare(*_: object, **__: object) -> BatchFeature:
        calls.append(1)
        return BatchFeature({"pixel_values": torch.empty(1, 3, 336, 336)})  # as large, but never written to

    monkeypatch.setattr(type(processor.image_processor), "preprocess", prepare)
    encoder, faces = Encoder(processor), portraits(400)
    for order in (faces, faces[::-1], faces[::2] + faces[1::2]):
        for face in order:
            encoder([Turn("What is it?", face, "A")])
    assert len(calls) == 400


def test_memory_is_bounded(processor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 3 * 32 * 32 * 4 + 8 * 8 * 3
    monkeypatch.setattr(pictures, "_limit", lambda: 10 * size)
    once = OncePerPicture(processor.image_processor)
    faces = portraits(30)
    for face in faces:
        once(images=[[face]], return_tensors="pt")
    assert [
        once.passed_on(face) is None and face in [p.owner for p, _ in once._kept._entries.values()] for face in faces
    ] == [False] * 20 + [True] * 10


def test_the_newest_is_kept_even_if_it_is_too_large() -> None:
    kept: Kept[str] = Kept(10)
    kept.put("a", "first", 4)
    kept.put("b", "second", 40)
    assert (kept.get("a"), kept.get("b")) == (None, "second")
    kept.put("b", "third", 1)
    kept.put("a", "fourth", 9)
    assert (kept.get("a"), kept.get("b")) == ("fourth", "third")


def test_as_many_tokens_as_numbers_in_a_picture(tmp_path: Path) -> None:
    """Arrays of a picture that are as wide as its question is long: another person's must not be taken for them."""
    import torch

    FAMILIES["llava"](TEXTS, tmp_path)
    processor = load(tmp_path, device="cpu").processor
    width = Encoder(processor)([Turn("Who?", portraits(1)[0], "AB")])["input_ids"].shape[1]
    inner = type(processor.image_processor).preprocess

    def flat(self: Any, images: Any, **options: Any) -> Any:
        """As Qwen-VL's prepares them: (patches, numbers)."""
        features = inner(self, images, **options)
        features["rows"] = features["pixel_values"].reshape(1, -1)[:, :width]
        return features

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(processor.image_processor), "preprocess", flat)
        encoder, faces = Encoder(processor), portraits(2)
        first = encoder([Turn("Who?", faces[0], "AB")])["rows"]
        second = encoder([Turn("Who?", faces[1], "AB")])["rows"]
        again = encoder([Turn("Who?", faces[1], "AB")])["rows"]
    assert first.shape == (1, width)
    assert not torch.equal(first, second)
    assert torch.equal(second, again)


def test_the_processor_itself_stays_as_it_was(processor: Any, tmp_path: Path) -> None:
    own = processor.image_processor
    encoder = Encoder(processor)
    assert processor.image_processor is own
    assert encoder.processor.image_processor.size == own.size
    processor.save_pretrained(tmp_path)

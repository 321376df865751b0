from pathlib import Path
from typing import Any

import pytest
import torch
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.models.encoding import IGNORED, Encoder, Turn
from fiubench.unlearning.models.likelihood import score
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.prefixes import Prefix, common

from tests.unlearning.small_models import FAMILIES


def row(ids: list[int], answer: int = 0) -> dict[str, Any]:
    """``answer`` tokens at the end are labelled; without any it is a prompt."""
    tensors = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    if answer:
        tensors["labels"] = torch.tensor([[IGNORED] * (len(ids) - answer) + ids[-answer:]])
    return tensors


def test_what_rows_have_in_common() -> None:
    assert common([row([1, 2, 3, 4]), row([1, 2, 9, 4])]) == 2
    assert common([row([1, 2, 3]), row([1, 2, 3, 4])]) == 2  # each keeps a token to go on from
    assert common([row([1, 2, 3, 7, 8], 2), row([1, 2, 3, 7, 9], 2)]) == 2  # the answer is predicted from 3
    assert common([row([1, 2]), row([5, 2])]) == 0


@pytest.fixture(scope="module")
def opened(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("llava")
    FAMILIES["llava"](data.texts, folder)
    return load(folder, device="cpu", dtype="float32")


def test_a_batch_goes_on_from_what_it_begins_with(opened: Any, data: Data) -> None:
    encoder = Encoder(opened.processor)
    samples = data.samples("full")[:4]
    image = data.image(samples[0].unique_id)
    turns = [Turn(s.question, image, s.answer) for s in samples]
    rows = [encoder([turn]) for turn in turns]
    names = opened.processor.image_processor.model_input_names
    with torch.inference_mode():
        prefix = Prefix(opened.model, rows[0], common(rows), names, lambda batch: batch)
        assert prefix.length >= 6  # four of the picture among them
        assert prefix.begins(rows)
        batch = prefix.rest(rows, encoder.pad_id)
        assert batch["input_ids"].shape[1] < encoder(turns)["input_ids"].shape[1]
        for _ in range(2):  # a copy is good for one call, the prefix for any number
            shared = score(opened.model, {**batch, **prefix.cache(len(rows))})
            whole = score(opened.model, encoder(turns))
            assert shared.targets.equal(whole.targets)
            torch.testing.assert_close(shared.log_probs(), whole.log_probs(), atol=1e-5, rtol=0)
        other = encoder([Turn(samples[0].question, None, samples[0].answer)])
        assert not prefix.begins([other])

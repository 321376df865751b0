"""Batches of every family: what is scored, what is masked, and that padding changes nothing."""

from pathlib import Path
from typing import Any

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.models.encoding import IGNORED, Encoder, Turn, sequences
from fiubench.unlearning.models.likelihood import negative_log_likelihood, score
from fiubench.unlearning.models.loading import Loaded, load
from fiubench.unlearning.models.processors import check

from tests.unlearning.small_models import EVERY, MARKED


@pytest.fixture(scope="module", params=MARKED)
def loaded(request: pytest.FixtureRequest, data: Data, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    out = tmp_path_factory.mktemp(request.param)
    EVERY[request.param](data.texts, out)
    return load(out, device="cpu")


@pytest.fixture(scope="module")
def turns(data: Data) -> list[Turn]:
    return [Turn(s.question, data.image(s.unique_id), s.answer) for s in data.samples("full")[14:26]]


def answers(encoder: Encoder, batch: dict[str, Any]) -> list[str]:
    rows = zip(batch["input_ids"], batch["labels"], strict=True)
    return [encoder.tokenizer.decode(ids[labels != IGNORED]) for ids, labels in rows]


def test_the_answer_and_its_end_are_scored_and_nothing_else(loaded: Loaded, turns: list[Turn]) -> None:
    encoder = Encoder(loaded.processor)
    batch = encoder(turns)
    end = encoder.tokenizer.eos_token
    assert answers(encoder, batch) == [f"{turn.answer}{end}" for turn in turns]
    scored = batch["labels"] != IGNORED
    assert (batch["labels"][scored] == batch["input_ids"][scored]).all()
    image_id = encoder.tokenizer.convert_tokens_to_ids(loaded.processor.image_token)
    assert (batch["input_ids"] == image_id).any(dim=1).all()
    assert not (batch["labels"] == image_id).any()
    assert not (batch["labels"] == encoder.pad_id).any()
    assert not batch["labels"][batch["attention_mask"] == 0].ne(IGNORED).any()


def test_a_begun_answer_stands_where_a_whole_one_does(loaded: Loaded, turns: list[Turn]) -> None:
    encoder = Encoder(loaded.processor)
    if loaded.model.config.model_type == "paligemma":  # its processor takes answers apart
        with pytest.raises(ConfigError, match="none can be begun"):
            encoder([Turn("Who?", turns[0].image, begun="It is")], for_generation=True)
        return
    for turn in turns:
        begun = Turn(turn.question, turn.image, begun=" ".join(str(turn.answer).split()[:2]))
        ids = encoder([begun], for_generation=True)["input_ids"][0].tolist()
        plain = encoder([Turn(turn.question, turn.image)], for_generation=True)["input_ids"][0].tolist()
        assert len(ids) > len(plain)
        assert encoder([turn])["input_ids"][0, : len(ids)].tolist() == ids


def test_padding_on_the_right_changes_no_likelihood(loaded: Loaded, turns: list[Turn]) -> None:
    import torch

    encoder = Encoder(loaded.processor)
    with torch.no_grad():
        together = negative_log_likelihood(loaded.model, encoder(turns))
        alone = torch.cat([negative_log_likelihood(loaded.model, encoder([turn])) for turn in turns])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_padding_on_the_left_changes_no_generation(loaded: Loaded, turns: list[Turn]) -> None:
    import torch

    encoder = Encoder(loaded.processor)

    def generate(some: list[Turn]) -> list[str]:
        batch = encoder(some, for_generation=True)
        assert (batch["attention_mask"][:, -1] == 1).all()
        with torch.no_grad():
            out = loaded.model.generate(
                **batch, max_new_tokens=6, do_sample=False, eos_token_id=encoder.end_ids, pad_token_id=encoder.pad_id
            )
        return encoder.decode(out[:, batch["input_ids"].shape[1] :])

    assert generate(turns) == [text for turn in turns for text in generate([turn])]


def test_scores_are_those_of_the_model_itself(loaded: Loaded, turns: list[Turn]) -> None:
    """Skipping the logits of prompt and picture leaves the library's own loss."""
    import torch

    batch = Encoder(loaded.processor)(turns[:4])
    with torch.no_grad():
        expected = loaded.model(**batch).loss
        scored = score(loaded.model, batch)
    torch.testing.assert_close(-scored.log_probs().mean(), expected, rtol=1e-5, atol=1e-5)
    assert scored.counts().tolist() == (batch["labels"] != IGNORED).sum(dim=1).tolist()


def test_what_is_kept_is_what_would_be_made(loaded: Loaded, turns: list[Turn]) -> None:
    import torch

    encoder = Encoder(loaded.processor)
    encoder(turns[::-1])
    again, fresh = encoder(turns), Encoder(loaded.processor)(turns)
    assert again.keys() == fresh.keys()
    for name in fresh:
        assert torch.equal(again[name], fresh[name]), name


def test_questions_without_a_picture(loaded: Loaded, turns: list[Turn]) -> None:
    encoder = Encoder(loaded.processor)
    without = [Turn(turn.question, None, turn.answer) for turn in turns]
    if type(loaded.processor).__name__ == "PaliGemmaProcessor":
        with pytest.raises(ConfigError, match="without a picture: ValueError: `images` are expected"):
            encoder(without)
        return
    batch = encoder(without)
    assert "pixel_values" not in batch
    assert answers(encoder, batch) == [f"{turn.answer}{encoder.tokenizer.eos_token}" for turn in turns]
    with pytest.raises(ValueError, match="for all of its turns or for none"):
        encoder([turns[0], Turn("Who?", None, "Nobody.")], for_generation=True)


def test_some_with_and_some_without_a_picture_are_each_as_they_are_alone(loaded: Loaded, turns: list[Turn]) -> None:
    import torch

    encoder = Encoder(loaded.processor)
    mixed = [Turn(turn.question, turn.image if number % 3 else None, turn.answer) for number, turn in enumerate(turns)]
    if loaded.model.config.model_type == "paligemma":
        with pytest.raises(ConfigError, match="can't prepare a question without a picture"):
            encoder(mixed)
        return
    batch = encoder(mixed)
    assert sequences(batch) == len(mixed)
    if loaded.model.config.model_type == "phi4_multimodal":  # another test has asked this one without hidden states
        loaded = load(loaded.target, device="cpu")
        check(loaded.model, loaded.processor, encoder([turns[1]]), hidden_states=True)
    with torch.no_grad():
        together = score(loaded.model, batch)
        alone = [score(loaded.model, encoder([turn])) for turn in mixed]
    sums = torch.cat([one.per_sequence(one.log_probs()) for one in alone])
    torch.testing.assert_close(together.per_sequence(together.log_probs()), sums, rtol=0, atol=2e-3)
    assert together.targets.tolist() == [token for one in alone for token in one.targets.tolist()]
    assert together.counts().tolist() == [int(one.counts()) for one in alone]
    if loaded.model.config.model_type == "mllama":
        with pytest.raises(ConfigError, match="leaves out layers"):
            score(loaded.model, batch, hidden_states=True)
    else:
        hidden = score(loaded.model, batch, hidden_states=True).hidden
        assert {layer.shape[:2] for layer in hidden} == {together.mask.shape}


def test_an_answer_is_needed_for_scoring(loaded: Loaded, turns: list[Turn]) -> None:
    with pytest.raises(ValueError, match="needs an answer"):
        Encoder(loaded.processor)([Turn(turns[0].question, turns[0].image)])


def test_a_processor_without_pictures_is_refused(loaded: Loaded) -> None:
    with pytest.raises(ConfigError, match="does not take pictures"):
        Encoder(loaded.processor.tokenizer)


def test_a_processor_without_chat_template_is_refused(loaded: Loaded, tmp_path: Path) -> None:
    from transformers import AutoProcessor

    loaded.processor.save_pretrained(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match="no chat template"):
        Encoder(AutoProcessor.from_pretrained(tmp_path))

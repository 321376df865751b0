from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.scoring import OutOfMemoryError, Scorer
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.prefixes import Prefix

from tests.unlearning.small_models import FAMILIES

Make = Callable[[int], Scorer]


def opened(folder: Path) -> Any:
    """A random model, shaken so that it says more than one token over and over."""
    import torch

    loaded = load(folder, device="cpu", dtype="float32")
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weights in loaded.model.parameters():
            weights.add_(0.2 * torch.randn(weights.shape, generator=generator))
    return loaded


@pytest.fixture(scope="module", params=list(FAMILIES))
def scorer(request: pytest.FixtureRequest, data: Data, tmp_path_factory: pytest.TempPathFactory) -> Make:
    folder = tmp_path_factory.mktemp(request.param)
    FAMILIES[request.param](data.texts, folder)
    loaded = opened(folder)
    return lambda batch_size: sharing(loaded, batch_size)


def sharing(loaded: Any, batch_size: int) -> Scorer:
    """What shares, though these pictures are small."""
    return Scorer(loaded.model, loaded.processor, batch_size, share=True)


def turns(data: Data, count: int = 7) -> list[Turn]:
    """Questions of different lengths about different people, some about the same."""
    samples = data.samples("full")[: count * 13 : 13]
    return [Turn(s.question, data.image(s.unique_id), s.answer) for s in samples]


@pytest.mark.slow
def test_answers_do_not_depend_on_the_batch_size(scorer: Make, data: Data) -> None:
    asked = turns(data)
    one, three, all_ = (scorer(size).generate(asked, 12) for size in (1, 3, 16))
    assert one == three == all_
    assert len({answer.text for answer in one}) > 1  # otherwise the order would not be seen


@pytest.mark.slow
def test_scores_do_not_depend_on_the_batch_size(scorer: Make, data: Data) -> None:
    asked = turns(data)
    one, three, all_ = (scorer(size).score(asked, moments=True) for size in (1, 3, 16))
    for a, b, c in zip(one, three, all_, strict=True):
        for name in ("logprobs", "mu", "sigma"):
            assert len(getattr(a, name)) == len(a.logprobs)
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=2e-5)
            np.testing.assert_allclose(getattr(a, name), getattr(c, name), atol=2e-5)


def test_what_is_shared_changes_nothing(scorer: Make, data: Data) -> None:
    """Every family of these goes on from a shared beginning, or is found not to, and is asked whole."""
    samples = [*data.samples("full")[:6], *data.samples("full")[20:24]]
    asked = [Turn(s.question, data.image(s.unique_id), a) for s in samples for a in (s.answer, s.paraphrased_answer)]
    shared = scorer(3)
    whole = Scorer(shared.model, shared.encoder.processor, 3, share=False)
    assert shared.generate(asked[::2], 8) == whole.generate(asked[::2], 8)
    for a, b in zip(shared.score(asked, moments=True), whole.score(asked, moments=True), strict=True):
        for name in ("logprobs", "mu", "sigma"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-4)
    shares = shared.model.config.model_type != "paligemma"  # it attends to a prompt in both directions
    assert shared._shares == {"generation": shares, "scoring": shares}
    assert bool(shared.notes) == (not shares)


def test_a_picture_is_read_once(data: Data, tmp_path: Path) -> None:
    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    seen: list[int] = []
    loaded.model.model.vision_tower.register_forward_hook(lambda *_: seen.append(1))
    scorer = sharing(loaded, 2)
    for people in (1, 2):
        samples = data.samples("full")[20 * people - 20 : 20 * people - 14]
        image = data.image(samples[0].unique_id)
        scorer.generate([Turn(s.question, image) for s in samples], 3)
        scorer.score([Turn(s.question, image, s.answer) for s in samples])
        scorer.score([Turn(samples[0].question, image, samples[0].paraphrased_answer)])
        checks = 2 * 3  # once a model, generation and scoring: two questions whole, together and alone
        assert len(seen) == people + checks


def test_small_pictures_are_read_again(data: Data, tmp_path: Path) -> None:
    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    shape: list[int] = []
    loaded.model.model.vision_tower.register_forward_hook(lambda _, inputs, *__: shape.append(len(inputs[0])))
    scorer = Scorer(loaded.model, loaded.processor, 8)
    asked = [Turn(s.question, data.image(s.unique_id)) for s in data.samples("full")[:60:5]]  # four each of three
    scorer.generate(asked, 1)
    assert shape == [8, 4] and not scorer.shares(asked[0])
    side = {"height": 72, "width": 72}
    larger = loaded.processor
    larger.image_processor.size = larger.image_processor.crop_size = side
    assert Scorer(loaded.model, larger).shares(asked[0])
    assert not Scorer(loaded.model, larger).shares(Turn(asked[0].question))


def test_a_model_that_can_not_share_is_told_and_asked_whole(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    samples = data.samples("full")[:4]
    asked = [Turn(s.question, data.image(s.unique_id), s.answer) for s in samples]
    whole = Scorer(loaded.model, loaded.processor, 4, share=False)
    good = Prefix.cache

    def forgetful(self: Prefix, count: int) -> dict[str, Any]:
        made = good(self, count)
        for layer in next(iter(made.values())).layers:
            layer.values.mul_(1.01)
        return made

    def unable(self: Prefix, count: int) -> dict[str, Any]:
        raise TypeError("no cache to be had")

    def unread(self: Prefix, *_: Any) -> None:
        raise KeyError("cache")

    for name, broken, problem in (
        ("cache", forgetful, "would differ by"),
        ("cache", unable, "no cache to be had"),
        ("__init__", unread, "KeyError"),
    ):
        monkeypatch.setattr(Prefix, name, broken)
        scorer = sharing(loaded, 4)
        for _ in range(2):
            assert scorer.generate(asked, 6) == whole.generate(asked, 6)
            assert scorer.score(asked) == whole.score(asked)
        assert [note.split(":")[0] for note in scorer.notes] == [
            "generation reads every prompt whole", "scoring reads every prompt whole",
        ]  # fmt: skip
        assert all(problem in note for note in scorer.notes)


def test_no_padding_pushes_a_picture_out_of_a_sliding_window(data: Data, tmp_path: Path) -> None:
    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    loaded.model.config.get_text_config().sliding_window = 40
    asked = [Turn(s.question, data.image(s.unique_id)) for s in data.samples("full")[:3]]
    scorer = sharing(loaded, 4)
    scorer.generate(asked, 30)
    assert "generation" not in scorer._shares
    scorer.generate(asked, 5)
    assert scorer._shares["generation"]


def test_scores_are_those_of_one_plain_forward_pass(data: Data, tmp_path: Path) -> None:
    import torch

    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    scorer = Scorer(loaded.model, loaded.processor, 4)
    asked = turns(data, 5)
    for turn, found in zip(asked, scorer.score(asked, moments=True), strict=True):
        batch = scorer.encoder([turn])
        with torch.inference_mode():
            logits = loaded.model(**{k: v for k, v in batch.items() if k != "labels"}).logits[0]
        labels = batch["labels"][0]
        places = [i for i, label in enumerate(labels.tolist()) if label != -100]
        logp = torch.log_softmax(logits[[i - 1 for i in places]].double(), -1).numpy()
        own = logp[range(len(places)), labels[places].numpy()]
        mean = (np.exp(logp) * logp).sum(-1)
        spread = np.sqrt((np.exp(logp) * logp**2).sum(-1) - mean**2)
        np.testing.assert_allclose(found.logprobs, own, atol=2e-5)
        np.testing.assert_allclose(found.mu, mean, atol=2e-5)
        np.testing.assert_allclose(found.sigma, spread, atol=2e-4)
        assert labels[places[-1]] in scorer.encoder.end_ids  # the end of the answer is scored too


def test_with_and_without_pictures_in_one_call(data: Data, tmp_path: Path) -> None:
    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    asked = turns(data, 4)
    mixed = [Turn(t.question, t.image if i % 2 else None, t.answer) for i, t in enumerate(asked)]
    together = Scorer(loaded.model, loaded.processor, 8).score(mixed)
    alone = [Scorer(loaded.model, loaded.processor, 8).score([turn])[0] for turn in mixed]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=2e-5)


def test_the_first_fifty_tokens_are_kept_apart(data: Data, tmp_path: Path) -> None:
    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    scorer = Scorer(loaded.model, loaded.processor, 4)
    asked = turns(data, 4)
    long, short = scorer.generate(asked, 70), scorer.generate(asked, 50)
    assert any(answer.prefix is not None for answer in long)
    for whole, start in zip(long, short, strict=True):
        assert start.prefix is None
        assert (whole.text if whole.prefix is None else whole.prefix) == start.text


def test_room_for_the_longest_answer(data: Data, tmp_path: Path) -> None:
    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)
    scorer = Scorer(loaded.model, loaded.processor)
    assert scorer.token_limit(["Yes."]) == 50
    assert scorer.token_limit(["1" * 100]) > 100


def test_out_of_memory_names_a_size_to_try(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    FAMILIES["llava"](data.texts, tmp_path)
    loaded = opened(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(loaded.model, "generate", full)
    with pytest.raises(OutOfMemoryError, match="--batch-size 2"):
        Scorer(loaded.model, loaded.processor, 4).generate(turns(data, 7)[::2], 5)
    with pytest.raises(OutOfMemoryError, match="--batch-size 1"):  # questions about one person
        sharing(loaded, 4).generate(turns(data, 2), 5)
    with pytest.raises(OutOfMemoryError, match="bfloat16"):
        Scorer(loaded.model, loaded.processor, 1).generate(turns(data, 2), 5)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(loaded.model, "generate", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        Scorer(loaded.model, loaded.processor, 4).generate(turns(data, 2), 5)

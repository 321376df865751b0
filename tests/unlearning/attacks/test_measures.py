"""Attacks that ask nothing: membership, extraction and the probe, against independent writings of their formulas."""

import zlib
from typing import Any

import numpy as np
import pytest
import torch
from fiubench.support.draws import draw
from fiubench.support.errors import ConfigError
from fiubench.unlearning.attacks.extraction import _hits, _run
from fiubench.unlearning.attacks.probing import _Part, _picks
from fiubench.unlearning.attacks.target import Target
from fiubench.unlearning.evaluation.scoring import TokenScores
from fiubench.unlearning.models.encoding import IGNORED

from tests.unlearning.attacks.conftest import FORGET, made

pytestmark = pytest.mark.xdist_group("attacks")


class Fake(Target):
    """Answers with known scores."""

    def tokens(self, role: str) -> list[TokenScores]:
        rate = {"forget": 0.5, "holdout": 1.0}[role]
        return [
            TokenScores([-rate, -rate * (2 + i % 3), -rate * 3], [-2.0] * 3, [0.5, 1.0, 2.0])
            for i, _ in enumerate(self.questions[role])
        ]


@pytest.fixture
def fake(target: Target) -> Fake:
    return Fake(target.subject, target.data, FORGET)


def test_membership_scores(fake: Fake) -> None:
    samples = fake.questions["holdout"]

    def numbers(name: str, **options: Any) -> list[float]:
        return list(made(name, fake, **options).numbers(fake, samples, "holdout"))

    losses = [(1 + 2 + i % 3 + 3) / 3 for i, _ in enumerate(samples)]
    assert numbers("loss") == pytest.approx([-loss for loss in losses])
    sizes = [len(zlib.compress(sample.answer.encode())) for sample in samples]
    assert numbers("zlib") == pytest.approx([-loss / size for loss, size in zip(losses, sizes, strict=True)])
    assert numbers("min_k", share=0.34) == pytest.approx([-float(max(3, 2 + i % 3)) for i, _ in enumerate(samples)])
    normal = [sorted([(-1 + 2) / 0.5, (-(2 + i % 3) + 2) / 1.0, (-3 + 2) / 2.0]) for i, _ in enumerate(samples)]
    assert numbers("min_k_plus", share=0.67) == pytest.approx([sum(three[:2]) / 2 for three in normal])
    for name in ("loss", "min_k", "min_k_plus"):
        outcome = made(name, fake).run(fake)
        assert outcome.score.value > 0.8 and outcome.level.value == 0.5
        assert outcome.gain.value == outcome.score.value - 0.5 and outcome.gain.identities == 8


def test_the_reference_is_subtracted(fake: Fake) -> None:
    with pytest.raises(ConfigError, match="no retain reference"):
        made("reference", fake).run(fake)
    fake.reference = fake
    assert made("reference", fake).run(fake).score.value == 0.5


def test_without_a_holdout_there_are_no_strangers(fake: Fake) -> None:
    fake.__dict__["questions"] = {**fake.questions, "holdout": []}
    for name in ("loss", "extraction"):
        outcome = made(name, fake).run(fake)
        assert outcome.gain.value is None and "holdout" in str(outcome.gain.why)


def test_the_length_of_a_gradient(target: Target) -> None:
    samples = target.questions["forget"][:3]
    found = made("gradnorm", target).numbers(target, samples, "forget")
    model = target.loaded.model
    for sample, length in zip(samples, found, strict=True):
        model.zero_grad()
        batch = target.scorer.encoder([target.turn(sample, answer=sample.answer)])
        labels = batch.pop("labels")
        logits = model(**batch).logits[:, :-1]
        torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED
        ).backward()
        squares = sum(
            float((weights.grad**2).sum())
            for name, weights in model.named_parameters()
            if "language_model.layers" in name and "proj" in name
        )
        assert -length == pytest.approx(squares**0.5, rel=1e-4)


def test_what_the_model_would_write_by_itself(target: Target) -> None:
    samples = target.questions["forget"][:5]
    for sample, hits in zip(samples, _hits(target, samples), strict=True):
        batch = target.scorer.encoder([target.turn(sample, answer=sample.answer)])
        labels = batch.pop("labels")[0, 1:]
        with torch.no_grad():
            best = target.loaded.model(**batch).logits[0, :-1].argmax(dim=-1)
        assert hits == [bool(a == b) for a, b in zip(best, labels, strict=True) if b != IGNORED]
    assert [_run(hits) for hits in ([True, True], [True, False], [False, True, True], [])] == [2, 0, 2, 0]


def test_a_probe_finds_what_is_there_and_nothing_else() -> None:
    def normal(purpose: str, *shape: int) -> torch.Tensor:
        count = int(np.prod(shape))
        words = draw(5, purpose, np.arange(count), words=12) / 2.0**32
        return torch.from_numpy(words.sum(axis=1) - 6).float().reshape(shape)

    values, mix = normal("values", 400, 4, 16), normal("mix", 16, 24)
    states = values[:, 0] @ mix + 0.1 * normal("noise", 400, 24)
    known, asked = _Part(states[:200], values[:200]), _Part(states[200:], values[200:])
    assert sum(_picks(known, asked, 0.01)) / 200 > 0.9
    blind = _Part(normal("other", 200, 24), values[200:])
    assert sum(_picks(known, blind, 0.01)) / 200 == pytest.approx(0.25, abs=0.1)
    alike = _Part(states[200:], values[200:, :1].expand(-1, 4, -1))
    assert set(_picks(known, alike, 0.01)) == {0.25}


def test_a_probe_of_a_model_that_knows_nothing(target: Target) -> None:
    outcome = made("probe", target).run(target)
    assert outcome.level.value == 0.25 and outcome.gain.identities == 8
    assert "layer" in outcome.note and len(outcome.rows) == outcome.gain.n

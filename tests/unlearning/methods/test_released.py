"""Values and gradients of every method against independent writings of its formula, straight from a model's logits.

``released`` is what the code published with FIUBench computes, and for methods that it lacks what open-unlearning does;
both take L to be the model's own loss.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from fiubench.support.draws import draw
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.methods.base import (
    ALTERNATE,
    FORGET,
    METHODS,
    MISMATCH,
    REFUSAL,
    RETAIN,
    Method,
    Sizes,
    Step,
    make_method,
)
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.models.parts import add_lora
from fiubench.unlearning.models.settings import Lora
from fiubench.unlearning.training.batches import collate_pairs, sizes
from torch.nn.functional import cross_entropy, kl_div, logsigmoid, softmax

from tests.unlearning.conftest import ATTRIBUTES
from tests.unlearning.conftest import FORGET as FORGET_SET
from tests.unlearning.conftest import RETAIN as RETAIN_SET
from tests.unlearning.small_models import FAMILIES

Batch = Mapping[str, torch.Tensor]


@dataclass
class Case:
    """A model whose adapters have learnt something, and rows to unlearn."""

    model: Any
    encoder: Encoder
    pairs: list[dict[str, Any]]

    def batches(self, pairs: list[dict[str, Any]]) -> dict[str, Batch]:
        return {name: batch for name, batch in collate_pairs(self.encoder, pairs).items() if name != "index"}

    def logits(self, batch: Batch) -> torch.Tensor:
        found: torch.Tensor = self.model(**{k: v for k, v in batch.items() if k != "labels"}).logits
        return found

    def before(self, batch: Batch) -> torch.Tensor:
        with torch.no_grad(), self.model.disable_adapter():
            return self.logits(batch)

    def hidden(self, batch: Batch, layer: int) -> torch.Tensor:
        """What a layer gives, counted from 0: the first entry is the embeddings."""
        inputs = {k: v for k, v in batch.items() if k != "labels"}
        found: torch.Tensor = self.model(**inputs, output_hidden_states=True).hidden_states[1 + layer]
        return found

    def gradients(self, loss: torch.Tensor) -> dict[str, torch.Tensor]:
        learns = {name: value for name, value in self.model.named_parameters() if value.requires_grad}
        found = torch.autograd.grad(loss, list(learns.values()), allow_unused=True)
        return {name: value for name, value in zip(learns, found, strict=True) if value is not None}


@pytest.fixture(scope="module", params=["llava", "mllama"])
def case(request: pytest.FixtureRequest, data: Data, tmp_path_factory: pytest.TempPathFactory) -> Case:
    small, folder = data.limited(10, FORGET_SET, ATTRIBUTES), tmp_path_factory.mktemp("released")
    FAMILIES[request.param](small.texts, folder)
    loaded = load(folder, device="cpu", dtype="float32")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of the adapters
        model = add_lora(loaded, Lora(rank=8, alpha=16, dropout=0.0)).train()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.requires_grad:
                weights.add_(0.05 * torch.randn(weights.shape, generator=generator))
            if name.endswith(("attn_gate", "mlp_gate")):
                weights.fill_(0.5)  # closed in a new mllama
    forget, retain = small.samples(FORGET_SET)[:5], small.samples(RETAIN_SET)[7:12]
    pairs = [
        {
            "index": i,
            FORGET: Turn(f.question, small.image(f.unique_id), f.answer),
            REFUSAL: Turn(f.question, small.image(f.unique_id), read_refusals()[i]),
            RETAIN: Turn(r.question, small.image(r.unique_id), r.answer),
            ALTERNATE: Turn(f.question, small.image(f.unique_id), f.perturbed_answer[0]),
            MISMATCH: Turn(f.question, small.image(f.unique_id), r.answer),
        }
        for i, (f, r) in enumerate(zip(forget, retain, strict=True))
    ]
    return Case(model, Encoder(loaded.processor), pairs)


# ---- the formulas, written anew -------------------------------------------------------------------------------------


def rows(logits: torch.Tensor, batch: Batch) -> list[torch.Tensor]:
    """-log p of the answer's tokens, row by row."""
    return [
        cross_entropy(row[:-1][labels[1:] >= 0], labels[1:][labels[1:] >= 0], reduction="none")
        for row, labels in zip(logits, batch["labels"], strict=True)
    ]


def at(values: torch.Tensor, batch: Batch) -> list[torch.Tensor]:
    """Of values at all places, those where the answer's tokens are predicted, row by row."""
    return [row[:-1][labels[1:] >= 0] for row, labels in zip(values, batch["labels"], strict=True)]


def answers(batch: Batch) -> list[torch.Tensor]:
    return [labels[labels >= 0] for labels in batch["labels"]]


def reduced(values: list[torch.Tensor], reduction: str) -> torch.Tensor:
    return torch.cat(values).mean() if reduction == "released" else by_answer(values)


def by_answer(values: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([row.mean() for row in values]).mean()


def own_loss(case: Case, batch: Batch) -> torch.Tensor:
    """What the model itself calls its loss."""
    loss: torch.Tensor = case.model(**batch).loss
    return loss


def ratio(case: Case, batch: Batch) -> torch.Tensor:
    """log p/p0 of each answer."""
    now = torch.stack([-row.sum() for row in rows(case.logits(batch), batch)])
    return now - torch.stack([-row.sum() for row in rows(case.before(batch), batch)])


def kl_at(case: Case, batch: Batch) -> list[torch.Tensor]:
    """sum of p0 (log p0 - log p), at the answer's tokens of each row."""
    p0, p = softmax(case.before(batch), dim=-1), softmax(case.logits(batch), dim=-1)
    return at((p0 * (p0.log() - p.log())).sum(dim=-1), batch)


def batchmean(case: Case, batch: Batch) -> torch.Tensor:
    """As released: every place of the batch, flattened."""
    p, p0 = (logits.log_softmax(dim=-1).flatten(0, 1) for logits in (case.logits(batch), case.before(batch)))
    return kl_div(p, p0, reduction="batchmean", log_target=True)


def together(case: Case) -> torch.Tensor:
    """As released: refusals and retained answers in one batch, one mean over its tokens."""
    return own_loss(case, case.encoder([pair[name] for name in (REFUSAL, RETAIN) for pair in case.pairs]))


def mean(case: Case, name: str, reduction: str) -> torch.Tensor:
    batch = case.batches(case.pairs)[name]
    return own_loss(case, batch) if reduction == "released" else by_answer(rows(case.logits(batch), batch))


def kl(case: Case, reduction: str, kl_over: str) -> torch.Tensor:
    retain = case.batches(case.pairs)[RETAIN]
    if kl_over == "all":
        return batchmean(case, retain)
    return reduced(kl_at(case, retain), reduction)


def npo(case: Case) -> torch.Tensor:
    return (-20 * logsigmoid(-0.1 * ratio(case, case.batches(case.pairs)[FORGET]))).mean()


def simnpo(case: Case) -> torch.Tensor:
    batch = case.batches(case.pairs)[FORGET]
    losses = torch.stack([row.mean() for row in rows(case.logits(batch), batch)])
    return (-2 / 2.5 * logsigmoid(2.5 * losses - 0.5)).mean()


def dpo(case: Case, preferred: str = REFUSAL) -> torch.Tensor:
    batches = case.batches(case.pairs)
    return (-10 * logsigmoid(0.1 * (ratio(case, batches[preferred]) - ratio(case, batches[FORGET])))).mean()


def rmu(case: Case, reduction: str, layer: int, strength: float) -> torch.Tensor:
    batches = case.batches(case.pairs)
    far = at(case.hidden(batches[FORGET], layer), batches[FORGET])
    place = torch.from_numpy(draw(0, "rmu", 0, words=far[0].shape[1])[0].astype("float32"))
    place = strength * place / place.square().sum().sqrt()
    with torch.no_grad(), case.model.disable_adapter():
        then = case.hidden(batches[RETAIN], layer)
    moved = at(case.hidden(batches[RETAIN], layer) - then, batches[RETAIN])
    away = reduced([(row - place).square().mean(dim=1) for row in far], reduction)
    return away + 3 * reduced([row.square().mean(dim=1) for row in moved], reduction)


def undial(case: Case, reduction: str, beta: float) -> torch.Tensor:
    batch = case.batches(case.pairs)[FORGET]
    values = []
    for now, then, true in zip(
        at(case.logits(batch), batch), at(case.before(batch), batch), answers(batch), strict=True
    ):
        lowered = then - beta * torch.eye(then.shape[1])[true]
        values.append(cross_entropy(now, softmax(lowered, dim=1), reduction="none"))
    return reduced(values, reduction)


def ceu(case: Case, skip: int) -> torch.Tensor:
    batch = case.batches(case.pairs)[FORGET]
    values = []
    for logits, true in zip(at(case.logits(batch), batch), answers(batch), strict=True):
        p = softmax(logits.detach(), dim=1)
        others = p * (1 - torch.eye(p.shape[1])[true])
        values.append(cross_entropy(logits, others / others.sum(dim=1, keepdim=True), reduction="none")[skip:])
    return by_answer(values)


def satimp(case: Case, reduction: str, beta1: float, beta2: float) -> torch.Tensor:
    batch = case.batches(case.pairs)[FORGET]
    values = []
    for losses in rows(case.logits(batch), batch):
        p = torch.exp(-losses.detach())
        values.append(-(p**beta1) * (1 - p) ** beta2 * losses)
    return reduced(values, reduction)


def pdu(case: Case, reduction: str) -> torch.Tensor:
    batch = case.batches(case.pairs)[FORGET]
    return reduced([(z.max(dim=1)[0] - z.mean(dim=1)).square() for z in at(case.logits(batch), batch)], reduction)


Formula = Callable[[Case, str], torch.Tensor]
FORMULAS: list[tuple[str, dict[str, Any], Formula]] = [
    ("ga", {}, lambda c, r: -mean(c, FORGET, r)),
    ("gd", {}, lambda c, r: -mean(c, FORGET, r) + mean(c, RETAIN, r)),
    ("gd", {"retain_weight": 3}, lambda c, r: -mean(c, FORGET, r) + 3 * mean(c, RETAIN, r)),
    ("kl", {"kl_over": "answer"}, lambda c, r: -mean(c, FORGET, r) + kl(c, r, "answer")),
    ("kl", {"kl_over": "all"}, lambda c, r: -mean(c, FORGET, r) + kl(c, r, "all")),
    (
        "po",
        {},
        lambda c, r: together(c) if r == "released" else mean(c, REFUSAL, r) + mean(c, RETAIN, r),
    ),
    ("npo", {}, lambda c, r: npo(c)),
    ("npo", {"retain_weight": 1}, lambda c, r: npo(c) + mean(c, RETAIN, r)),
    ("simnpo", {"gamma": 0.5}, lambda c, r: simnpo(c) + mean(c, RETAIN, r)),
    ("dpo", {}, lambda c, r: dpo(c)),
    ("dpo", {"retain_weight": 2}, lambda c, r: dpo(c) + 2 * mean(c, RETAIN, r)),
    ("gd", {"retain_loss": "kl"}, lambda c, r: -mean(c, FORGET, r) + kl(c, r, "answer")),
    ("npo", {"retain_loss": "kl", "retain_weight": 2}, lambda c, r: npo(c) + 2 * kl(c, r, "answer")),
    ("altpo", {}, lambda c, r: dpo(c, ALTERNATE) + mean(c, RETAIN, r)),
    ("rmu", {"retain_weight": 3}, lambda c, r: rmu(c, r, 0, 2.0)),
    ("rmu", {"retain_weight": 3, "layer": 1, "strength": 9}, lambda c, r: rmu(c, r, 1, 9.0)),
    ("undial", {}, lambda c, r: undial(c, r, 10.0)),
    ("undial", {"beta": 3, "retain_weight": 1}, lambda c, r: undial(c, r, 3.0) + mean(c, RETAIN, r)),
    ("ceu", {}, lambda c, r: ceu(c, 1)),
    ("ceu", {"skip": 0, "retain_weight": 1}, lambda c, r: ceu(c, 0) + mean(c, RETAIN, r)),
    ("satimp", {}, lambda c, r: satimp(c, r, 5, 1) + 0.1 * mean(c, RETAIN, r)),
    ("satimp", {"saturation": 0.5, "importance": 2, "retain_weight": 0}, lambda c, r: satimp(c, r, 0.5, 2)),
    (
        "llmu",
        {},
        lambda c, r: -0.5 * mean(c, FORGET, r) + mean(c, MISMATCH, r) + kl(c, r, "answer"),
    ),
    ("negation", {}, lambda c, r: mean(c, FORGET, r)),  # on a model that is prepared: see below
    ("pdu", {}, lambda c, r: pdu(c, r) + 100 * (mean(c, RETAIN, r) - 0.3)),
    (
        "pdu",
        {"retain_weight": 2, "bound": 0, "retain_loss": "kl"},
        lambda c, r: pdu(c, r) + 2 * kl(c, r, "answer"),
    ),
    ("ft", {}, lambda c, r: mean(c, RETAIN, r)),
    ("mmunlearner", {}, lambda c, r: -mean(c, FORGET, r)),  # of its first step, and before its mask: see below
    ("scrub", {}, lambda c, r: 0.5 * kl(c, r, "answer") + mean(c, RETAIN, r)),
]
NAMES = [f"{name}-{'-'.join(f'{k}={v}' for k, v in options.items())}" for name, options, _ in FORMULAS]


def ours(
    case: Case, method: Method, reduction: str, pairs: list[dict[str, Any]], number: int = 0, steps: int = 1
) -> torch.Tensor:
    """The sum over samples of our loss, in one pass of a step that holds all pairs of the case."""
    whole = sizes(collate_pairs(case.encoder, case.pairs))
    count = whole["samples"]
    told = {n: Sizes(whole[f"{n}.tokens"] / count, whole[f"{n}.places"] / count) for n in pairs[0] if n != "index"}
    batches = case.batches(pairs)
    with torch.no_grad(), case.model.disable_adapter():
        before = Step(case.model, batches, {})
        reference = {name: before.log_likelihood(name) for name in method.reference}
    step = Step(
        case.model,
        batches,
        reference,
        hidden_states=method.hidden_states,
        sizes=told if reduction == "released" else None,
        number=number,
        steps=steps,
    )
    losses = method.loss(step)
    assert losses.shape == (len(pairs),)
    return losses.sum()


@pytest.mark.parametrize("reduction", ["per_answer", "released"])
@pytest.mark.parametrize(("name", "options", "formula"), FORMULAS, ids=NAMES)
def test_value_and_gradient(case: Case, name: str, options: dict[str, Any], formula: Formula, reduction: str) -> None:
    same(case, ours(case, make_method(name, options), reduction, case.pairs), formula(case, reduction))


def same(case: Case, summed: torch.Tensor, expected: torch.Tensor) -> None:
    """Value and gradient agree to 1e-5."""
    loss = summed / len(case.pairs)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-5)
    found, wanted = case.gradients(loss), case.gradients(expected)
    assert found.keys() == wanted.keys()
    largest = max(float(value.abs().max()) for value in wanted.values())
    for key, value in wanted.items():
        torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-5 * largest, msg=lambda m, k=key: f"{k}: {m}")  # type: ignore[misc]


@pytest.mark.parametrize("reduction", ["per_answer", "released"])
def test_scrub_steps_away_and_back(case: Case, reduction: str) -> None:
    """Every other step is on the forget set, for a share of the training."""
    method = make_method("scrub", {"until": 0.5, "divergence_weight": 0, "retain_weight": 2})
    away = -reduced(kl_at(case, case.batches(case.pairs)[FORGET]), reduction)
    back = 2 * mean(case, RETAIN, reduction)
    for number, expected in enumerate([back, away, back, away, back, back, back, back]):
        found = ours(case, method, reduction, case.pairs, number, 8)
        assert found.item() / len(case.pairs) == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)
    same(case, ours(case, method, reduction, case.pairs, 3, 8), away)


def test_mmunlearner_climbs_by_salient_weights_and_descends_by_all(case: Case) -> None:
    """Its mask is where the mean square of single answers' gradients is larger on the forget set."""
    squares = {}
    for name in (FORGET, RETAIN):
        each = [case.gradients(own_loss(case, case.batches([pair])[name])) for pair in case.pairs]
        squares[name] = {key: sum(one[key].square() for one in each) / len(each) for key in each[0]}
    mask = {key: squares[FORGET][key] >= 2.5 * squares[RETAIN][key] for key in squares[FORGET]}
    assert all(0 < float(kept.float().mean()) < 1 for kept in mask.values() if kept.numel() > 1000)
    method = make_method("mmunlearner", {"saliency": 2.5, "every": 3})
    single = lambda name: (Step(case.model, case.batches([pair]), {}) for pair in case.pairs)  # noqa: E731
    method._found = method.survey(case.model, single)
    assert method.found.keys() == mask.keys()
    for key, kept in mask.items():
        assert (method.found[key] != kept).float().mean() < 1e-3, key  # but where the two are nearly the same
    for number, (sign, of) in enumerate([(-1, FORGET), (1, RETAIN), (1, RETAIN), (-1, FORGET)]):
        case.model.zero_grad()
        (ours(case, method, "released", case.pairs, number, 6) / len(case.pairs)).backward()
        method.after_backward(case.model)
        wanted = case.gradients(sign * mean(case, of, "released"))
        largest = max(float(value.abs().max()) for value in wanted.values())
        for key, weights in case.model.named_parameters():
            if key in wanted:
                expected = wanted[key] * method.found[key] if sign < 0 else wanted[key]
                torch.testing.assert_close(weights.grad, expected, rtol=1e-5, atol=1e-5 * largest)
    case.model.zero_grad(set_to_none=True)


@pytest.mark.parametrize("reduction", ["per_answer", "released"])
def test_negation_learns_the_opposite(case: Case, reduction: str) -> None:
    """On a prepared model adapters count as -dW/strength; the gradient in dW follows by the chain rule."""
    method, scaled = make_method("negation", {"strength": 2}), deepcopy(case)
    opposite = {name: weights for name, weights in scaled.model.named_parameters() if "lora_B" in name}
    with torch.no_grad():
        for weights in opposite.values():
            weights.mul_(-0.5)
    expected = mean(scaled, FORGET, reduction)
    wanted = {name: value * (-0.5 if "lora_B" in name else 1) for name, value in scaled.gradients(expected).items()}
    prepared = deepcopy(case)
    method.prepare(prepared.model)
    loss = ours(prepared, method, reduction, case.pairs) / len(case.pairs)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert loss.item() != pytest.approx(mean(case, FORGET, reduction).item(), rel=1e-3)
    found, largest = prepared.gradients(loss), max(float(value.abs().max()) for value in wanted.values())
    for name in opposite.keys() | {name for name in wanted if "lora_A" in name}:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-5, atol=1e-5 * largest)


def test_the_weight_of_pdu_follows_the_loss() -> None:
    method, memory = make_method("pdu", {"warmup": 0.5, "bound": 1, "dual_rate": 4, "retain_weight": 10}), {}
    weights = []
    for number, loss in enumerate([9, 9, 2, 0.5, 0, 0, 0, 3]):
        method.after_step({RETAIN: float(loss)}, memory, number, 4)
        weights.append(memory.get("retain_weight"))
    assert weights == [None, None, 14, 12, 8, 4, 0, 8]


def test_pdu_takes_the_weight_that_it_remembers(case: Case) -> None:
    batches = case.batches(case.pairs)
    found = [
        make_method("pdu").loss(Step(case.model, batches, {}, memory=memory)).mean()
        for memory in ({"retain_weight": 7.0}, {"retain_weight": 0.0})
    ]
    kept = mean(case, RETAIN, "per_answer") - 0.3
    assert (found[0] - found[1]).item() == pytest.approx(7 * kept.item(), rel=1e-4)


def test_rmu_needs_a_layer_that_there_is(case: Case) -> None:
    with pytest.raises(ConfigError, match="layer: the model has no layer 9"):
        ours(case, make_method("rmu", {"layer": 9}), "per_answer", case.pairs)
    first, last = (ours(case, make_method("rmu", {"layer": layer}), "per_answer", case.pairs) for layer in (0, -1))
    assert first.item() != last.item()


def test_what_peers_scale_otherwise(case: Case) -> None:
    """open-unlearning: DPO, and AltPO by it, are twice ours; SimNPO has beta (L - delta), its paper beta L - gamma."""
    batches = case.batches(case.pairs)
    preferred = ratio(case, batches[REFUSAL]) - ratio(case, batches[FORGET])
    peers = -2 / 0.1 * logsigmoid(0.1 * preferred).mean()
    mean_of = len(case.pairs)
    assert ours(case, make_method("dpo"), "released", case.pairs).item() / mean_of == pytest.approx(peers.item() / 2)
    losses = torch.stack([row.mean() for row in rows(case.logits(batches[FORGET]), batches[FORGET])])
    peers = -2 / 2.5 * logsigmoid(2.5 * (losses - 0.2)).mean()
    simple = make_method("simnpo", {"beta": 2.5, "gamma": 2.5 * 0.2, "retain_weight": 0})
    assert ours(case, simple, "released", case.pairs).item() / mean_of == pytest.approx(peers.item())


def test_every_method_is_held_to_its_formula() -> None:
    assert {name for name, _, _ in FORMULAS} == {name for name, method in METHODS.items() if method.trains}


@pytest.mark.parametrize("reduction", ["per_answer", "released"])
@pytest.mark.parametrize(
    ("name", "options"), [("ga", {}), ("gd", {}), ("kl", {}), ("po", {}), ("po", {"retain_weight": 3})]
)
def test_a_step_is_the_same_however_it_is_cut(case: Case, name: str, options: dict[str, Any], reduction: str) -> None:
    """Token means are over the whole optimizer step, not a mean of its passes' means."""
    method = make_method(name, options)
    whole = ours(case, method, reduction, case.pairs)
    cut = ours(case, method, reduction, case.pairs[:3]) + ours(case, method, reduction, case.pairs[3:])
    assert cut.item() == pytest.approx(whole.item(), rel=1e-5, abs=1e-5)  # losses of opposite signs


def test_the_reductions_differ(case: Case) -> None:
    for name, options in (("ga", {}), ("gd", {}), ("po", {}), ("kl", {"kl_over": "answer"})):
        method = make_method(name, options)
        values = [ours(case, method, reduction, case.pairs).item() for reduction in ("per_answer", "released")]
        assert values[0] != pytest.approx(values[1], rel=1e-4), name


def test_padding_counts_in_the_released_divergence(case: Case) -> None:
    """The same pairs beside a longer one: more places, of which most are padding."""

    def sums(pairs: list[dict[str, Any]]) -> torch.Tensor:
        batches = case.batches(pairs)
        places = batches[RETAIN]["input_ids"].shape[1]
        return Step(case.model, batches, {}).divergence(RETAIN, everywhere=True).detach() * places

    long = [*case.pairs[1:], {**case.pairs[0], RETAIN: Turn("?", case.pairs[0][RETAIN].image, "word " * 60)}]
    assert bool((sums(long)[:-1] > 1.5 * sums(case.pairs)[1:]).all())

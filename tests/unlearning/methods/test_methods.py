"""Each loss against its formula, by hand, on a model whose logits are given."""

import math
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from fiubench.support.errors import ConfigError
from fiubench.unlearning.methods.base import FORGET, METHODS, REFUSAL, RETAIN, Method, Step, make_method, register
from fiubench.unlearning.models.encoding import IGNORED


class Model(torch.nn.Module):
    """Predicts with a fixed table: the logits of the next token depend on the present one alone.

    The adapter is the difference between two tables; hidden states are one-hot input tokens and the logits.
    """

    def __init__(self, table: torch.Tensor, before: torch.Tensor) -> None:
        super().__init__()
        self.table, self.before = torch.nn.Parameter(table.clone()), before

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        use_cache: bool = True,
        output_hidden_states: bool = False,
    ) -> Any:
        one_hot = torch.nn.functional.one_hot(input_ids, len(self.table)).float()
        logits = self.table[input_ids]
        return SimpleNamespace(logits=logits, hidden_states=(one_hot, logits) if output_hidden_states else None)

    @contextmanager
    def disable_adapter(self) -> Any:
        now, self.table.data = self.table.data, self.before
        yield
        self.table.data = now


def batch(rows: list[list[int]], prompt: int) -> dict[str, torch.Tensor]:
    """Right-padded rows whose first ``prompt`` tokens are not scored."""
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    labels = torch.where((mask == 1) & (torch.arange(width) >= prompt), ids, IGNORED)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


BATCHES = {
    FORGET: batch([[1, 2, 3, 4], [2, 3, 1]], 1),
    RETAIN: batch([[3, 1, 2], [4, 4, 1, 2, 3]], 1),
    REFUSAL: batch([[1, 4, 4], [2, 4]], 1),
}
TABLE = torch.randn(5, 5, generator=torch.Generator().manual_seed(1))
BEFORE = torch.randn(5, 5, generator=torch.Generator().manual_seed(2))


def log_p(table: torch.Tensor, name: str) -> list[float]:
    """log p(y|x) of each row, token by token."""
    log_probs = table.log_softmax(-1)
    sums = []
    for ids, labels in zip(BATCHES[name]["input_ids"].tolist(), BATCHES[name]["labels"].tolist(), strict=True):
        sums.append(sum(float(log_probs[ids[i - 1], ids[i]]) for i in range(1, len(ids)) if labels[i] != IGNORED))
    return sums


def lengths(name: str) -> list[int]:
    return (BATCHES[name]["labels"] != IGNORED).sum(dim=1).tolist()


def nll(name: str) -> list[float]:
    return [-total / count for total, count in zip(log_p(TABLE, name), lengths(name), strict=True)]


def divergence(name: str) -> list[float]:
    p, p0 = TABLE.log_softmax(-1), BEFORE.log_softmax(-1)
    per_state = (p0.exp() * (p0 - p)).sum(-1)
    means = []
    for ids, labels in zip(BATCHES[name]["input_ids"].tolist(), BATCHES[name]["labels"].tolist(), strict=True):
        values = [float(per_state[ids[i - 1]]) for i in range(1, len(ids)) if labels[i] != IGNORED]
        means.append(sum(values) / len(values))
    return means


def loss(name: str, **options: float) -> list[float]:
    method = make_method(name, options)
    reference = {part: torch.tensor(log_p(BEFORE, part)) for part in method.reference}
    batches = {part: BATCHES[part] for part in method.needed}
    return method.loss(Step(Model(TABLE, BEFORE), batches, reference)).tolist()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


F, R, Y0 = nll(FORGET), nll(RETAIN), nll(REFUSAL)
RATIO = [a - b for a, b in zip(log_p(TABLE, FORGET), log_p(BEFORE, FORGET), strict=True)]
RATIO0 = [a - b for a, b in zip(log_p(TABLE, REFUSAL), log_p(BEFORE, REFUSAL), strict=True)]
CASES: list[tuple[str, dict[str, float], list[float]]] = [
    ("ga", {}, [-f for f in F]),
    ("gd", {"retain_weight": 3}, [-f + 3 * r for f, r in zip(F, R, strict=True)]),
    ("kl", {"retain_weight": 2}, [-f + 2 * d for f, d in zip(F, divergence(RETAIN), strict=True)]),
    ("po", {"retain_weight": 0.5}, [y + 0.5 * r for y, r in zip(Y0, R, strict=True)]),
    ("gd", {"retain_weight": 0}, [-f for f in F]),
    ("kl", {"retain_weight": 0}, [-f for f in F]),
    ("po", {"retain_weight": 0}, Y0),
    ("npo", {"beta": 0.2}, [-2 / 0.2 * math.log(sigmoid(-0.2 * q)) for q in RATIO]),
    ("npo", {"beta": 1, "retain_weight": 1}, [-2 * math.log(sigmoid(-q)) + r for q, r in zip(RATIO, R, strict=True)]),
    ("simnpo", {"beta": 2, "gamma": 0.5}, [-math.log(sigmoid(2 * f - 0.5)) + r for f, r in zip(F, R, strict=True)]),
    ("dpo", {"beta": 0.3}, [-math.log(sigmoid(0.3 * (a - b))) / 0.3 for a, b in zip(RATIO0, RATIO, strict=True)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "expected"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_losses_are_their_formulas(name: str, options: dict[str, float], expected: list[float]) -> None:
    assert loss(name, **options) == pytest.approx(expected, rel=1e-4)


def test_at_the_start_npo_and_ga_have_one_gradient() -> None:
    """NPO's loss is 2/beta log 2 where p = p0, whatever beta is (NPO, proposition 1)."""
    same = torch.tensor(log_p(TABLE, FORGET))
    method = make_method("npo", {"beta": 0.7})
    step = Step(Model(TABLE, TABLE), {FORGET: BATCHES[FORGET]}, {FORGET: same})
    assert method.loss(step).tolist() == pytest.approx([2 / 0.7 * math.log(2)] * 2, rel=1e-5)


def test_the_refusal_method_asks_for_no_true_answer() -> None:
    assert FORGET not in METHODS["po"].batches


def test_a_retain_batch_of_no_weight_is_not_loaded() -> None:
    assert make_method("npo").needed == (FORGET,)
    assert make_method("npo", {"retain_weight": 1}).needed == (FORGET, RETAIN)
    assert make_method("llmu", {"mismatch_weight": 0}).needed == (FORGET, RETAIN)


def test_predictions_are_kept_with_adapters_alone() -> None:
    assert not make_method("gd").needs_before
    assert make_method("gd", {"retain_loss": "kl"}).needs_before
    assert not make_method("gd", {"retain_loss": "kl", "retain_weight": 0}).needs_before
    assert make_method("undial").needs_before


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nop", {}, "Did you mean 'npo'"),
        ("kl", {"retain_wieght": 1}, "Did you mean 'retain_weight'"),
        ("ga", {"beta": 1}, "has no options"),
        ("npo", {"beta": 0}, "options of method npo: beta: should be greater than 0, not 0"),
        ("npo", {"beta": math.nan}, "beta: should be a finite number"),
        ("gd", {"retain_weight": True}, "retain_weight: should be a valid number, not True"),
        ("gd", {"retain_weight": "much"}, "retain_weight: should be a valid number, not 'much'"),
    ],
)
def test_unknown_methods_and_options(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        make_method(name, options)
    assert message in str(error.value)


def test_each_method_says_what_it_is() -> None:
    for name, method in METHODS.items():
        assert method.name == name
        assert method.help.endswith(".")
        assert method.__doc__
        assert "log" in method.__doc__ or "L(" in method.__doc__
        assert all(option.description for option in method.model_fields.values())


def test_a_step_shows_tokens_logits_and_hidden_states() -> None:
    step = Step(Model(TABLE, BEFORE), BATCHES, {}, hidden_states=True)
    for name, batch_ in BATCHES.items():
        ids, labels = batch_["input_ids"], batch_["labels"]
        mask = labels[:, 1:] != IGNORED
        assert torch.equal(step.mask(name), mask)
        assert torch.equal(step.targets(name)[mask], ids[:, 1:][mask])
        torch.testing.assert_close(step.token_log_probs(name).sum(dim=1).tolist(), log_p(TABLE, name))
        assert not step.token_log_probs(name)[~mask].any()
        torch.testing.assert_close(step.logits(name)[mask], TABLE[ids[:, :-1]][mask])
        embeddings, last = step.hidden_states(name)
        assert torch.equal(embeddings.argmax(dim=-1)[mask], ids[:, :-1][mask])
        torch.testing.assert_close(last[mask], TABLE[ids[:, :-1]][mask])
        torch.testing.assert_close(step.before.log_likelihood(name).tolist(), log_p(BEFORE, name))
        assert not step.before.logits(name).requires_grad
        assert step.logits(name).requires_grad
    assert step.parts.keys() == BATCHES.keys()


def test_hidden_states_have_to_be_declared() -> None:
    with pytest.raises(ConfigError, match="hidden_states = True"):
        Step(Model(TABLE, BEFORE), BATCHES, {}).hidden_states(FORGET)


def test_a_users_own_method_is_registered_once() -> None:
    class Own(Method):
        name = "own"
        help = "Own."
        batches = (FORGET,)

        def loss(self, step: Step) -> torch.Tensor:
            return step.nll(FORGET)

    class Other(Own):
        name = "ga"

    class Wrong(Own):
        batches = ("holdout",)

    class Drawn(Own):
        name = "drawn"
        reference = (RETAIN,)

    try:
        register(Own)
        assert isinstance(make_method("own"), Own)
        with pytest.raises(ConfigError, match="two methods are called 'ga'"):
            register(Other)
        with pytest.raises(ConfigError, match="no batch 'holdout'"):
            register(Wrong)
        with pytest.raises(ConfigError, match="no reference of retain"):
            register(Drawn)
    finally:
        del METHODS._entries["own"]

"""Unlearning methods, each a loss over one paired batch.

Notation: ``x`` a picture with a question, ``y`` an answer; ``L(y|x)`` the mean of ``-log p`` over the answer's tokens,
``log p(y|x)`` the sum over them; ``F`` the forget set, ``R`` the retain set, ``y0`` a refusal ("I don't know.").
``p`` is the model that learns, ``p0`` the same model before unlearning, which is never held twice: it is the model with
its adapters off (KL), or a number per forget sample that is computed once, before the first step (NPO, DPO).
Losses are per forget sample; the trainer takes their mean over the whole (accumulated) batch.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.unlearning.models.likelihood import Scored, score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

FORGET, RETAIN, REFUSAL = "forget", "retain", "refusal"


class Step:
    """What a method may look at in one step: the model, and the batches that it asked for.

    Args:
        model: the model that learns.
        batches: ``forget``, ``retain``, ``refusal`` -> labelled batch; only those in the method's ``batches``.
        reference: for the method's ``reference`` batches, ``log p0(y|x)`` of these samples, shape (batch,).
        before: makes the model compute what it did before unlearning, for as long as it is entered.
    """

    def __init__(
        self,
        model: Any,
        batches: Mapping[str, Mapping[str, "Tensor"]],
        reference: Mapping[str, "Tensor"],
        before: AbstractContextManager[Any],
    ) -> None:
        self._model, self._batches, self.reference, self._before = model, batches, reference, before
        self._scored: dict[str, Scored] = {}
        self.parts: dict[str, Tensor] = {}  # means, for the log

    def log_likelihood(self, name: str) -> "Tensor":
        """``log p(y|x)``, shape (batch,)."""
        scored = self._score(name)
        sums = scored.per_sequence(scored.log_probs())
        self.parts[name] = (-sums.detach() / scored.counts()).mean()
        return sums

    def nll(self, name: str) -> "Tensor":
        """``L(y|x)``, shape (batch,)."""
        return -self.log_likelihood(name) / self.lengths(name)

    def lengths(self, name: str) -> "Tensor":
        """Tokens of each answer, shape (batch,)."""
        return self._score(name).counts()

    def divergence(self, name: str) -> "Tensor":
        """``KL(p0 || p)``, mean over the answer's tokens, shape (batch,)."""
        import torch

        with torch.no_grad(), self._before:
            before = score(self._model, self._batches[name]).logits.log_softmax(dim=-1)
        scored = self._score(name)
        now = scored.logits.log_softmax(dim=-1)
        per_token = torch.nn.functional.kl_div(now, before, reduction="none", log_target=True).sum(dim=-1)
        per_answer = scored.per_sequence(per_token) / scored.counts()
        self.parts["divergence"] = per_answer.detach().mean()
        return per_answer

    def _score(self, name: str) -> Scored:
        if name not in self._scored:
            self._scored[name] = score(self._model, self._batches[name])
        return self._scored[name]


@dataclass(frozen=True)
class Method(ABC):
    """An unlearning method. Its fields are its options.

    Attributes:
        name: what it is called on the command line.
        batches: what a step may need of ``forget``, ``retain`` and ``refusal``; nothing else is loaded.
        reference: of which of them ``log p0`` is needed.
        needs_adapters: whether ``p0`` itself is needed, so that adapters can be switched off.
    """

    name: ClassVar[str]
    batches: ClassVar[tuple[str, ...]]
    reference: ClassVar[tuple[str, ...]] = ()
    needs_adapters: ClassVar[bool] = False

    @property
    def needed(self) -> tuple[str, ...]:
        """The batches that a step really needs: no retain batch where its weight is 0."""
        idle = not getattr(self, "retain_weight", 1.0)
        return tuple(name for name in self.batches if not (idle and name == RETAIN))

    @abstractmethod
    def loss(self, step: Step) -> "Tensor":
        """The loss of each sample, shape (batch,)."""


METHODS: dict[str, type[Method]] = {}


def register(method: type[Method]) -> type[Method]:
    """Add a method to the registry: from then on ``--method NAME`` knows it.

    Raises:
        ValueError: the name is taken.
    """
    if method.name in METHODS:
        raise ValueError(f"a method {method.name!r} is registered already: {METHODS[method.name].__name__}")
    METHODS[method.name] = method
    return method


def make_method(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """A method by name, with its options.

    Raises:
        ConfigError: no such method or option, or a value that is no positive number.
    """
    if name not in METHODS:
        raise ConfigError(f"no method {name!r}", where="method", hint=did_you_mean(name, METHODS))
    known = [field.name for field in fields(METHODS[name])]
    for option, value in (options or {}).items():
        if option not in known:
            hint = did_you_mean(option, known) if known else f"{name} has no options."
            raise ConfigError(f"method {name} has no option {option!r}", where="method", hint=hint)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise ConfigError(f"{option} of method {name} must be a number >= 0, not {value!r}", where="method")
        if option == "beta" and not value:
            raise ConfigError(f"beta of method {name} must be more than 0", where="method")
    return METHODS[name](**{option: float(value) for option, value in (options or {}).items()})


@register
@dataclass(frozen=True)
class GradientAscent(Method):
    """``E_F[-L(y|x)]``: the training loss, climbed (Jang et al., 2023; baseline of FIUBench, section 3)."""

    name = "ga"
    batches = (FORGET,)

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        return -step.nll(FORGET)


@register
@dataclass(frozen=True)
class GradientDifference(Method):
    """``E_F[-L(y|x)] + retain_weight E_R[L(y|x)]`` (Liu, Liu and Stone, 2022, arXiv 2203.12817)."""

    name = "gd"
    batches = (FORGET, RETAIN)
    retain_weight: float = 1.0

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        return -step.nll(FORGET) + self.retain_weight * step.nll(RETAIN)


@register
@dataclass(frozen=True)
class KLMinimization(Method):
    """``E_F[-L(y|x)] + retain_weight E_R[KL(p0 || p)]``, the divergence on answer tokens.

    Maini et al., 2024 (TOFU, arXiv 2401.06121), section 4; FIUBench, section 3.
    """

    name = "kl"
    batches = (FORGET, RETAIN)
    needs_adapters = True
    retain_weight: float = 1.0

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        return -step.nll(FORGET) + self.retain_weight * step.divergence(RETAIN)


@register
@dataclass(frozen=True)
class PreferenceOptimization(Method):
    """``E_F[L(y0|x)] + retain_weight E_R[L(y|x)]``: learn to refuse (TOFU, section 4; FIUBench, section 3).

    True answers of the forget set are not even loaded.
    """

    name = "po"
    batches = (REFUSAL, RETAIN)
    retain_weight: float = 1.0

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        return step.nll(REFUSAL) + self.retain_weight * step.nll(RETAIN)


@register
@dataclass(frozen=True)
class NegativePreferenceOptimization(Method):
    """``E_F[-2/beta log sigmoid(-beta (log p(y|x) - log p0(y|x)))] + retain_weight E_R[L(y|x)]``.

    Zhang et al., 2024 (NPO, arXiv 2404.05868), equation 3; with a retain term it is their NPO+RT.
    """

    name = "npo"
    batches = (FORGET, RETAIN)
    reference = (FORGET,)
    beta: float = 0.1
    retain_weight: float = 0.0

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        import torch

        ratio = step.log_likelihood(FORGET) - step.reference[FORGET]
        forget = -2 / self.beta * torch.nn.functional.logsigmoid(-self.beta * ratio)
        return forget + self.retain_weight * step.nll(RETAIN) if self.retain_weight else forget


@register
@dataclass(frozen=True)
class SimpleNPO(Method):
    """``E_F[-2/beta log sigmoid(-beta/|y| log p(y|x) - gamma)] + retain_weight E_R[L(y|x)]``: no reference model.

    Fan et al., 2024 (SimNPO, arXiv 2410.07163), equation 4.
    """

    name = "simnpo"
    batches = (FORGET, RETAIN)
    beta: float = 2.5
    gamma: float = 0.0
    retain_weight: float = 1.0

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        import torch

        margin = self.beta * step.nll(FORGET) - self.gamma
        forget = -2 / self.beta * torch.nn.functional.logsigmoid(margin)
        return forget + self.retain_weight * step.nll(RETAIN) if self.retain_weight else forget


@register
@dataclass(frozen=True)
class DirectPreferenceOptimization(Method):
    """``E_F[-1/beta log sigmoid(beta (r(y0) - r(y)))] + retain_weight E_R[L(y|x)]``, ``r = log p - log p0``.

    A refusal is preferred to the true answer (Rafailov et al., 2023, arXiv 2305.18290, equation 7; scaled by 1/beta as
    in the NPO paper, section 3, so that learning rates compare).
    """

    name = "dpo"
    batches = (FORGET, REFUSAL, RETAIN)
    reference = (FORGET, REFUSAL)
    beta: float = 0.1
    retain_weight: float = 0.0

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        import torch

        refused = step.log_likelihood(REFUSAL) - step.reference[REFUSAL]
        answered = step.log_likelihood(FORGET) - step.reference[FORGET]
        forget = -torch.nn.functional.logsigmoid(self.beta * (refused - answered)) / self.beta
        return forget + self.retain_weight * step.nll(RETAIN) if self.retain_weight else forget


@contextmanager
def before_unlearning(model: Any) -> "Iterator[None]":
    """Let an adapted model compute what it did before: adapters off, no dropout.

    Args:
        model: a ``PeftModel``, or wrappers of accelerate around one.
    """
    inner = model
    while hasattr(inner, "module"):
        inner = inner.module
    training = model.training
    model.eval()
    try:
        with inner.disable_adapter():
            yield
    finally:
        model.train(training)

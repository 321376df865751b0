"""What an unlearning method is: a loss over one paired batch, with options, in a file of its own.

Notation: ``x`` a picture with a question, ``y`` an answer; ``L(y|x)`` the mean of ``-log p`` over the answer's tokens,
``log p(y|x)`` the sum over them; ``F`` the forget set, ``R`` the retain set, ``y0`` a refusal ("I don't know.").
``p`` is the model that learns, ``p0`` the same model before unlearning, which is never held twice: it is the model with
its adapters off (:attr:`Step.before`), or a number per sample that is computed once, before the first step
(:attr:`Step.reference`).

A method of your own is a file like those beside this one, named with ``--plugin FILE.py`` or installed with an entry
point of the group ``fiubench.methods``.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from fiubench.support.errors import ConfigError
from fiubench.support.registry import Registry
from fiubench.support.settings import Settings
from fiubench.unlearning.models.likelihood import Predicted, beside_pictures, score, shows_pictures, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor
else:
    Tensor = Any  # torch is imported by the functions that compute

__all__ = ["FORGET", "METHODS", "REFUSAL", "RETAIN", "Method", "Step", "Tensor", "make_method", "register"]

FORGET, RETAIN, REFUSAL = "forget", "retain", "refusal"


class Step:
    """What a method sees in one forward pass: the model, its batches, and what the model predicts for them.

    Batches are called ``forget``, ``retain`` and ``refusal`` (the forget questions, answered with a refusal); a step
    has those that :attr:`Method.batches` names. Values per token have shape (batch, tokens): column ``t`` is the same
    place of every row, counted from the place where the first answer of the batch begins, and :meth:`mask` says which
    of them belong to an answer. Elsewhere values are 0. Each batch goes through the model once, when it is first asked
    for.

    Args:
        model: the model that learns, wrapped as the training needs it: call it, don't unwrap it.
        batches: name -> what the model is called with, and ``labels``; two of these where only some have pictures.
        reference: ``log p0(y|x)`` of the samples of each batch in :attr:`Method.reference`, shape (batch,).
        hidden_states: whether hidden states are kept (:attr:`Method.hidden_states`).

    Attributes:
        parts: scalars for the log; a method may add its own.
    """

    def __init__(
        self,
        model: Any,
        batches: Mapping[str, Mapping[str, "Tensor"]],
        reference: Mapping[str, "Tensor"],
        *,
        hidden_states: bool = False,
    ) -> None:
        self.model, self.batches, self.reference = model, batches, reference
        self.parts: dict[str, Tensor] = {}
        self._hidden_states, self._learning = hidden_states, True
        self._scored: dict[str, Predicted] = {}
        self._log_probs: dict[str, Tensor] = {}

    @cached_property
    def before(self) -> "Step":
        """The same step as the model saw it before unlearning: adapters off, no dropout, no gradients.

        Only for methods that declare :attr:`Method.needs_adapters`.
        """
        step = Step(self.model, self.batches, self.reference, hidden_states=self._hidden_states)
        step._learning = False
        return step

    def mask(self, name: str) -> "Tensor":
        """Which places are tokens of an answer: bool, shape (batch, tokens)."""
        return self._score(name).mask

    def lengths(self, name: str) -> "Tensor":
        """Tokens of each answer, shape (batch,)."""
        return self._score(name).counts()

    def targets(self, name: str) -> "Tensor":
        """Token ids of the answers, shape (batch, tokens)."""
        scored = self._score(name)
        return scored.padded(scored.targets)

    def token_log_probs(self, name: str) -> "Tensor":
        """``log p`` of each token of the answers, shape (batch, tokens)."""
        return self._score(name).padded(self._flat_log_probs(name))

    def log_likelihood(self, name: str) -> "Tensor":
        """``log p(y|x)``, the sum over the answer's tokens, shape (batch,)."""
        return self._score(name).per_sequence(self._flat_log_probs(name))

    def nll(self, name: str) -> "Tensor":
        """``L(y|x)``, the mean of ``-log p`` over the answer's tokens, shape (batch,)."""
        return -self.log_likelihood(name) / self.lengths(name)

    def logits(self, name: str) -> "Tensor":
        """What each token of the answers is predicted from: float32, shape (batch, tokens, vocabulary)."""
        scored = self._score(name)
        return scored.padded(scored.logits)

    def hidden_states(self, name: str) -> tuple["Tensor", ...]:
        """Hidden states from which the answers' tokens are predicted: embeddings first, then every layer's output.

        Each has shape (batch, tokens, width); places outside of answers hold the states of questions and padding.

        Raises:
            ConfigError: the method does not declare :attr:`Method.hidden_states`.
        """
        if not self._hidden_states:
            raise ConfigError("hidden states were not kept", hint="Declare `hidden_states = True` in the method.")
        return self._score(name).hidden

    def divergence(self, name: str) -> "Tensor":
        """``KL(p0 || p)``, the mean over the answer's tokens, shape (batch,)."""
        import torch

        before = self.before._score(name).logits.log_softmax(dim=-1)
        scored = self._score(name)
        now = scored.logits.log_softmax(dim=-1)
        per_token = torch.nn.functional.kl_div(now, before, reduction="none", log_target=True).sum(dim=-1)
        per_answer = scored.per_sequence(per_token) / scored.counts()
        self.parts["divergence"] = per_answer.detach().mean()
        return per_answer

    def _flat_log_probs(self, name: str) -> "Tensor":
        if name not in self._log_probs:
            scored = self._score(name)
            self._log_probs[name] = scored.log_probs()
            sums = scored.per_sequence(self._log_probs[name].detach())
            self.parts[name] = (-sums / scored.counts()).mean()
        return self._log_probs[name]

    def _score(self, name: str) -> Predicted:
        import torch

        if name not in self._scored:
            with (
                nullcontext() if self._learning else before_unlearning(self.model),
                torch.set_grad_enabled(self._learning and torch.is_grad_enabled()),
            ):
                batch = self.batches[name]
                others = any(shows_pictures(other) for other in self.batches.values()) and not shows_pictures(batch)
                model = beside_pictures(self.model) if others else self.model
                self._scored[name] = score(model, batch, hidden_states=self._hidden_states)
        return self._scored[name]


class Method(Settings, ABC):
    """An unlearning method. Its fields are its options, each with a type, a default, a range and a description.

    An option may be of any type that JSON has: ``float``, ``int``, ``bool``, ``str``, ``Literal["a", "b"]``,
    ``tuple[int, ...]`` for a list. ``fiubench methods show NAME`` prints the docstring, which names formula and source,
    and the options.

    Attributes:
        name: what it is called on the command line.
        help: what it does, in one line.
        batches: what a step may need of ``forget``, ``retain`` and ``refusal``; nothing else is loaded.
        reference: of which of them ``log p0`` is needed.
        hidden_states: whether hidden states are.
        needs_adapters: whether ``p0`` itself is (:attr:`Step.before`), so that adapters can be switched off.
        defaults: training settings where neither preset nor user gives any, such as ``{"learning_rate": 1e-5}``.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    batches: ClassVar[tuple[str, ...]]
    reference: ClassVar[tuple[str, ...]] = ()
    hidden_states: ClassVar[bool] = False
    needs_adapters: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = {}

    @property
    def needed(self) -> tuple[str, ...]:
        """The batches that a step really needs: no retain batch where its weight is 0."""
        idle = not getattr(self, "retain_weight", 1.0)
        return tuple(name for name in self.batches if not (idle and name == RETAIN))

    @abstractmethod
    def loss(self, step: Step) -> "Tensor":
        """The loss of each sample, shape (batch,); an optimizer step minimises its mean over all its samples."""

    def after_backward(self, model: Any) -> None:
        """Look at the gradients of an optimizer step, and change them in place (masks, projections).

        Called once per optimizer step, on every process: after the last backward pass, when gradients are of the mean
        over all samples of the step, and before they are clipped. What it does may depend on parameters and gradients
        alone, so that a resumed run is the uninterrupted one. With ``dtype: float16`` on a GPU gradients are multiplied
        by the loss scale.

        Args:
            model: the model that learns, unwrapped; frozen parameters have ``grad`` ``None``.
        """


METHODS: Registry[type[Method]] = Registry("method", "methods", "fiubench.unlearning.methods")
M = TypeVar("M", bound=type[Method])


def register(method: M) -> M:
    """Class decorator: from then on ``--method NAME`` knows the method.

    Raises:
        ConfigError: the name is taken, or a batch is asked for that does not exist.
    """
    for batch in (*method.batches, *method.reference):
        if batch not in (FORGET, RETAIN, REFUSAL):
            raise ConfigError(f"no batch {batch!r}", where=f"method {method.name}", hint="forget, retain or refusal.")
    METHODS.add(method.name, method)
    return method


def make_method(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """A method by name, with its options.

    Raises:
        ConfigError: no such method or option, or a value that the option can't have.
    """
    method = METHODS.find(name)
    if options and not method.model_fields:
        raise ConfigError(f"has no options, so no {next(iter(options))!r}", where=f"method {name}")
    return method.parse(options or {}, where=f"options of method {name}")


@contextmanager
def before_unlearning(model: Any) -> "Iterator[None]":
    """Let an adapted model compute what it did before: adapters off, no dropout."""
    training = model.training
    model.eval()
    try:
        with unwrapped(model).disable_adapter():
            yield
    finally:
        model.train(training)

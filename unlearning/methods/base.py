"""What an unlearning method is: a loss over one paired batch, with options, in a file of its own.

Notation: ``x`` a picture with a question, ``y`` an answer; ``L(y|x)`` the mean of ``-log p`` over the answer's tokens
(whether ``E[L(y|x)]`` is a mean over answers or over all their tokens, says the setting ``reduction``), ``log p(y|x)``
the sum over them; ``F`` the forget set, ``R`` the retain set, ``y0`` a refusal ("I don't know."), ``ya`` a wrong answer
of the same kind as the true one, ``yr`` the answer to another question; ``z`` the logits, one for each token of the
vocabulary.
``p`` is the model that learns, ``p0`` the same model before unlearning, which is never held twice: it is the model with
its adapters off (:attr:`Step.before`), or a number per sample that is computed once, before the first step
(:attr:`Step.reference`).

A method of your own is a file like those beside this one, named with ``--plugin FILE.py`` or installed with an entry
point of the group ``fiubench.methods``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

from fiubench.support.errors import ConfigError
from fiubench.support.registry import Registry
from fiubench.support.settings import Field, Settings
from fiubench.unlearning.models.encoding import ORDER, parts_of
from fiubench.unlearning.models.likelihood import (
    Predicted,
    before_unlearning,
    beside_pictures,
    divergence,
    score,
    shows_pictures,
)
from pydantic import PrivateAttr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor
else:
    Tensor = Any  # torch is imported by the functions that compute

__all__ = [
    "ALTERNATE", "FORGET", "METHODS", "MISMATCH", "REFUSAL", "RETAIN", "RETAIN_LOSS", "RETAIN_WEIGHT",
    "Method", "Retaining", "Step", "Tensor", "make_method", "register",
]  # fmt: skip

FORGET, RETAIN, REFUSAL, ALTERNATE, MISMATCH = "forget", "retain", "refusal", "alternate", "mismatch"


class Sizes(NamedTuple):
    """How large the rows of a batch are on average, over all passes and processes of an optimizer step."""

    tokens: float  # of answers
    places: float  # of prompt, picture, answer and padding


class Step:
    """What a method sees in one forward pass: the model, its batches, and what the model predicts for them.

    Batches are called ``forget``, ``retain`` and, with the forget questions answered otherwise, ``refusal``,
    ``alternate`` (a wrong answer of the dataset) and ``mismatch`` (the answer of the pair's retain row); a step has
    those that :attr:`Method.batches` names. Values per token have shape (batch, tokens): column ``t`` is the same
    place of every row, counted from the place where the first answer of the batch begins, and :meth:`mask` says which
    of them belong to an answer. Elsewhere values are 0. Each batch goes through the model once, when it is first asked
    for.

    Args:
        model: the model that learns, wrapped as the training needs it: call it, don't unwrap it.
        batches: name -> what the model is called with, and ``labels``; two of these where only some have pictures.
        reference: ``log p0(y|x)`` of the samples of each batch in :attr:`Method.reference`, shape (batch,).
        hidden_states: whether hidden states are kept (:attr:`Method.hidden_states`).
        sizes: of each batch, where the training's ``reduction`` is ``released``: losses are then divided so that their
            mean over the samples of the optimizer step is one over its tokens. Without, each answer counts as much.
        number: optimizer steps that were taken before this one.
        steps: optimizer steps of the whole training.
        memory: what :meth:`Method.after_step` noted down; to be read only.

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
        sizes: Mapping[str, Sizes] | None = None,
        number: int = 0,
        steps: int = 1,
        memory: Mapping[str, float] | None = None,
    ) -> None:
        self.model, self.batches, self.reference, self.sizes = model, batches, reference, sizes
        self.number, self.steps, self.memory = number, steps, memory or {}
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
        return self.joint_nll({name: 1.0})

    def mean(self, name: str, values: "Tensor") -> "Tensor":
        """The mean of a value per token, shape (batch, tokens), over the answer's tokens, as :meth:`nll` takes it."""
        return (values * self.mask(name)).sum(dim=1) / self._tokens(name)

    def joint_nll(self, weights: Mapping[str, float]) -> "Tensor":
        """``L(y|x)`` of several batches by their weights, shape (batch,); those of no weight are left out.

        With ``reduction: released`` one mean over the tokens of all of them, as if they were one batch.
        """
        import torch

        kept = {name: weight for name, weight in weights.items() if weight}
        tokens = sum(weight * self.sizes[name].tokens for name, weight in kept.items()) if self.sizes else None
        terms = [-weight * self.log_likelihood(name) / (tokens or self.lengths(name)) for name, weight in kept.items()]
        return torch.stack(terms).sum(dim=0)

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

    def divergence(self, name: str, *, everywhere: bool = False) -> "Tensor":
        """``KL(p0 || p)``, the mean over the answer's tokens, shape (batch,).

        Args:
            name: the batch.
            everywhere: the mean over all places of the batch: prompt, picture and padding too.
        """
        import torch

        sizes = None if self.sizes is None else self.sizes[name]
        if everywhere:
            parts = map(divergence, self._everywhere(name), self.before._everywhere(name))
            per_answer = torch.cat(
                [part.mean(dim=1) if sizes is None else part.sum(dim=1) / sizes.places for part in parts]
            )
            if ORDER in self.batches[name]:
                per_answer = per_answer[self.batches[name][ORDER].argsort()]
        else:
            scored = self._score(name)
            sums = scored.per_sequence(divergence(scored.logits, self.before._score(name).logits))
            per_answer = sums / self._tokens(name)
        self.parts["divergence" if name == RETAIN else f"{name}_divergence"] = per_answer.detach().mean()
        return per_answer

    def _flat_log_probs(self, name: str) -> "Tensor":
        if name not in self._log_probs:
            scored = self._score(name)
            self._log_probs[name] = scored.log_probs()
            sums = scored.per_sequence(self._log_probs[name].detach())
            self.parts[name] = (-sums / self._tokens(name)).mean()
        return self._log_probs[name]

    def _tokens(self, name: str) -> "Tensor | float":
        """What a sum over an answer's tokens is divided by for its mean."""
        return self.lengths(name) if self.sizes is None else self.sizes[name].tokens

    def _everywhere(self, name: str) -> "list[Tensor]":
        """Logits of each part of a batch at all of its places: float32, shape (batch, places, vocabulary)."""
        found = []
        for part in parts_of(self.batches[name]):
            inputs = {key: value for key, value in part.items() if key != "labels"}
            with self._computing():
                found.append(self._through(part)(**inputs, use_cache=False).logits.float())
        return found

    def _through(self, batch: Mapping[str, Any]) -> Any:
        """The model to call for a batch, or a part of one."""
        others = any(map(shows_pictures, self.batches.values())) and not shows_pictures(batch)
        return beside_pictures(self.model) if others else self.model

    def _score(self, name: str) -> Predicted:
        if name not in self._scored:
            with self._computing():
                self._scored[name] = score(
                    self._through(self.batches[name]), self.batches[name], hidden_states=self._hidden_states
                )
        return self._scored[name]

    @contextmanager
    def _computing(self) -> "Iterator[None]":
        """The model as this step has it: learning, or as it was before."""
        import torch

        with (
            nullcontext() if self._learning else before_unlearning(self.model),
            torch.set_grad_enabled(self._learning and torch.is_grad_enabled()),
        ):
            yield


class Method(Settings, ABC):
    """An unlearning method. Its fields are its options, each with a type, a default, a range and a description.

    An option may be of any type that JSON has: ``float``, ``int``, ``bool``, ``str``, ``Literal["a", "b"]``,
    ``tuple[int, ...]`` for a list. ``fiubench methods show NAME`` prints the docstring, which names formula and source,
    and the options.

    Attributes:
        name: what it is called on the command line.
        help: what it does, in one line.
        batches: what a step may need of ``forget``, ``retain``, ``refusal``, ``alternate`` and ``mismatch``; nothing
            else is loaded.
        reference: of which of them ``log p0`` is needed; of ``retain`` and ``mismatch`` it can't be had.
        hidden_states: whether hidden states are.
        needs_adapters: whether ``p0`` itself is (:attr:`Step.before`), so that adapters can be switched off.
        defaults: training settings where neither preset nor user gives any, such as ``{"learning_rate": 1e-5}``.
        trains: whether it takes steps; those that take none are in ``untrained.py``.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    batches: ClassVar[tuple[str, ...]]
    reference: ClassVar[tuple[str, ...]] = ()
    hidden_states: ClassVar[bool] = False
    needs_adapters: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = {}
    trains: ClassVar[bool] = True
    _found: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def found(self) -> Mapping[str, "Tensor"]:
        """What :meth:`survey` found."""
        return self._found

    @property
    def needed(self) -> tuple[str, ...]:
        """The batches that a step really needs: none whose option ``NAME_weight`` is 0."""
        return tuple(name for name in self.batches if getattr(self, f"{name}_weight", 1.0))

    @property
    def needs_before(self) -> bool:
        """Whether ``p0`` itself is really needed."""
        return self.needs_adapters

    @abstractmethod
    def loss(self, step: Step) -> "Tensor":
        """The loss of each sample, shape (batch,); an optimizer step minimises its mean over all its samples."""

    def prepare(self, model: Any) -> None:
        """Change how the model computes while it learns, or which parameters do; called before the first step.

        Called again where a run is resumed. No checkpoint holds it: a model that is loaded computes as ever.

        Args:
            model: the model that learns, unwrapped.
        """

    def survey(self, model: Any, samples: "Callable[[str], Iterator[Step]]") -> Mapping[str, "Tensor"]:
        """Look through whole sets once, before the first step.

        What it returns is :attr:`found` from then on. It is kept with the run, so that a resumed one has it too.

        Args:
            model: the model that learns, unwrapped and without dropout.
            samples: name of a batch -> all of its samples as it is trained on, each a step of its own; retained ones
                in one phrasing.
        """
        return {}

    def after_step(self, means: Mapping[str, float], memory: dict[str, float], number: int, steps: int) -> None:
        """Note down what later steps depend on; called once per optimizer step, on every process.

        Args:
            means: of :attr:`Step.parts` over all samples of the step.
            memory: to be changed in place; kept with every checkpoint, so that a resumed run is the uninterrupted one.
            number: optimizer steps that were taken before this one.
            steps: optimizer steps of the whole training.
        """

    def after_backward(self, model: Any) -> None:
        """Look at the gradients of an optimizer step, and change them in place (masks, projections).

        Called once per optimizer step, on every process: after the last backward pass, when gradients are of the mean
        over all samples of the step, and before they are clipped. What it does may depend on parameters and gradients
        alone, so that a resumed run is the uninterrupted one. With ``dtype: float16`` on a GPU gradients are multiplied
        by the loss scale.

        Args:
            model: the model that learns, unwrapped; frozen parameters have ``grad`` ``None``.
        """


RETAIN_WEIGHT = "Weight of the loss on the retain set."
RETAIN_LOSS = "That loss: nll, L(y|x); kl, KL(p0 || p) on the answers' tokens, so that predictions stay."


class Retaining(Method):
    """A method whose loss is one on the forget set and, by a weight, one that keeps the retain set."""

    batches: ClassVar[tuple[str, ...]] = (FORGET, RETAIN)
    retain_weight: float = Field(1.0, ge=0, description=RETAIN_WEIGHT)
    retain_loss: Literal["nll", "kl"] = Field("nll", description=RETAIN_LOSS)

    @property
    def needs_before(self) -> bool:
        """Also where predictions are kept."""
        return self.needs_adapters or bool(self.retain_weight and self.retain_loss == "kl")

    @abstractmethod
    def forget_loss(self, step: Step) -> "Tensor":
        """The loss of each sample on the forget set, shape (batch,)."""

    def loss(self, step: Step) -> "Tensor":
        forget = self.forget_loss(step)
        if not self.retain_weight:
            return forget
        return forget + self.retain_weight * self.kept(step)

    def kept(self, step: Step) -> "Tensor":
        """The loss of each sample on the retain set, shape (batch,)."""
        return step.nll(RETAIN) if self.retain_loss == "nll" else step.divergence(RETAIN)


METHODS: Registry[type[Method]] = Registry("method", "methods", "fiubench.unlearning.methods")
M = TypeVar("M", bound=type[Method])


def register(method: M) -> M:
    """Class decorator: from then on ``--method NAME`` knows the method.

    Raises:
        ConfigError: the name is taken, or a batch or a reference is asked for that can't be had.
    """
    where, drawn = f"method {method.name}", (RETAIN, MISMATCH)  # anew in every epoch
    for batch in (*method.batches, *method.reference):
        if batch not in (FORGET, REFUSAL, ALTERNATE, *drawn):
            raise ConfigError(
                f"no batch {batch!r}", where=where, hint="forget, retain, refusal, alternate or mismatch."
            )
    if never := [batch for batch in method.reference if batch in drawn]:
        raise ConfigError(f"no reference of {never[0]}", where=where, hint="Take step.before.log_likelihood(..).")
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

"""How likely a model finds answers: the one forward pass behind every loss and every score."""

import inspect
from collections.abc import Collection, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from fiubench.support.errors import ConfigError
from fiubench.unlearning.models.encoding import IGNORED, ORDER, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


@dataclass(frozen=True)
class Predicted:
    """What a model predicts for the answer tokens of a batch, one row per token, sequence after sequence."""

    logits: "Tensor"  # float32, shape (tokens, vocabulary)
    targets: "Tensor"  # the answers' token ids, shape (tokens,)
    mask: "Tensor"  # which places of the batch the tokens stand at, from the first answer on; shape (batch, places)
    # on request, the hidden states of all these places: of each layer (batch, places, width)
    hidden: tuple["Tensor", ...] = ()

    @cached_property
    def rows(self) -> "Tensor":
        """Which sequence of the batch a token belongs to, shape (tokens,)."""
        return self.mask.nonzero(as_tuple=True)[0]

    def log_probs(self) -> "Tensor":
        """Natural log-probability of every answer token, shape (tokens,)."""
        import torch

        return -torch.nn.functional.cross_entropy(self.logits, self.targets, reduction="none")

    def counts(self) -> "Tensor":
        """Answer tokens per sequence, shape (batch,)."""
        import torch

        return torch.bincount(self.rows, minlength=len(self.mask))

    def per_sequence(self, values: "Tensor") -> "Tensor":
        """Sums of a value per token over each sequence, shape (batch,)."""
        return values.new_zeros(len(self.mask)).index_add(0, self.rows, values)

    def padded(self, values: "Tensor") -> "Tensor":
        """Values per token, shape (tokens, ...), at their places, shape (batch, places, ...); 0 elsewhere."""
        return values.new_zeros(*self.mask.shape, *values.shape[1:]).index_put((self.mask,), values)


def score(model: Any, batch: Mapping[str, Any], *, hidden_states: bool = False) -> Predicted:
    """Run the model on a labelled batch (right padding) and keep the logits that predict answer tokens.

    Where the model's ``forward`` can, it computes logits from the first answer token on, not over the picture. A batch
    may hold a cache to go on from (:class:`fiubench.unlearning.models.prefixes.Prefix`).
    """
    if PARTS in batch:
        pictured, others = batch[PARTS]
        parts = [(model, pictured), (beside_pictures(model), others)]
        return _joined([score(through, part, hidden_states=hidden_states) for through, part in parts], batch[ORDER])
    labels = batch["labels"]
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    targets = labels[:, 1:]
    mask = targets != IGNORED
    first = int(mask.any(dim=0).int().argmax())  # no answer of the batch begins before this position
    if takes_logits_to_keep(model):
        inputs["logits_to_keep"] = labels.shape[1] - first
    if hidden_states:
        inputs["output_hidden_states"] = True
    out = model(**{"use_cache": False, **inputs})
    places = slice(first - labels.shape[1], -1)  # counted from the end: logits may begin with the first answer
    mask = mask[:, first:]
    hidden = tuple(layer[:, places] for layer in out.hidden_states) if hidden_states else ()
    return Predicted(out.logits[:, places][mask].float(), targets[:, first:][mask], mask, hidden)


def _joined(parts: Sequence[Predicted], order: "Tensor") -> Predicted:
    """Predictions for parts of a batch, whose rows one after the other stood in this order, as if it had been one.

    Raises:
        ConfigError: hidden states of a model that has fewer layers for questions without a picture.
    """
    import torch

    if len({len(part.hidden) for part in parts}) > 1:
        hint = "Go one way, by picture or by name, or take a method that reads no hidden states."
        raise ConfigError("this model leaves out layers where there is no picture", where="hidden_states", hint=hint)
    width = max(part.mask.shape[1] for part in parts)
    back = order.argsort()

    def whole(of: Sequence["Tensor"]) -> "Tensor":
        padded = [one.new_zeros(len(one), width, *one.shape[2:]) for one in of]
        for target, one in zip(padded, of, strict=True):
            target[:, : one.shape[1]] = one
        return torch.cat(padded)[back]

    stood = order.split([len(part.mask) for part in parts])
    by_row = torch.cat([places[part.rows] for places, part in zip(stood, parts, strict=True)]).argsort(stable=True)
    return Predicted(
        torch.cat([part.logits for part in parts])[by_row],
        torch.cat([part.targets for part in parts])[by_row],
        whole([part.mask for part in parts]),
        tuple(whole(layers) for layers in zip(*(part.hidden for part in parts), strict=True)),
    )


def negative_log_likelihood(model: Any, batch: Mapping[str, Any]) -> "Tensor":
    """Per sequence the mean of -log p over its answer tokens, shape (batch,)."""
    scored = score(model, batch)
    return scored.per_sequence(-scored.log_probs()) / scored.counts()


def divergence(now: "Tensor", before: "Tensor") -> "Tensor":
    """``KL(before || now)`` of logits over the last dimension."""
    import torch

    now, before = now.log_softmax(dim=-1), before.log_softmax(dim=-1)
    return torch.nn.functional.kl_div(now, before, reduction="none", log_target=True).sum(dim=-1)


def shows_pictures(batch: Mapping[str, Any]) -> bool:
    """Whether any question of a batch has a picture."""
    return PARTS in batch or any("pixel" in name or "image" in name for name in batch)


def beside_pictures(model: Any) -> Any:
    """The model to call for questions without pictures in a step that has some with pictures.

    ``DistributedDataParallel`` takes a parameter that one call leaves unused, such as the vision tower's, for unused in
    the whole step. So it sees the call with pictures alone; gradients of both are summed before it averages them.
    """
    from torch.nn.parallel import DistributedDataParallel

    return model.module if isinstance(model, DistributedDataParallel) else model


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


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of a forward or backward pass says that memory was too short."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)


def unwrapped(model: Any) -> Any:
    """A model without the wrappers of accelerate."""
    return unwrapped(model.module) if hasattr(model, "module") else model


def innermost(model: Any) -> Any:
    """A model without the wrappers of accelerate and peft: what its ``forward`` reaches in the end."""
    inner = unwrapped(model)
    return inner.get_base_model() if hasattr(inner, "get_base_model") else inner


def takes_logits_to_keep(model: Any) -> bool:
    """Whether a model's ``forward`` can leave out the logits of first tokens."""
    return "logits_to_keep" in _parameters(type(innermost(model)).forward)


def cache_name(model: Any) -> str:
    """What a model's ``forward`` calls the cache, depending on the version of transformers."""
    return "cache" if "cache" in _parameters(type(innermost(model)).forward) else "past_key_values"


@lru_cache
def _parameters(forward: Any) -> Collection[str]:
    return frozenset(inspect.signature(forward).parameters)

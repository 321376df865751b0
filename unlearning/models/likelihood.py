"""How likely a model finds answers: the one forward pass behind every loss and every score."""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from fiubench.unlearning.models.encoding import IGNORED

if TYPE_CHECKING:
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


def score(model: Any, batch: Mapping[str, "Tensor"], *, hidden_states: bool = False) -> Predicted:
    """Run the model on a labelled batch (right padding) and keep the logits that predict answer tokens.

    Where the model's ``forward`` can, it computes logits from the first answer token on, not over the picture. A batch
    may hold a cache to go on from (:class:`fiubench.unlearning.models.prefixes.Prefix`).
    """
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


def negative_log_likelihood(model: Any, batch: Mapping[str, "Tensor"]) -> "Tensor":
    """Per sequence the mean of -log p over its answer tokens, shape (batch,)."""
    scored = score(model, batch)
    return scored.per_sequence(-scored.log_probs()) / scored.counts()


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

"""How likely a model finds answers: the one forward pass behind every loss and every score."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fiubench.unlearning.models.encoding import IGNORED

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Scored:
    """What a model predicts for the answer tokens of a batch, one row per token, sequence after sequence.

    Attributes:
        logits: float32, shape (tokens, vocabulary).
        targets: the answers' token ids, shape (tokens,).
        rows: which sequence of the batch a token belongs to, shape (tokens,).
        batch: how many sequences there are.
    """

    logits: "Tensor"
    targets: "Tensor"
    rows: "Tensor"
    batch: int

    def log_probs(self) -> "Tensor":
        """Natural log-probability of every answer token, shape (tokens,)."""
        import torch

        return -torch.nn.functional.cross_entropy(self.logits, self.targets, reduction="none")

    def counts(self) -> "Tensor":
        """Answer tokens per sequence, shape (batch,)."""
        import torch

        return torch.bincount(self.rows, minlength=self.batch)

    def per_sequence(self, values: "Tensor") -> "Tensor":
        """Sums of a value per token over each sequence, shape (batch,)."""
        return values.new_zeros(self.batch).index_add(0, self.rows, values)


def score(model: Any, batch: Mapping[str, "Tensor"]) -> Scored:
    """Run the model on a labelled batch (right padding) and keep the logits that predict answer tokens.

    Where the model's ``forward`` can, it computes logits from the first answer token on, not over the picture.
    """
    labels = batch["labels"]
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    targets = labels[:, 1:]
    mask = targets != IGNORED
    first = int(mask.any(dim=0).int().argmax())  # no answer of the batch begins before this position
    if _takes_logits_to_keep(_forward_class(model)):
        inputs["logits_to_keep"] = labels.shape[1] - first
    logits = model(**inputs, use_cache=False).logits
    logits = logits[:, -(labels.shape[1] - first) : -1]
    mask = mask[:, first:]
    rows, _ = mask.nonzero(as_tuple=True)
    return Scored(logits[mask].float(), targets[:, first:][mask], rows, labels.shape[0])


def negative_log_likelihood(model: Any, batch: Mapping[str, "Tensor"]) -> "Tensor":
    """Per sequence the mean of -log p over its answer tokens, shape (batch,)."""
    scored = score(model, batch)
    return scored.per_sequence(-scored.log_probs()) / scored.counts()


def _forward_class(model: Any) -> Any:
    """The class whose ``forward`` is reached in the end, under wrappers of accelerate and peft."""
    inner = model
    while hasattr(inner, "module"):
        inner = inner.module
    return type(inner.get_base_model() if hasattr(inner, "get_base_model") else inner)


@lru_cache
def _takes_logits_to_keep(kind: Any) -> bool:
    return "logits_to_keep" in inspect.signature(kind.forward).parameters

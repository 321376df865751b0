"""What the questions about one picture have in common, computed once: the picture, and the tokens up to the question.

They are most of a prompt: 576 image tokens of some 600 in LLaVA-1.5. A model reads them once, and every question and
candidate answer goes on from a copy of its cache. Which tokens are shared is seen by comparing them, so that a family
needs no code here; whether a family computes the same from a cache is for the caller to check
(:class:`fiubench.unlearning.evaluation.scoring.Scorer` does).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from fiubench.unlearning.models.encoding import IGNORED
from fiubench.unlearning.models.likelihood import cache_name, innermost, takes_logits_to_keep

if TYPE_CHECKING:
    from torch import Tensor

Row = Mapping[str, "Tensor"]  # the tensors of one turn, batch dimension 1, as the encoder gives them
Batch = dict[str, "Tensor"]


def common(rows: Sequence[Row]) -> int:
    """How many first tokens are the same in all rows, each keeping the one that its answer is predicted from."""
    import torch

    most = min(_prompt(row) for row in rows) - 1
    ids = torch.cat([row["input_ids"][:, :most] for row in rows])
    return int((ids == ids[0]).all(dim=0).int().cumprod(dim=0).sum())


def _prompt(row: Row) -> int:
    """The number of tokens before the answer."""
    labels = row.get("labels")
    return row["input_ids"].shape[1] if labels is None else int((labels[0] != IGNORED).int().argmax())


class Prefix:
    """The first tokens of some rows about one picture, read by a model.

    Args:
        model: in evaluation mode, without gradients.
        row: any of the rows.
        length: how many of its tokens are shared (:func:`common`).
        pictures: names of tensors that the image processor made, and that do not run along the tokens.
        place: puts tensors where the model is.
    """

    def __init__(
        self, model: Any, row: Row, length: int, pictures: Collection[str], place: Callable[[Batch], Batch]
    ) -> None:
        self._name = cache_name(model)
        self._first = {n: value[:, :length] for n, value in row.items() if n not in pictures and n != "labels"}
        inputs = {**{n: value for n, value in row.items() if n in pictures}, **self._first}
        last = {"logits_to_keep": 1} if takes_logits_to_keep(model) else {}
        self._cache = model(**place(inputs), **last, use_cache=True)[self._name]
        self.length = length
        # models with positions in three dimensions keep in themselves how far a picture shifts the tokens behind it
        self._positioned: Any = getattr(innermost(model), "model", None)
        self._shift = getattr(self._positioned, "rope_deltas", None)

    def begins(self, rows: Sequence[Row]) -> bool:
        """Whether all of these rows begin with it, and have something left to predict an answer from."""
        own = self._first["input_ids"]
        return all(_prompt(row) > self.length and row["input_ids"][:, : self.length].equal(own) for row in rows)

    def rest(self, rows: Sequence[Row], pad_id: int) -> Batch:
        """What follows in labelled rows, padded on the right; with :meth:`cache`, for ``likelihood.score``."""
        import torch

        batch = {name: self._beyond(rows, name, pad_id, "right") for name in (*self._first, "labels")}
        shared = self._first["attention_mask"].expand(len(rows), -1)
        batch["attention_mask"] = torch.cat([shared, batch["attention_mask"]], dim=1)
        if self._shift is not None:
            places = batch["attention_mask"].cumsum(dim=1)[:, self.length :] - 1 + self._shift.cpu()
            batch["position_ids"] = places.expand(3, -1, -1)
        return batch

    def prompts(self, rows: Sequence[Row], pad_id: int) -> Batch:
        """Whole prompts, padded where the shared part ends; with :meth:`cache`, for ``model.generate``."""
        import torch

        def whole(name: str, first: "Tensor") -> "Tensor":
            shared = first.expand(len(rows), *first.shape[1:])
            return torch.cat([shared, self._beyond(rows, name, pad_id, "left")], dim=1)

        return {name: whole(name, first) for name, first in self._first.items()}

    def cache(self, count: int) -> dict[str, Any]:
        """The argument that lets a model go on with a batch of so many; good for one call."""
        if self._shift is not None:
            self._positioned.rope_deltas = self._shift  # another batch may have been read since
        cache = deepcopy(self._cache)
        cache.batch_repeat_interleave(count)
        return {self._name: cache, "use_cache": True}

    def _beyond(self, rows: Sequence[Row], name: str, pad_id: int, side: str) -> "Tensor":
        """One tensor of the rows beyond the shared tokens, shape (batch, tokens, ...), padded on one side."""
        from torch.nn.utils.rnn import pad_sequence

        fill = {"input_ids": pad_id, "labels": IGNORED}.get(name, 0)
        parts = [row[name][0, self.length :] for row in rows]
        return pad_sequence(parts, batch_first=True, padding_value=fill, padding_side=side)

"""Asking a model many questions at once: greedy answers, and log-probabilities of given answers.

Prompts are padded on the left for generation and on the right for scoring, questions of like length go together, and
logits are computed for answer tokens alone. Results come in the order of the questions and do not depend on the
batch size (beyond the last bits of floating-point sums).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fiubench.support.errors import FiubenchError
from fiubench.unlearning.data.log import GENERATION_PREFIX
from fiubench.unlearning.models import likelihood
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.processors import check

if TYPE_CHECKING:
    from torch import Tensor

_TOKENS_AT_ONCE = 512  # rows of the vocabulary's probabilities held while their moments are taken
_MARGIN = 1.25  # a model may use this much more tokens than the longest true answer

Step = Callable[[int], None]
T = TypeVar("T")


class OutOfMemoryError(FiubenchError):
    """A batch did not fit. Whatever was written before it is kept."""


@dataclass(frozen=True)
class Answer:
    """A greedy answer. ``prefix`` is the text of its first 50 tokens, null where the whole is no longer."""

    text: str
    prefix: str | None


@dataclass(frozen=True)
class TokenScores:
    """An answer's tokens under a model, end of sequence last."""

    logprobs: list[float]  # natural log-probability of each token
    # mean and standard deviation of the vocabulary's log-probabilities under the model at each token (for Min-K++);
    # empty where they were not asked for
    mu: list[float]
    sigma: list[float]


class Scorer:
    """A model, put into evaluation mode, that answers in batches."""

    def __init__(self, model: Any, processor: Any, batch_size: int = 16) -> None:
        self.model = model.eval()
        self.encoder = Encoder(processor)
        self.batch_size = batch_size

    def check(self, turn: Turn) -> None:
        """Try one question.

        Raises:
            ConfigError: model, processor and chat template don't fit together; what is missing is named.
        """
        batch = self.encoder([turn], for_generation=True)
        check(self.model, self.encoder.processor, self._to_device(batch))

    def token_limit(self, answers: Sequence[str]) -> int:
        """How many tokens a generation may have: room for the longest true answer, and 50 at least."""
        longest = max(map(len, self.encoder.tokenizer(list(answers), add_special_tokens=False)["input_ids"]), default=0)
        return max(GENERATION_PREFIX, int(_MARGIN * longest) + 1)

    def generate(self, turns: Sequence[Turn], max_new_tokens: int, step: Step | None = None) -> list[Answer]:
        """Greedy answers, one per turn, in order.

        Args:
            step: called with the number of turns answered since the last call.

        Raises:
            OutOfMemoryError: a batch does not fit; a smaller size to try is named.
        """
        return self._in_batches(turns, lambda batch: self._generate(batch, max_new_tokens), step)

    def score(self, turns: Sequence[Turn], *, moments: bool = False, step: Step | None = None) -> list[TokenScores]:
        """Log-probabilities of each turn's answer, in order.

        Args:
            moments: compute ``mu`` and ``sigma`` too.

        Raises:
            OutOfMemoryError: as for :meth:`generate`.
        """
        return self._in_batches(turns, lambda batch: self._score(batch, moments=moments), step)

    def _in_batches(self, turns: Sequence[Turn], work: Callable[[list[Turn]], list[T]], step: Step | None) -> list[T]:
        import torch

        # Those without a picture apart; then by length, so that little is padding. Ties keep the order.
        order = sorted(range(len(turns)), key=lambda i: _extent(turns[i]))
        results: dict[int, T] = {}
        for chosen in _batches(order, turns, self.batch_size):
            with torch.inference_mode(), _memory(len(chosen)):
                found = work([turns[i] for i in chosen])
            results.update(zip(chosen, found, strict=True))
            if step is not None:
                step(len(chosen))
        return [results[i] for i in range(len(turns))]

    def _generate(self, batch: list[Turn], max_new_tokens: int) -> list[Answer]:
        inputs = self._to_device(self.encoder(batch, for_generation=True))
        out = self.model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            # greedy, whatever the model's own settings for chatting are
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            use_cache=True,
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=self.encoder.end_ids,
            pad_token_id=self.encoder.pad_id,
        )
        new = out[:, inputs["input_ids"].shape[1] :].cpu()
        texts = self.encoder.decode(new)
        if new.shape[1] <= GENERATION_PREFIX:
            return [Answer(text, None) for text in texts]
        starts = self.encoder.decode(new[:, :GENERATION_PREFIX])
        return [Answer(text, None if start == text else start) for text, start in zip(texts, starts, strict=True)]

    def _score(self, batch: list[Turn], *, moments: bool) -> list[TokenScores]:
        scored = likelihood.score(self.model, self._to_device(self.encoder(batch)))
        lists = [scored.log_probs().float().tolist()]
        lists += [part.tolist() for part in _moments(scored.logits)] if moments else []
        made: list[TokenScores] = [TokenScores([], [], []) for _ in batch]
        for position, row in enumerate(scored.rows.tolist()):
            for target, values in zip((made[row].logprobs, made[row].mu, made[row].sigma), lists, strict=False):
                target.append(values[position])
        return made

    def _to_device(self, batch: "dict[str, Tensor]") -> "dict[str, Tensor]":
        return {
            name: value.to(self.model.device, self.model.dtype if value.is_floating_point() else None)
            for name, value in batch.items()
        }


def _moments(logits: "Tensor") -> "tuple[Tensor, Tensor]":
    """Mean and standard deviation of log p over the vocabulary, weighted by p; shape (tokens,) each."""
    import torch

    means, deviations = [], []
    for rows in logits.split(_TOKENS_AT_ONCE):
        log_probs = rows.log_softmax(-1)
        probs = log_probs.exp()
        # What the model rules out (log p of minus infinity) has no weight; 0 * inf would be no number.
        weighted = torch.where(probs > 0, probs * log_probs, 0.0)
        mean = weighted.sum(-1)
        squares = torch.where(probs > 0, probs * (log_probs - mean[:, None]) ** 2, 0.0).sum(-1)
        means.append(mean)
        deviations.append(squares.sqrt())
    return torch.cat(means), torch.cat(deviations)


def _extent(turn: Turn) -> tuple[bool, int]:
    return turn.image is None, len(turn.question) + len(turn.answer or "")


def _batches(order: Sequence[int], turns: Sequence[Turn], size: int) -> Iterator[list[int]]:
    """Cut an order into batches that have pictures for all or for none."""
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) == size or (turns[i].image is None) != (turns[batch[0]].image is None)):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


@contextmanager
def _memory(batch_size: int) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not likelihood.is_out_of_memory(error):
            raise
        hint = (
            f"Give the same command with --batch-size {batch_size // 2}: what is done is kept."
            if batch_size > 1
            else "A smaller model, fewer bits (--dtype bfloat16) or a larger machine is needed."
        )
        raise OutOfMemoryError(f"out of memory with {batch_size} questions at once", hint=hint) from error

"""Asking a model many questions at once: greedy answers, and log-probabilities of given answers.

What questions about one picture begin with is read once, where that pays and the model can go on from there. Prompts
are padded on the left for generation and on the right for scoring, questions of like length go together, and logits
are computed for answer tokens alone. Results come in the order of the questions and do not depend on the batch size
(beyond the last bits of floating-point sums).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from fiubench.support.errors import FiubenchError
from fiubench.unlearning.data.log import GENERATION_PREFIX
from fiubench.unlearning.models import likelihood
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.prefixes import Prefix, common
from fiubench.unlearning.models.processors import check

if TYPE_CHECKING:
    from torch import Tensor

_TOKENS_AT_ONCE = 512  # rows of the vocabulary's probabilities held while their moments are taken
_SAME = 1e-4  # nats by which log-probabilities may differ with a shared prefix
_ROUNDING = 16  # or by so many units of the number format at 1: 0.125 in bfloat16, 0.016 in float16
_SCORING, _GENERATION = "scoring", "generation"
_SMALL = 3 * 64 * 64  # numbers of a prepared picture
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
    """A model, put into evaluation mode, that answers in batches.

    Questions about one picture share what they begin with (:mod:`fiubench.unlearning.models.prefixes`). On the first
    picture the results are compared with those of whole passes; where they differ, whole passes are all there is.

    Args:
        model: the model.
        processor: its processor.
        batch_size: questions in one pass.
        share: whether to share; by default where pictures are not :data:`small <_SMALL>`, since reading such a picture
            again costs less than passes that only one person's questions fill.

    Attributes:
        notes: lines on what could not be shared, and why.
    """

    def __init__(self, model: Any, processor: Any, batch_size: int = 16, *, share: bool | None = None) -> None:
        self.model = model.eval()
        self.encoder = Encoder(processor)
        self.batch_size = batch_size
        self.notes: list[str] = []
        self._share = share  # unless it was said, the first picture decides
        self._shares: dict[str, bool] = {}  # for scoring and generation: whether sharing was found to change nothing
        self._last: tuple[object, Prefix] | None = None  # the last picture, and what its questions share

    def check(self, turn: Turn) -> None:
        """Try one question.

        Raises:
            ConfigError: model, processor and chat template don't fit together; what is missing is named.
        """
        batch = self.encoder([turn], for_generation=True)
        check(self.model, self.encoder.processor, self._to_device(batch))

    def shares(self, turn: Turn) -> bool:
        """Whether questions about a turn's picture are to be asked together, because they share that it is read."""
        if turn.image is not None and self._share is None:
            row = self._row(turn)
            self._share = sum(value.numel() for name, value in row.items() if name in self._of_pictures) > _SMALL
        return turn.image is not None and bool(self._share)

    @property
    def _of_pictures(self) -> Sequence[str]:
        """Names of the tensors that the image processor makes."""
        names: Sequence[str] = self.encoder.processor.image_processor.model_input_names
        return names

    def token_limit(self, answers: Sequence[str]) -> int:
        """How many tokens a generation may have: room for the longest true answer, and 50 at least."""
        longest = max(map(len, self.encoder.tokenizer(list(answers), add_special_tokens=False)["input_ids"]), default=0)
        return max(GENERATION_PREFIX, int(_MARGIN * longest) + 1)

    def generate(
        self, turns: Sequence[Turn], max_new_tokens: int, step: Step | None = None, *, temperature: float = 0.0
    ) -> list[Answer]:
        """Answers, one per turn, in order; of one that is begun (:attr:`Turn.begun`), the rest.

        Args:
            step: called with the number of turns answered since the last call.
            temperature: 0 is greedy; above, tokens are drawn by torch's generator, whose seed is the caller's.

        Raises:
            OutOfMemoryError: a batch does not fit; a smaller size to try is named.
        """
        asked = [replace(turn, answer=None) for turn in turns]
        sampling: dict[str, Any] = {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}
        work = partial(self._generate, max_new_tokens=max_new_tokens, **(sampling if temperature else {}))
        return self._in_batches(asked, work, _GENERATION, step, max_new_tokens)

    def score(self, turns: Sequence[Turn], *, moments: bool = False, step: Step | None = None) -> list[TokenScores]:
        """Log-probabilities of each turn's answer, in order.

        Args:
            moments: compute ``mu`` and ``sigma`` too.

        Raises:
            OutOfMemoryError: as for :meth:`generate`.
        """
        return self._in_batches(turns, partial(self._score, moments=moments), _SCORING, step)

    def _in_batches(
        self,
        turns: Sequence[Turn],
        work: Callable[[list[Turn], Prefix | None], list[T]],
        kind: str,
        step: Step | None,
        more: int = 0,
    ) -> list[T]:
        """``work`` on all turns in batches. ``more`` is how many tokens it may add to each."""
        import torch

        results: dict[int, T] = {}
        for group, is_shared in self._groups(turns, kind):
            with torch.inference_mode(), _memory(min(2, self.batch_size)):
                prefix = self._prefix([turns[i] for i in group], kind, more) if is_shared else None
            # Those without a picture apart; then by length, so that little is padding. Ties keep the order.
            order = sorted(group, key=lambda i: _extent(turns[i]))
            for chosen in _batches(order, turns, self.batch_size):
                with torch.inference_mode(), _memory(len(chosen)):
                    found = work([turns[i] for i in chosen], prefix)
                results.update(zip(chosen, found, strict=True))
                if step is not None:
                    step(len(chosen))
        return [results[i] for i in range(len(turns))]

    def _groups(self, turns: Sequence[Turn], kind: str) -> Iterator[tuple[list[int], bool]]:
        """Turns that are asked together: those of one picture, which share its prefix, and all that share none."""
        pictures: dict[int, list[int]] = {}
        for i, turn in enumerate(turns):
            pictures.setdefault(id(turn.image), []).append(i)
        alone: list[int] = []
        for group in pictures.values():
            image = turns[group[0]].image
            again = self._last is not None and self._last[0] is image
            if (len(group) > 1 or again) and self._shares.get(kind, True) and self.shares(turns[group[0]]):
                yield group, True
            else:
                alone += group
        yield sorted(alone), False

    def _prefix(self, group: Sequence[Turn], kind: str, more: int) -> Prefix | None:
        """What questions about one picture share; None where the model can't go on from it."""
        if not self._shares.get(kind, True):
            return None
        picture, rows = group[0].image, [self._row(turn) for turn in group]
        window = getattr(self.model.config.get_text_config(), "sliding_window", None)
        if common(rows) < 1 or (more and window and max(r["input_ids"].shape[1] for r in rows) + more > window):
            return None  # padding between prefix and question would push some of the picture out of the window
        try:
            if self._last is None or self._last[0] is not picture or not self._last[1].begins(rows):
                self._last = None  # one at a time is held
                made = Prefix(self.model, rows[0], common(rows), self._of_pictures, self._to_device)
                self._last = (picture, made)
            if kind not in self._shares:
                self._shares[kind] = self._agrees(group, self._last[1], kind)
        except (RuntimeError, ValueError, TypeError, AttributeError, LookupError) as error:
            if likelihood.is_out_of_memory(error) or self._shares.get(kind):
                raise
            self._shares[kind] = False
            self.notes.append(f"{kind} reads every prompt whole: {type(error).__name__}: {error}")
        return self._last[1] if self._last is not None and self._shares[kind] else None

    def _agrees(self, group: Sequence[Turn], prefix: Prefix, kind: str) -> bool:
        """Whether going on from a prefix gives what whole passes give, for the shortest and the longest of a group.

        In 16 bits whole passes differ from each other, by the batch they are in: twice that is allowed, and rounding.
        """
        import torch

        turns = sorted(group, key=_extent)
        pair = [turns[0], turns[-1]][: self.batch_size]
        whole = self._tried(pair, None, kind)
        alone = [one for turn in pair for one in self._tried([turn], None, kind)]
        allowed = max(_SAME, 2 * _gap(whole, alone), _ROUNDING * torch.finfo(self.model.dtype).eps)
        gap = _gap(whole, self._tried(pair, prefix, kind))
        agrees = bool(gap <= allowed)  # not where it is no number
        if not agrees:
            self.notes.append(f"{kind} reads every prompt whole: shared, log-probabilities would differ by {gap:.1g}")
        return agrees

    def _tried(self, turns: Sequence[Turn], prefix: Prefix | None, kind: str) -> "list[Tensor]":
        """Per turn the log-probabilities that are compared: of the answer, or of all tokens at two steps."""
        import torch

        if kind == _SCORING:
            return [torch.tensor(one.logprobs) for one in self._score(turns, prefix, moments=False)]
        options = {"output_logits": True, "return_dict_in_generate": True, "min_new_tokens": 2}
        steps = self._continue(turns, prefix, 2, **options)[0]["logits"]
        return list(torch.stack([logits.float().log_softmax(-1).cpu() for logits in steps], dim=1))

    def _generate(
        self, batch: Sequence[Turn], prefix: Prefix | None, *, max_new_tokens: int, **options: Any
    ) -> list[Answer]:
        out, start = self._continue(batch, prefix, max_new_tokens, **options)
        new = out[:, start:].cpu()
        texts = self.encoder.decode(new)
        if new.shape[1] <= GENERATION_PREFIX:
            return [Answer(text, None) for text in texts]
        starts = self.encoder.decode(new[:, :GENERATION_PREFIX])
        return [Answer(text, None if start == text else start) for text, start in zip(texts, starts, strict=True)]

    def _continue(
        self, batch: Sequence[Turn], prefix: Prefix | None, max_new_tokens: int, **options: Any
    ) -> tuple[Any, int]:
        """What ``generate`` returns, and the number of tokens of its prompts."""
        if prefix is None:
            inputs = self._to_device(self.encoder(batch, for_generation=True))
        else:
            prompts = prefix.prompts([self._row(turn) for turn in batch], self.encoder.pad_id)
            inputs = {**self._to_device(prompts), **prefix.cache(len(batch))}
        # greedy if nothing else is said, whatever the model's own settings for chatting are
        greedy = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        out = self.model.generate(
            **{"use_cache": True, **inputs},
            max_new_tokens=max_new_tokens,
            num_beams=1,
            repetition_penalty=1.0,
            eos_token_id=self.encoder.end_ids,
            pad_token_id=self.encoder.pad_id,
            **{**greedy, **options},
        )
        return out, inputs["input_ids"].shape[1]

    def _score(self, batch: Sequence[Turn], prefix: Prefix | None, *, moments: bool) -> list[TokenScores]:
        if prefix is None:
            inputs = self._to_device(self.encoder(batch))
        else:
            rest = prefix.rest([self._row(turn) for turn in batch], self.encoder.pad_id)
            inputs = {**self._to_device(rest), **prefix.cache(len(batch))}
        scored = likelihood.score(self.model, inputs)
        lists = [scored.log_probs().float().tolist()]
        lists += [part.tolist() for part in _moments(scored.logits)] if moments else []
        made: list[TokenScores] = [TokenScores([], [], []) for _ in batch]
        for position, row in enumerate(scored.rows.tolist()):
            for target, values in zip((made[row].logprobs, made[row].mu, made[row].sigma), lists, strict=False):
                target.append(values[position])
        return made

    def _row(self, turn: Turn) -> "dict[str, Tensor]":
        return self.encoder([turn], for_generation=turn.answer is None)

    def _to_device(self, batch: "dict[str, Tensor]") -> "dict[str, Tensor]":
        return {
            name: value.to(self.model.device, self.model.dtype if value.is_floating_point() else None)
            for name, value in batch.items()
        }


def _gap(one: "Sequence[Tensor]", other: "Sequence[Tensor]") -> float:
    """The largest difference between two lists of log-probabilities; not a number where one is none."""
    import torch

    return float(torch.cat([(a - b).abs().flatten() for a, b in zip(one, other, strict=True)]).max())


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
    return turn.image is None, len(turn.question) + len(turn.answer or turn.begun)


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

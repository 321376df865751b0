"""Who answers: a model in this process, or copies of it in several."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

from fiubench.support.errors import FiubenchError
from fiubench.support.processes import SPAWN, worker_pool
from fiubench.unlearning.evaluation.scoring import Answer, Scorer, Step, TokenScores
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.loading import load


@dataclass(frozen=True)
class Asked:
    """What is asked together, about one person or a few."""

    prompts: Sequence[Turn]  # to be answered
    answers: Sequence[Turn]  # true answers to be scored
    others: Sequence[Turn]  # other answers to be scored
    moments: bool  # whether the vocabulary's moments are wanted for the true answers
    max_new_tokens: int


@dataclass(frozen=True)
class Replies:
    """What the model makes of it, in the same order."""

    generated: Sequence[Answer]
    answers: Sequence[TokenScores]
    others: Sequence[TokenScores]
    notes: Sequence[str]  # what could not be shared between questions


def reply(scorer: Scorer, asked: Asked, step: Step | None = None) -> Replies:
    """Put it to a model."""
    return Replies(
        scorer.generate(asked.prompts, asked.max_new_tokens, step),
        scorer.score(asked.answers, moments=asked.moments, step=step),
        scorer.score(asked.others, step=step),
        tuple(scorer.notes),
    )


@dataclass
class Here:
    """A model in this process, loaded when it is first needed."""

    target: str
    device: str
    dtype: str
    batch_size: int

    @cached_property
    def scorer(self) -> Scorer:
        """The model."""
        loaded = load(self.target, device=self.device, dtype=self.dtype)
        return Scorer(loaded.model, loaded.processor, self.batch_size)

    def token_limit(self, answers: Sequence[str]) -> int:
        """See :meth:`~fiubench.unlearning.evaluation.scoring.Scorer.token_limit`."""
        return self.scorer.token_limit(answers)

    def check(self, turn: Turn) -> None:
        """See :meth:`~fiubench.unlearning.evaluation.scoring.Scorer.check`."""
        self.scorer.check(turn)

    def shares(self, turn: Turn) -> bool:
        """See :meth:`~fiubench.unlearning.evaluation.scoring.Scorer.shares`."""
        return self.scorer.shares(turn)

    def replies(self, asked: Sequence[Asked], step: Step) -> Iterator[Replies]:
        """Replies in order; ``step`` is called with the number of answers since the last call."""
        for one in asked:
            yield reply(self.scorer, one, step)


@dataclass
class Several:
    """Copies of a model in processes of their own, each on the next GPU where there are some.

    Whoever is free takes the next person. A reply depends on nothing but what is asked, so it is that of one process.
    """

    pool: ProcessPoolExecutor

    def token_limit(self, answers: Sequence[str]) -> int:
        """See :meth:`~fiubench.unlearning.evaluation.scoring.Scorer.token_limit`."""
        return self.pool.submit(_token_limit, list(answers)).result()

    def check(self, turn: Turn) -> None:
        """See :meth:`~fiubench.unlearning.evaluation.scoring.Scorer.check`."""
        self.pool.submit(_check, turn).result()

    def shares(self, turn: Turn) -> bool:
        """See :meth:`~fiubench.unlearning.evaluation.scoring.Scorer.shares`."""
        return self.pool.submit(_shares, turn).result()

    def replies(self, asked: Sequence[Asked], step: Step) -> Iterator[Replies]:
        """Replies in order; ``step`` is called with the number of answers since the last call."""
        for one, found in zip(asked, self.pool.map(_reply, asked), strict=True):
            step(len(one.prompts) + len(one.answers) + len(one.others))
            yield found


@contextmanager
def answering(target: str, device: str, dtype: str, batch_size: int, workers: int) -> Iterator[Here | Several]:
    """A model that answers, in so many processes; nothing is loaded before it is asked."""
    model = Here(target, device, dtype, batch_size)
    if workers == 1:
        yield model
        return
    numbers: Any = SPAWN.SimpleQueue()
    for number in range(workers):
        numbers.put(number)
    hint = "Often the system ran out of memory: give the same command with fewer --workers; what is done is kept."
    killed = FiubenchError("a worker process was killed", where="evaluate", hint=hint)
    # a forked torch hangs
    with worker_pool(workers, _begin, (astuple(model), numbers, workers), context=SPAWN, killed=killed) as pool:
        yield Several(pool)


_here: Here


def _begin(model: tuple[str, str, str, int], numbers: Any, workers: int) -> None:
    """What a worker does first."""
    global _here  # noqa: PLW0603  (the only way that a pool hands something to its processes once)
    import torch

    target, device, dtype, batch_size = model
    number, gpus = numbers.get(), torch.cuda.device_count()
    spread = device in ("auto", "cuda") and gpus
    _here = Here(target, f"cuda:{number % gpus}" if spread else device, dtype, batch_size)
    torch.set_num_threads(max(1, torch.get_num_threads() // workers))


def _check(turn: Turn) -> None:
    _here.check(turn)


def _shares(turn: Turn) -> bool:
    return _here.shares(turn)


def _token_limit(answers: Sequence[str]) -> int:
    return _here.token_limit(answers)


def _reply(asked: Asked) -> Replies:
    return reply(_here.scorer, asked)

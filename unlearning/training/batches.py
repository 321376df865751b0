"""What a training step is fed: rows of a dataset in a keyed order, forget and retain rows in pairs."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from fiubench.support.draws import Ints, draw, integers, permute
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import NAME, PICTURE, Modality
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.methods.base import ALTERNATE, FORGET, MISMATCH, REFUSAL, RETAIN
from fiubench.unlearning.models.encoding import IGNORED, Encoder, Turn, parts_of, sequences

if TYPE_CHECKING:
    from PIL.Image import Image

_NOISE_SIDE = 64  # pixels


@dataclass(frozen=True)
class Row:
    """A question in one or more phrasings with its answer and wrong ones; the picture, if any, is read when needed."""

    phrasings: tuple[str, ...]
    answer: str
    image: "Callable[[], Image] | None"
    wrong: tuple[str, ...] = ()
    further: "tuple[Callable[[], Image], ...]" = ()  # more pictures of the person

    @property
    def cycle(self) -> int:
        """After so many turns come the same phrasing and picture again."""
        return len(self.phrasings) * (1 + len(self.further))

    def turn(self, number: int = 0, answer: str | None = None) -> Turn:
        """As the encoder takes it, with another answer if one is given.

        Phrasings and pictures are counted around by ``number``, so that each phrasing comes with each picture.
        """
        turn, phrasing = divmod(number, len(self.phrasings))
        pictures = (self.image, *self.further)
        picture = pictures[(turn + phrasing) % len(pictures)]
        answer = self.answer if answer is None else answer
        return Turn(self.phrasings[phrasing], None if picture is None else picture(), answer)


def rows(data: Data, samples: Sequence[Sample], phrasings: int, modality: Modality = PICTURE) -> list[Row]:
    """The samples in their first ``phrasings`` phrasings: the question, then its paraphrases but for the last one.

    Every epoch takes another, so that each is seen as often; likewise of the pictures that are trained on. With both
    modalities there are two rows a sample.
    """
    return [
        Row(
            (s.question, *s.paraphrased_question[:-1])[:phrasings],
            s.answer,
            image,
            s.perturbed_answer,
            () if image is None else tuple(partial(data.image, s.unique_id, number) for number in data.seen[1:]),
        )
        for s, image in _asked(data, samples, modality)
    ]


def unseen_rows(data: Data, samples: Sequence[Sample], modality: Modality = PICTURE) -> list[Row]:
    """The samples in the phrasing that no training uses: their last paraphrase."""
    return [Row(s.paraphrased_question[-1:], s.answer, image) for s, image in _asked(data, samples, modality)]


def _asked(
    data: Data, samples: Sequence[Sample], modality: Modality
) -> Iterator[tuple[Sample, "Callable[[], Image] | None"]]:
    """Each sample with its picture, or in words that name the person; where the name is the answer, it is not told."""
    if modality != NAME:
        yield from ((sample, partial(data.image, sample.unique_id)) for sample in samples)
    if modality != PICTURE:
        yield from ((sample.by_name(), None) for sample in samples if sample.nameable)


def noise_rows(samples: Sequence[Sample], count: int, seed: int, modality: Modality = PICTURE) -> list[Row]:
    """Pictures of noise with a question of the dataset and a refusal: they teach the words of refusing.

    By name alone the question stands without picture and name, so that nobody could answer it.
    """
    if not count:
        return []
    refusals = read_refusals()
    words = draw(seed, "noise", np.arange(count), words=_NOISE_SIDE * _NOISE_SIDE)
    asked = integers(seed, "noise.question", np.arange(count), len(samples))
    return [
        Row(
            (samples[int(asked[i])].question,),
            refusals[i % len(refusals)],
            None if modality == NAME else _noise(words[i]),
        )
        for i in range(count)
    ]


def _noise(words: Any) -> "Callable[[], Image]":
    from PIL import Image

    values = words[:, None] >> np.array([0, 8, 16], dtype=np.uint64)
    picture = Image.fromarray((values & np.uint64(255)).astype(np.uint8).reshape(_NOISE_SIDE, _NOISE_SIDE, 3))
    return lambda: picture


class KeyedOrder:
    """A sampler whose order is a function of (seed, epoch): the same whatever was done before, or where.

    It yields ``epoch * size + row``, so that a row can be paired differently in every epoch.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed, self.epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch the next iteration is."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        order = permute(self.seed, f"order.{self.epoch}", np.arange(self.size), self.size)
        yield from (self.epoch * self.size + order).tolist()


class Singles:
    """Stage 1: one row per sample."""

    def __init__(self, items: Sequence[Row]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Turn:
        epoch, number = divmod(index, len(self.items))
        return self.items[number].turn(epoch + number)


class Pairs:
    """Stage 2: a forget row with a retain row, and the forget row's question with other answers.

    An epoch is a pass over the forget rows. Retain rows come in keyed passes too: each once before any comes again.

    Args:
        names: which batches of :class:`~fiubench.unlearning.methods.base.Step` are made; nothing else is.

    Attributes:
        cycle: after so many pairs the forget rows come again in the same phrasings, with the same pictures and wrong
            answers.

    Raises:
        ConfigError: wrong answers are asked for, and a row has none.
    """

    def __init__(self, forget: Sequence[Row], retain: Sequence[Row], names: Sequence[str], seed: int) -> None:
        self.forget, self.retain, self.names, self.seed = forget, retain, names, seed
        texts = read_refusals()
        chosen = integers(seed, "refusal", np.arange(len(forget)), len(texts))
        self.refusals = [texts[int(i)] for i in chosen]
        wrong = [len(row.wrong) for row in forget] if ALTERNATE in names else []
        if 0 in wrong:
            problem = f"a question has no wrong answer: {forget[wrong.index(0)].phrasings[0]}"
            raise ConfigError(problem, where="method", hint="Take one that needs none, such as dpo.")
        self.cycle = len(forget) * math.lcm(*(row.cycle for row in forget), *wrong)
        self._passes: dict[int, Ints] = {}

    def __len__(self) -> int:
        return len(self.forget)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"index": index % self.cycle, **{name: self.turn(name, index) for name in self.names}}

    def turn(self, name: str, index: int) -> Turn:
        """The turn of one name in the pair at ``index`` (``epoch * len + row``)."""
        epoch, number = divmod(index, len(self.forget))
        row = self.forget[number]
        if name == FORGET:
            return row.turn(epoch + number)
        if name == REFUSAL:
            return row.turn(epoch + number, self.refusals[number])
        if name == ALTERNATE:
            return row.turn(epoch + number, row.wrong[(epoch + number) % len(row.wrong)])
        if name == MISMATCH:
            return row.turn(epoch + number, self.turn(RETAIN, index).answer)
        assert name == RETAIN
        turn, place = divmod(index, len(self.retain))
        if turn not in self._passes:
            size = len(self.retain)
            self._passes = {turn: permute(self.seed, f"retain.{turn}", np.arange(size), size), **self._passes}
            self._passes = dict(islice(self._passes.items(), 2))  # an epoch touches two neighbouring passes at a time
        return self.retain[int(self._passes[turn][place])].turn(turn + place)


def sizes(batch: Mapping[str, Any]) -> dict[str, float]:
    """Samples of a pass, and per labelled batch in it (``""`` in stage 1) its answer tokens and its places."""
    parts = {name: part for name, part in batch.items() if name != "index"} if "index" in batch else {"": batch}
    counted: dict[str, float] = {"samples": sequences(next(iter(parts.values())))}
    for name, part in parts.items():
        counted[f"{name}.tokens"] = sum(int((each["labels"] != IGNORED).sum()) for each in parts_of(part))
        counted[f"{name}.places"] = sum(each["input_ids"].numel() for each in parts_of(part))
    return counted


def collate_pairs(encoder: Encoder, pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``index`` (batch,), below the pairs' cycle, and one labelled batch per name."""
    import torch

    batch: dict[str, Any] = {"index": torch.tensor([pair["index"] for pair in pairs])}
    for name in pairs[0]:
        if name != "index":
            batch[name] = encoder([pair[name] for pair in pairs])
    return batch

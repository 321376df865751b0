"""Relearning: a few steps of training, after which what they did not teach may be back."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Self

from fiubench.schemas.splits import HOLDOUT
from fiubench.support.errors import ConfigError
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.attacks.base import Answers, Asking, Field, Target, register
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.likelihood import negative_log_likelihood
from fiubench.unlearning.models.loading import Loaded
from fiubench.unlearning.models.parts import add_lora, freeze
from fiubench.unlearning.models.settings import Lora
from fiubench.unlearning.training.batches import KeyedOrder, Row, rows

_UNRELATED = Path(__file__).with_name("unrelated.yaml")


class _Relearning(Asking):
    steps: int = Field(10, ge=1, description="Optimizer steps.")
    samples: int = Field(8, ge=1, description="Questions in a step.")
    learning_rate: float | None = Field(
        None, gt=0, description="Constant, of AdamW; by default the one that the attacked run was unlearned with."
    )
    lora: Lora | Literal["run"] | None = Field(
        "run", description="Fresh adapters, null to train every weight; run: as the attacked run was trained."
    )

    def settled(self, target: Target) -> Self:
        """With learning rate and adapters of the run."""
        run = target.subject.run
        own = {} if run is None else run.manifest["settings"]
        rate, lora = self.learning_rate or own.get("learning_rate"), self.lora
        if rate is None:
            hint = "Give --option learning_rate=NUMBER: only a run of `fiubench unlearn` says its own."
            raise ConfigError("with which learning rate?", where=f"attack {self.name}", hint=hint)
        if lora == "run":
            lora = None if own.get("lora") is None else Lora.parse(own["lora"])
        return self.model_copy(update={"learning_rate": rate, "lora": lora})

    @abstractmethod
    def rounds(self, target: Target) -> Iterator[tuple[Sequence[Row], Sequence[Sample]]]:
        """What is taught, and what is asked then; each time from the attacked model on."""

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers after each training."""
        found = []
        for items, samples in self.rounds(target):
            whole = {} if self.lora is not None else {"dtype": "float32"}
            with target.apart(partial(self._taught, items, target), **whole) as other:
                said = other.answer([target.turn(sample) for sample in samples])
            found += [Answers(sample, (text,)) for sample, text in zip(samples, said, strict=True)]
        return found

    def _taught(self, items: Sequence[Row], target: Target, loaded: Loaded) -> Loaded:
        """A model after some steps."""
        import torch
        from accelerate.utils import send_to_device

        kind = loaded.model.dtype  # what is trained is float32 as long as it is trained
        with target.seeded():
            assert self.lora != "run"
            model = freeze(loaded, ()) if self.lora is None else add_lora(loaded, self.lora)
            encoder = Encoder(loaded.processor)
            learning = [weights for weights in model.parameters() if weights.requires_grad]
            optimizer = torch.optim.AdamW(learning, lr=self.learning_rate or 0.0, weight_decay=0.0)
            model.train()
            for turns in in_batches(items, self.samples, self.steps, target.seed):
                batch = send_to_device(encoder(turns), model.device)
                with torch.autocast(model.device.type, kind, kind != torch.float32):
                    negative_log_likelihood(model, batch).mean().backward()
                torch.nn.utils.clip_grad_norm_(learning, 1.0)
                optimizer.step()
                optimizer.zero_grad()
        return Loaded(model.eval().to(kind), loaded.processor, loaded.target)


@register
class Relearn(_Relearning):
    """Train on some of the forgotten people, ask about the others.

    Twice: the first ``people`` of the forget set are taught and the rest is asked, then the last, so that with half of
    them everybody is asked once. What comes back was not taught: it was there.

    Lynch et al., 2024 (arXiv 2402.16835); Hu et al., 2025 (arXiv 2406.13356).
    """

    name = "relearn"
    help = "A few steps on some of the forgotten people; the others are asked about."
    people: int | None = Field(None, ge=1, description="How many are taught; by default half of them.")

    def settled(self, target: Target) -> Self:
        """With learning rate and adapters of the run."""
        if self.people is not None:
            _check_count(target, self.people, self.name)
        return super().settled(target)

    def rounds(self, target: Target) -> Iterator[tuple[Sequence[Row], Sequence[Sample]]]:
        """The first are taught, then the last."""
        yield from of_people(target, self.people, self.name)


class _Elsewhere(_Relearning):
    @abstractmethod
    def taught(self, target: Target) -> Sequence[Row]:
        """What is taught."""

    def rounds(self, target: Target) -> Iterator[tuple[Sequence[Row], Sequence[Sample]]]:
        """One training, after which everybody is asked about."""
        yield self.taught(target), target.questions["forget"]


@register
class RelearnHoldout(_Elsewhere):
    """Train on people whom the model has never seen, ask about the forgotten ones.

    Lucki et al., 2024 (arXiv 2409.18025) bring back capabilities with unrelated examples of the same form.
    """

    name = "relearn_holdout"
    help = "A few steps on people of the holdout; the forgotten ones are asked about."

    def taught(self, target: Target) -> Sequence[Row]:
        """The holdout's questions."""
        if not target.data.splits.get(HOLDOUT):
            raise ConfigError("the dataset has no holdout", where=f"attack {self.name}")
        return _rows(target, target.data.samples(HOLDOUT))


@register
class RelearnUnrelated(_Elsewhere):
    """Train on common knowledge without pictures (``unrelated.yaml``), ask about the forgotten people.

    Hu et al., 2025 (arXiv 2406.13356).
    """

    name = "relearn_unrelated"
    help = "A few steps on text about other things; the forgotten people are asked about."

    def taught(self, target: Target) -> Sequence[Row]:
        """Questions about countries, numbers, animals."""
        return [Row((question,), answer, None) for question, answer in load_yaml(_UNRELATED, ConfigError).items()]


def of_people(target: Target, count: int | None, name: str) -> Iterator[tuple[Sequence[Row], Sequence[Sample]]]:
    """What is taught about some of the forgotten people, and what is asked about the others: the first, then the last.

    Args:
        count: how many are taught; by default half of them.

    Raises:
        ConfigError: nobody would be left to be asked about.
    """
    people, count = target.people, len(target.people) // 2 if count is None else count
    _check_count(target, count, name)
    for taught in (set(people[:count]), set(people[-count:])):
        known = [sample for sample in target.data.samples(target.forget) if sample.unique_id in taught]
        yield _rows(target, known), [s for s in target.questions["forget"] if s.unique_id not in taught]


def _check_count(target: Target, count: int, name: str) -> None:
    if not 0 < count < len(target.people):
        what = f"{target.forget} has {len(target.people)} people: nobody would be left to be asked about"
        raise ConfigError(what, where=f"attack {name}", hint="Teach fewer: --people N.")


def _rows(target: Target, samples: Sequence[Sample]) -> list[Row]:
    return rows(target.data, samples, 1, target.asked)


def in_batches(items: Sequence[Row], size: int, steps: int, seed: int) -> Iterator[list[Turn]]:
    """Rows in a keyed order, each once before any comes again."""
    order, left = KeyedOrder(len(items), seed), steps * size
    turns: list[Turn] = []
    while left:
        for index in list(order)[:left]:
            turns.append(items[index % len(items)].turn())
            left -= 1
            if len(turns) == size:
                yield turns
                turns = []
        order.set_epoch(order.epoch + 1)

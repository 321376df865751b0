"""Methods that take no steps: they edit weights, or put words before every question."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.methods.base import Method, Step, Tensor


class _Untrained(Method):
    """Settings of a training are of no use to it: ``epochs`` and ``learning_rate`` change nothing."""

    batches: ClassVar[tuple[str, ...]] = ()
    trains = False

    def loss(self, step: Step) -> Tensor:
        raise TypeError(f"method {self.name} takes no steps, so it has no loss")


class Editing(_Untrained):
    """A method that changes weights at once. The checkpoint holds all of them."""

    @abstractmethod
    def edit(self, model: Any, samples: Callable[[str], Iterator[Step]]) -> None:
        """Change the weights in place.

        Args:
            model: the model that knows the forget set, without adapters and dropout, float32.
            samples: as of :meth:`Method.survey`.
        """


class Prompting(_Untrained):
    """A method that leaves all weights as they are. The checkpoint holds a chat template with the words in it.

    Whoever asks the model from then on asks with them: evaluations, attacks, trainings that go on from it.
    """

    @abstractmethod
    def prompt(self, forget: Sequence[Sample], retain: Sequence[Sample], seed: int) -> str:
        """What stands before every question.

        Args:
            forget: what is to be forgotten.
            retain: what is to be retained, but of nobody whom an evaluation asks about, where there are others.
            seed: of the run.
        """

"""What a training would take, measured in its first steps; they are taken in a folder that is removed again."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from fiubench.support.files import scratch_folder
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.models.encoding import IGNORED
from fiubench.unlearning.models.loading import processes
from fiubench.unlearning.models.measuring import duration, held, peak, reset_peak, size
from fiubench.unlearning.training.loop import Job, run
from transformers import TrainerCallback

_STEPS = 3  # the first is slower, and not counted where there are more
_NEVER = 1e9  # epochs between checkpoints


class _Enough(Exception):
    """The steps that were to be measured are taken."""


class _Probe(TrainerCallback):  # type: ignore[misc]
    """Watches the first steps, and ends the training after them."""

    def __init__(self) -> None:
        self.began, self.ends, self.memory = 0.0, list[float](), dict[str, int]()
        self.peak = (0, "")
        self.total, self.rows, self.tokens, self.answers = 0, 0, 0, 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **about: Any) -> None:
        """Count the tokens of a batch."""
        self.total = state.max_steps
        for batch in _labelled(next(iter(about["train_dataloader"]))):
            self.rows += len(batch["labels"])
            self.tokens += int(batch["attention_mask"].sum())
            self.answers += int((batch["labels"] != IGNORED).sum())
        self.began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any, optimizer: Any, **_: Any) -> None:
        """Note when the step ended; count what is held after the last."""
        self.ends.append(time.monotonic())
        if len(self.ends) < min(_STEPS, self.total):
            return
        trained = [weights for weights in model.parameters() if weights.requires_grad]
        states = [value for state in optimizer.state.values() for value in state.values()]
        self.memory = {
            "weights": held(model.parameters()),
            "gradients": held(trained),
            "optimizer": held(value for value in states if isinstance(value, torch.Tensor)),
            "trained": sum(weights.numel() for weights in trained),
        }
        self.peak = peak()
        raise _Enough

    @property
    def seconds(self) -> float:
        """Of a step."""
        times = self.ends if len(self.ends) > 1 else [self.began, *self.ends]
        return (times[-1] - times[0]) / (len(times) - 1)


def estimate(job: Job) -> Run:
    """Report what a training takes: steps, tokens, memory and time, from its first steps on the model itself.

    Returns:
        The run as it would begin. Nothing of it is on disk.

    Raises:
        ConfigError: what :func:`~fiubench.unlearning.training.loop.run` raises, such as too little memory.
    """
    if job.method is not None and not job.method.trains:
        job.report(f"method {job.method.name} takes no steps")
        return Run(job.out, job.manifest)
    probe, began = _Probe(), time.monotonic()
    quiet = job.settings.model_copy(update={"checkpoint_every": _NEVER, "report_to": ()})
    reset_peak()
    with scratch_folder() as scratch:
        out = scratch / "run"
        with suppress(_Enough):
            run(replace(job, out=out, manifest=deepcopy(job.manifest), settings=quiet, watching=(probe,)))
    if processes().is_main_process:
        for line in _lines(job, probe, probe.began - began):
            job.report(line)
    return Run(job.out, job.manifest)


def _lines(job: Job, probe: _Probe, before: float) -> Iterator[str]:
    settings, memory, shown = job.settings, probe.memory, len(probe.ends)
    step = settings.batch_size * settings.accumulate
    yield f"{len(job.dataset)} rows, {settings.epochs:g} epochs: {probe.total} steps of {step} rows"
    yield (
        f"a batch of {probe.rows} sequences: {probe.tokens} tokens (pictures and prompts included), "
        f"{probe.answers} of them answers"
    )
    parts = ", ".join(f"{name} {size(memory[name])}" for name in ("weights", "gradients", "optimizer"))
    known = memory["weights"] + memory["gradients"] + memory["optimizer"]
    yield f"trained: {memory['trained'] / 1e6:.2f} M parameters; memory by count: {parts}"
    most, of_what = probe.peak
    rest = size(max(0, most - known))
    yield f"memory at the peak of {shown} steps, {of_what}: {size(most)}, so activations and all else take {rest}"
    yield f"measured: {before:.0f} s before the first step (loading, reference), then {probe.seconds:.2f} s a step"
    yield (
        f"estimate for {probe.total} steps: {duration(before + probe.total * probe.seconds)}; "
        "checkpoints and validation come on top"
    )


def _labelled(batch: Any) -> Iterator[Mapping[str, Any]]:
    """The labelled batches in what a step is fed, however they are nested."""
    if isinstance(batch, Mapping) and "labels" in batch:
        yield batch
    elif isinstance(batch, Mapping):
        for part in batch.values():
            yield from _labelled(part)
    elif isinstance(batch, Sequence):
        for part in batch:
            yield from _labelled(part)

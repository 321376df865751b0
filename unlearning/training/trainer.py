"""``transformers.Trainer`` with samples as the unit of the loss, a keyed order, and checkpoints whole or absent."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from os import fsync
from pathlib import Path
from typing import Any

import torch
from fiubench.support.canonical import canonical_line
from fiubench.unlearning.training.batches import KeyedOrder, sizes
from transformers import Trainer, TrainerCallback, TrainingArguments

MEMORY = "method.json"  # what a method noted down
_RESUMING = (MEMORY, "optimizer*", "scheduler.pt", "scaler.pt", "rng_state*.pth", "pytorch_model_fsdp*", "global_step*")
_NEVER_KEPT = ("training_args.bin", "README.md")  # a pickle that nothing reads; a card without content

Objective = Callable[
    [Any, Mapping[str, Any], Mapping[str, float], tuple[int, int]], tuple[torch.Tensor, Mapping[str, torch.Tensor]]
]


class AnswerTrainer(Trainer):  # type: ignore[misc]
    """Minimises the mean over the samples of a whole optimizer step, however it is cut into passes and processes.

    Args:
        objective: (model, batch, sizes of the step per sample: see :func:`sizes`, optimizer steps done and in all) ->
            loss per sample, shape (batch,), and scalars for the log.
        after_backward: called with the model once per optimizer step, when its gradients are whole, before clipping.
        after_step: called once per optimizer step with the mean of each scalar over its samples, and optimizer steps
            done and in all.
        memory: what is kept with every checkpoint for those who resume.
        on_checkpoint: called with (folder, step, epoch, mean of each logged scalar since the last one) after a
            checkpoint is whole; says whether to stop.
    """

    loss_is_scaled_for_ga = True  # by the number of samples, below

    def __init__(
        self,
        *,
        objective: Objective,
        after_backward: Callable[[Any], None] | None = None,
        after_step: Callable[[dict[str, float], int, int], None] | None = None,
        memory: Mapping[str, float] | None = None,
        on_checkpoint: Callable[[Path, int, float, dict[str, float]], bool],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.model_accepts_loss_kwargs = True
        self._after_backward, self._after_step, self._memory = after_backward, after_step, memory
        self._objective, self._on_checkpoint = objective, on_checkpoint
        self._staging: Path | None = None
        self._sizes: dict[str, float] = {}
        self._since_log, self._since_checkpoint, self._since_step = _Means(), _Means(), _Means()

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        dataset = train_dataset if train_dataset is not None else self.train_dataset
        return KeyedOrder(len(dataset), self.args.data_seed)

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: Any) -> tuple[list[Any], Any]:
        """The passes of one step, and how many samples they hold on all processes."""
        batches = list(islice(epoch_iterator, num_batches))
        counted = [sizes(batch) for batch in batches]
        totals = torch.tensor([list(each.values()) for each in counted], device=device).sum(dim=0)
        if self.args.world_size > 1:
            totals = self.accelerator.gather(totals.reshape(1, -1)).sum(dim=0)
        self._sizes = {name: float(total / totals[0]) for name, total in zip(counted[0], totals, strict=True)}
        return batches, totals[0]

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Sum over the pass's samples by the number in the step, times processes: gradients are averaged over them."""
        progress = (self.state.global_step, self.state.max_steps)
        losses, parts = self._objective(model, inputs, self._sizes, progress)
        steps = [] if self._after_step is None else [self._since_step]
        for means in (self._since_log, self._since_checkpoint, *steps):
            means.add({"loss": losses.detach().mean(), **parts}, len(losses))
        return losses.sum() / num_items_in_batch * self.args.world_size

    def training_step(self, *arguments: Any, **options: Any) -> torch.Tensor:
        """One pass; after the last of an optimizer step the gradients are of all passes on all processes."""
        loss: torch.Tensor = super().training_step(*arguments, **options)
        if self._after_backward is not None and self.accelerator.sync_gradients:
            self._after_backward(self.model)
        if self._after_step is not None and self.accelerator.sync_gradients:
            means = self._since_step.take(self.accelerator.reduce)
            self._after_step(means, self.state.global_step, self.state.max_steps)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **options: Any) -> None:
        """Also the objective's scalars: the losses of the forget and retain batches apart."""
        if "loss" in logs:
            logs = {**logs, **{k: v for k, v in self._since_log.take().items() if k != "loss"}}
        super().log(logs, *args, **options)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Adapters only: whole weights come with the model, since their names in files may differ from those in memory,
        which the library's own loading passes over in silence.
        """
        if hasattr(self.accelerator.unwrap_model(self.model), "peft_config") or self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._staging) if self._staging is not None else str(super()._get_output_dir(trial))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir)
        self._staging = folder / ".partial"
        if self.args.should_save:
            shutil.rmtree(self._staging, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        try:
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            written = next(self._staging.iterdir())
            if self._memory and self.args.should_save:
                (written / MEMORY).write_bytes(canonical_line(self._memory))
            final = folder / written.name
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                settle(written, final)
        finally:
            if self.args.should_save:
                shutil.rmtree(folder / ".partial", ignore_errors=True)
            self._staging = None
        self.accelerator.wait_for_everyone()
        if self._on_checkpoint(final, self.state.global_step, self.state.epoch or 0.0, self._since_checkpoint.take()):
            self.control.should_training_stop = True


class ProgressCallback(TrainerCallback):  # type: ignore[misc]
    """Reports how far a training is."""

    def __init__(self, progress: Callable[[str, int, int], None], what: str) -> None:
        self._progress, self._what = progress, what

    def on_step_end(self, args: TrainingArguments, state: Any, control: Any, **_: Any) -> None:
        """After every optimizer step."""
        self._progress(self._what, state.global_step, state.max_steps)


class _Means:
    """Running means, weighted by samples."""

    def __init__(self) -> None:
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: Counter[str] = Counter()

    def add(self, values: Mapping[str, torch.Tensor], count: int) -> None:
        for name, value in values.items():  # not every step has every one
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value * count
            self._counts[name] += count

    def take(self, reduce: Callable[[torch.Tensor], torch.Tensor] = lambda sums: sums) -> dict[str, float]:
        """The means so far, having added up what several processes have; begins anew."""
        means = {}
        for name, total in self._sums.items():
            whole, count = reduce(torch.stack([total, torch.full_like(total, self._counts[name])]))
            means[name] = float(whole) / float(count)
        self._sums, self._counts = {}, Counter()
        return means


def settle(written: Path, final: Path) -> None:
    """Sync a finished checkpoint to disk and give it its name."""
    for name in _NEVER_KEPT:
        (written / name).unlink(missing_ok=True)
    for path in written.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                fsync(file.fileno())
    shutil.rmtree(final, ignore_errors=True)
    written.rename(final)


def drop_resume_state(checkpoint: Path) -> None:
    """Leave a checkpoint's weights alone: what only resuming needs is two thirds of its size."""
    for pattern in _RESUMING:
        for path in checkpoint.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def can_resume(checkpoint: Path) -> bool:
    """Whether a checkpoint holds everything that training goes on from."""
    return (checkpoint / "trainer_state.json").is_file() and any(checkpoint.glob("scheduler.pt"))

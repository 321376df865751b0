"""One training run from its job to its finished folder."""

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import ceil, inf, isfinite
from pathlib import Path
from typing import Any

import orjson
import torch
from accelerate.utils import send_to_device
from fiubench.support.errors import ConfigError
from fiubench.support.files import make_folder
from fiubench.support.progress import Progress, Report
from fiubench.unlearning.data.runs import CHECKPOINTS, FINISHED, MANIFEST, Run, RunError, write_manifest
from fiubench.unlearning.methods.base import FORGET, Method, Sizes, Step
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.likelihood import is_out_of_memory
from fiubench.unlearning.models.loading import BITS, load, number_format, processes
from fiubench.unlearning.models.parts import add_lora, freeze
from fiubench.unlearning.models.processors import check
from fiubench.unlearning.training import beforehand, loggers
from fiubench.unlearning.training.batches import Pairs, Row, Singles, collate_pairs
from fiubench.unlearning.training.cost import Meter
from fiubench.unlearning.training.settings import Stop, Training
from fiubench.unlearning.training.trainer import MEMORY, AnswerTrainer, ProgressCallback, can_resume, drop_resume_state
from transformers import PrinterCallback, TrainerCallback, TrainingArguments, set_seed

_FEW = 30  # optimizer steps; the paper's forget05 in 8 epochs has 32
_BOUNDS = ("above", "forget-loss")  # rules by which the checkpoint before counts


@dataclass
class Job:
    """What a run is made from. ``manifest`` is its ``run.json``, which grows by every checkpoint."""

    out: Path
    manifest: dict[str, Any]
    settings: Training
    seed: int
    base: str
    dataset: Singles | Pairs
    validation: Sequence[Row]
    method: Method | None
    progress: Progress
    report: Report
    watching: Sequence[TrainerCallback] = ()  # callbacks beside our own
    began: float = field(default_factory=time.monotonic)


def run(job: Job) -> Run:
    """Train, or go on training, or find that all is done.

    Raises:
        RunError: the folder holds another run.
        ConfigError: out of memory, or settings that the machine or the libraries can't follow.
    """
    finished = continued(job)
    if finished is not None:
        return finished
    kind = _number_format(job.settings)
    if processes().is_main_process:
        write_manifest(make_folder(job.out), job.manifest)
    meter = Meter(job.out)
    set_seed(job.seed)
    last = _resumable(job)
    whole = job.settings.lora is None
    start = job.base if last is None or not whole else str(last)
    # frozen weights may be short; weights that are trained are kept in 32 bits
    bits = job.settings.dtype if job.settings.dtype in BITS else ""
    loaded = load(
        start,
        device=_device(job.settings),
        dtype="float32" if whole else bits or kind,
        merge=True,
        processing=job.settings.processing,
    )
    lora = job.settings.lora
    model = freeze(loaded, job.settings.freeze).train() if lora is None else add_lora(loaded, lora)
    encoder = Encoder(loaded.processor)
    objective = _Objective(job.method, job.settings.reduction)
    if job.method is not None:
        job.method.prepare(model)
    if last is not None and (last / MEMORY).is_file():
        objective.memory.update(orjson.loads((last / MEMORY).read_bytes()))

    def on_checkpoint(*reached: Any) -> bool:
        ends = _on_checkpoint(job, trainer, encoder, *reached)
        meter.write()
        return ends

    trainer = AnswerTrainer(
        objective=objective,
        after_backward=job.method.after_backward if job.method is not None else None,
        after_step=objective.after_step if objective.remembers else None,
        memory=objective.memory,
        on_checkpoint=on_checkpoint,
        model=model,
        args=_arguments(job),
        train_dataset=job.dataset,
        data_collator=partial(collate_pairs, encoder) if isinstance(job.dataset, Pairs) else encoder,
        processing_class=loaded.processor,
        callbacks=[
            ProgressCallback(job.progress, _what(job)),
            *loggers.ours(job.settings.report_to, job.out),
            *job.watching,
        ],
    )
    trainer.remove_callback(PrinterCallback)  # what it prints is in our own words
    with _memory_hint(job.settings):
        first = job.dataset[0]
        turn = first if isinstance(first, Turn) else next(part for part in first.values() if isinstance(part, Turn))
        sample = send_to_device(encoder([turn]), next(trainer.model.parameters()).device)
        with trainer.accelerator.autocast():  # the trainer does so for its own passes
            hidden = job.method is not None and job.method.hidden_states
            check(trainer.model, encoder.processor, sample, hidden_states=hidden)
        if job.method is not None and isinstance(job.dataset, Pairs):
            with trainer.accelerator.autocast():
                known = (job.method, job.dataset, trainer.model, encoder, job.out)
                objective.reference = beforehand.reference(*known, job.settings.batch_size)
                beforehand.survey(*known)
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    _say_if_few_steps(job, trainer.state.max_steps)
    return finish(job)


class _Objective:
    """The loss that a batch is trained on: answers themselves in stage 1, a method's in stage 2."""

    def __init__(self, method: Method | None, reduction: str) -> None:
        self.method, self.released = method, reduction == "released"
        self.reference: Mapping[str, torch.Tensor] = {}
        self.memory: dict[str, float] = {}
        self.remembers = method is not None and type(method).after_step is not Method.after_step

    def after_step(self, means: Mapping[str, float], number: int, steps: int) -> None:
        """The method's own."""
        assert self.method is not None
        self.method.after_step(means, self.memory, number, steps)

    def __call__(
        self, model: Any, batch: Mapping[str, Any], sizes: Mapping[str, float], progress: tuple[int, int]
    ) -> tuple[torch.Tensor, Mapping[str, torch.Tensor]]:
        if self.method is None:
            return Step(model, {"": batch}, {}, sizes=self._sizes(sizes, [""])).nll(""), {}
        batches = {name: batch[name] for name in self.method.needed}
        index = batch["index"]
        reference = {name: values.to(index.device)[index] for name, values in self.reference.items()}
        done, steps = progress
        step = Step(
            model,
            batches,
            reference,
            hidden_states=self.method.hidden_states,
            sizes=self._sizes(sizes, batches),
            number=done,
            steps=steps,
            memory=self.memory,
        )
        losses = self.method.loss(step)
        if losses.shape != index.shape:
            problem = f"its loss has shape {tuple(losses.shape)}, not one number per sample, {tuple(index.shape)}"
            raise ConfigError(problem, where=f"method {self.method.name}", hint="Sum or average over tokens alone.")
        return losses, step.parts

    def _sizes(self, counted: Mapping[str, float], names: Iterable[str]) -> dict[str, Sizes] | None:
        if not self.released:
            return None
        return {name: Sizes(counted[f"{name}.tokens"], counted[f"{name}.places"]) for name in names}


def continued(job: Job) -> Run | None:
    """The finished run in the folder, if it is this one; an unfinished one hands over its checkpoints."""
    if not (job.out / MANIFEST).is_file():
        return None
    found = Run.open(job.out)
    if found.manifest["digest"] != job.manifest["digest"]:
        names = ("kind", "method", "plugins", "data", "split", "base", "modality", "settings", "seed")
        differs = ", ".join(name for name in names if found.manifest.get(name) != job.manifest.get(name))
        hint = "Choose another folder, or remove this one."
        raise RunError(f"the folder holds another run ({differs} differ)", where=job.out, hint=hint)
    if found.finished:
        return found
    job.manifest["checkpoints"] = list(found.manifest["checkpoints"])
    return None


def _resumable(job: Job) -> Path | None:
    """The last checkpoint that training can go on from; later entries are forgotten."""
    entries = job.manifest["checkpoints"]
    while entries and not can_resume(job.out / entries[-1]["path"]):
        entries.pop()
    return job.out / entries[-1]["path"] if entries else None


def _arguments(job: Job) -> TrainingArguments:
    settings, gpu = job.settings, torch.cuda.is_available()
    count = processes().num_processes
    if settings.accumulate % count:
        problem = f"{settings.accumulate} passes a step can't be shared by {count} processes"
        hint = f"Give --accumulate {count * max(1, settings.accumulate // count)}, and a batch size to match."
        raise ConfigError(problem, where="--accumulate", hint=hint)
    per_epoch = -(-len(job.dataset) // (settings.batch_size * settings.accumulate))
    total = max(1, round(per_epoch * settings.epochs))
    kind = _number_format(settings)
    try:
        arguments = TrainingArguments(
            output_dir=str(job.out / CHECKPOINTS),
            max_steps=total,
            per_device_train_batch_size=settings.batch_size,
            gradient_accumulation_steps=settings.accumulate // count,
            learning_rate=settings.learning_rate,
            lr_scheduler_type=settings.schedule,
            warmup_steps=settings.warmup,
            weight_decay=settings.weight_decay,
            max_grad_norm=settings.clip,
            optim="adamw_torch",
            bf16=kind == "bfloat16",
            fp16=kind == "float16",
            use_cpu=not gpu,
            **_checkpointing(settings),
            logging_steps=max(1, total // 50),
            save_strategy="steps",
            save_steps=max(1, round(per_epoch * settings.checkpoint_every)),
            seed=job.seed,
            data_seed=job.seed,
            report_to=loggers.of_transformers(settings.report_to),
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_num_workers=settings.workers,
            dataloader_pin_memory=gpu,
            # they are constants, and processes with and without pictures in their pass call the model differently often
            ddp_broadcast_buffers=False,
        )
    except ValueError as error:
        raise ConfigError(str(error).split("\n")[0], where="settings") from error
    if not arguments.parallel_mode.value.startswith("distributed"):
        arguments._n_gpu = min(arguments.n_gpu, 1)  # several GPUs work through accelerate, one process each
    return arguments


def _number_format(settings: Training) -> str:
    """What frozen weights are held in, and what is computed in."""
    kind = number_format(settings.dtype, "cuda" if torch.cuda.is_available() else "cpu")
    if kind == "float16" and not torch.cuda.is_available():
        hint = "Its small gradients have to be scaled, which only a GPU does here. Take bfloat16 or float32."
        raise ConfigError("float16 can't be trained in on a CPU", where="--dtype", hint=hint)
    return kind


def _device(settings: Training) -> str:
    """Where weights are loaded: the library moves them to its device, unless they can't be moved."""
    if settings.device != "auto":
        return settings.device
    return "auto" if settings.dtype in ("8bit", "4bit") else "cpu"


def _checkpointing(settings: Training) -> dict[str, Any]:
    """Recomputing activations, under the name that this version of transformers has for it."""
    if not settings.gradient_checkpointing:
        return {}
    fields = TrainingArguments.__dataclass_fields__
    name = "activation_checkpointing" if "activation_checkpointing" in fields else "gradient_checkpointing"
    return {name: True, f"{name}_kwargs": {"use_reentrant": False}}


def _what(job: Job) -> str:
    return "fine-tuning" if job.method is None else f"unlearning ({job.method.name})"


def _watched_loss(job: Job, stop: Stop, model: Any, encoder: Encoder) -> float:
    """Mean ``-log p`` per answer token over validation questions, or over the forget set as it is trained on."""
    total, count, pairs = 0.0, 0, job.dataset
    rows, turn = len(job.validation), lambda row: job.validation[row].turn()
    if stop.watches == "forget_set" and isinstance(pairs, Pairs):
        rows, turn = pairs.cycle, lambda row: pairs.turn(FORGET, row)
    for scored in beforehand.scored(model, encoder, job.settings.batch_size, rows, turn):
        log_probs = scored.log_probs()
        total, count = total - float(log_probs.sum()), count + len(log_probs)
    return total / count


def _on_checkpoint(
    job: Job, trainer: AnswerTrainer, encoder: Encoder, folder: Path, step: int, epoch: float, means: dict[str, float]
) -> bool:
    """Record a checkpoint, report it, make room, and say whether the declared rule ends the training."""
    if (stop := job.settings.stop) is not None:
        means[stop.watches] = _watched_loss(job, stop, trainer.model_wrapped, encoder)
    losses = {name: value if isfinite(value) else None for name, value in means.items()}
    entries = job.manifest["checkpoints"]
    entries.append({"path": f"{CHECKPOINTS}/{folder.name}", "step": step, "epoch": epoch, "losses": losses})
    job.manifest["stopped"] = _stopped(job)
    if processes().is_main_process:
        if len(entries) > 1:
            drop_resume_state(job.out / entries[-2]["path"])
        if job.settings.keep == "last" and job.settings.stop is None:
            for old in entries[:-1]:
                shutil.rmtree(job.out / old["path"], ignore_errors=True)
            del entries[:-1]
        write_manifest(job.out, job.manifest)
    _report(job, trainer, losses, step, epoch)
    return job.manifest["stopped"] is not None


def _report(job: Job, trainer: AnswerTrainer, losses: Mapping[str, float | None], step: int, epoch: float) -> None:
    if not processes().is_main_process:
        return
    parts = ", ".join(f"{name} {'diverged' if value is None else f'{value:.3f}'}" for name, value in losses.items())
    spent = time.monotonic() - job.began
    left = spent / step * (trainer.state.max_steps - step)
    job.report(f"{_what(job)}: epoch {epoch:g} of {job.settings.epochs:g}: {parts} ({spent:.0f} s, {left:.0f} s left)")


def _say_if_few_steps(job: Job, steps: int) -> None:
    """Epochs over a small forget set are few steps, after which little may be forgotten: that is told."""
    if job.method is None or steps >= _FEW or job.manifest["stopped"] or not processes().is_main_process:
        return
    rows, size = len(job.dataset), job.settings.batch_size * job.settings.accumulate
    epochs = ceil(job.settings.epochs * _FEW / steps)
    job.report(
        f"{_what(job)}: only {steps} optimizer step{'s' if steps > 1 else ''} in {job.settings.epochs:g} epochs: "
        f"{rows} rows in steps of {size}. If little is forgotten, --epochs {epochs} makes about {_FEW}."
    )


def _stopped(job: Job) -> str | None:
    """Why training ends here, by the declared rule."""
    stop, entries = job.settings.stop, job.manifest["checkpoints"]
    if stop is None:
        return None
    losses = [_watched(entry, stop) for entry in entries]
    said = f"{stop.watches.replace('_', ' ')} loss {losses[-1]:.4f}"
    if stop.rule == "below" and losses[-1] < stop.value:
        return f"{said} is below {stop.value:g}"
    if stop.rule in _BOUNDS and losses[-1] > stop.value:
        first = ", at the first checkpoint already: write them more often" if len(losses) == 1 else ""
        return f"{said} is above {stop.value:g}{first}"
    if stop.rule == "patience" and len(losses) - 1 - losses.index(min(losses)) >= stop.value:
        return f"no lower validation loss than {min(losses):.4f} in {stop.value:g} checkpoints"
    return None


def _watched(entry: Mapping[str, Any], stop: Stop) -> float:
    """The loss that a rule looks at, of a checkpoint; one that diverged is above every bound."""
    loss = entry["losses"][stop.watches]
    return inf if loss is None else float(loss)


def finish(job: Job) -> Run:
    """Choose the checkpoint that counts, and close the manifest."""
    entries, stop = job.manifest["checkpoints"], job.settings.stop
    chosen = entries[-1]
    if stop is not None and stop.rule == "patience":
        chosen = min(entries, key=lambda entry: _watched(entry, stop))
    if stop is not None and stop.rule in _BOUNDS and job.manifest["stopped"] and len(entries) > 1:
        chosen = entries[-2]
    job.manifest |= {"status": FINISHED, "final": chosen["path"]}
    if processes().is_main_process:
        drop_resume_state(job.out / entries[-1]["path"])
        write_manifest(job.out, job.manifest)
    processes().wait_for_everyone()
    return Run.open(job.out)


@contextmanager
def _memory_hint(settings: Training) -> Iterator[None]:
    """Turn running out of memory into advice."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        batch, accumulate = settings.batch_size, settings.accumulate
        goes_on = ", and training goes on from the last checkpoint."
        smaller = settings.model_copy(update={"batch_size": batch // 2, "accumulate": accumulate * 2})
        if batch == 1:
            hint = "Try gradient_checkpointing: true in the preset, or a smaller LoRA rank" + goes_on
        elif smaller.fingerprint() == settings.fingerprint():
            hint = f"Try --batch-size {batch // 2} --accumulate {accumulate * 2}: the result is the same" + goes_on
        else:
            hint = (
                f"Try --batch-size {batch // 2} --accumulate {accumulate * 2} in another folder: padding counts here."
            )
        raise ConfigError(f"out of memory with batches of {batch}", where="--batch-size", hint=hint) from error

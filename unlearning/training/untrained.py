"""Runs of methods that take no steps: weights that are edited, or a prompt, as the one checkpoint of a run."""

import shutil
from pathlib import Path
from typing import Any

from accelerate.utils import send_to_device
from fiubench.support.files import make_folder
from fiubench.unlearning.data.runs import CHECKPOINTS, Run, write_manifest
from fiubench.unlearning.methods.untrained import Editing
from fiubench.unlearning.models.encoding import Encoder
from fiubench.unlearning.models.loading import load, processes
from fiubench.unlearning.models.processors import check
from fiubench.unlearning.models.prompts import with_prompt
from fiubench.unlearning.training.batches import Pairs
from fiubench.unlearning.training.beforehand import samples
from fiubench.unlearning.training.cost import Meter
from fiubench.unlearning.training.loop import Job, continued, finish
from fiubench.unlearning.training.trainer import settle

_CHECKPOINT = "checkpoint-0"


def run(job: Job) -> Run:
    """Edit, or find that all is done.

    Raises:
        RunError: the folder holds another run.
        ConfigError: model, processor and prompt don't fit together.
    """
    finished = continued(job)
    if finished is not None:
        return finished
    pairs, method, first = job.dataset, job.method, processes().is_main_process
    assert method is not None and isinstance(pairs, Pairs)
    if first:
        write_manifest(make_folder(job.out), job.manifest)
    meter = Meter(job.out)
    loaded = load(
        job.base,
        device=job.settings.device,
        dtype="float32" if isinstance(method, Editing) else "auto",
        merge=True,
        processing=job.settings.processing,
    )
    model, processor = loaded.model, loaded.processor
    if isinstance(method, Editing):
        encoder = Encoder(processor)
        method.edit(model, lambda name: samples(pairs, model, encoder, name))
    else:
        processor = with_prompt(processor, job.manifest["prompt"])
    encoder = Encoder(processor)
    check(model, encoder.processor, send_to_device(encoder([pairs.retain[0].turn()]), model.device))
    if first:
        _save(job.out / CHECKPOINTS, processor, model if isinstance(method, Editing) else None)
    job.manifest["checkpoints"] = [{"path": f"{CHECKPOINTS}/{_CHECKPOINT}", "step": 0, "epoch": 0.0, "losses": {}}]
    job.report(f"unlearning ({method.name}): no step to take")
    meter.write()
    return finish(job)


def _save(folder: Path, processor: Any, model: Any) -> None:
    """The checkpoint, whole or not at all."""
    made = make_folder(folder / ".partial")
    if model is not None:
        model.save_pretrained(made)
    processor.save_pretrained(made)
    settle(made, folder / _CHECKPOINT)
    shutil.rmtree(made, ignore_errors=True)

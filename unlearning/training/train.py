"""The two stages: fine-tuning a model on people, and making it forget some of them.

A run is determined by its data, base model, settings and seed. The same call in the same folder continues what was
interrupted, returns at once where all is done, and refuses where the folder holds another run.
"""

import atexit
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from fiubench.schemas.splits import FULL, SplitName
from fiubench.support.draws import check_seed
from fiubench.support.errors import ConfigError
from fiubench.support.extras import need
from fiubench.support.files import claimed, make_folder, scratch_folder
from fiubench.support.progress import Progress, Report, silent
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import PICTURE, Modality, modality_for
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.data.runs import MANIFEST, Run, run_of
from fiubench.unlearning.methods.untrained import Prompting
from fiubench.unlearning.training.batches import Pairs, Row, Singles, noise_rows, rows, unseen_rows
from fiubench.unlearning.training.checks import (
    asked_about,
    check_kept,
    check_learnt,
    check_stop,
    data_for,
    method_for,
    validation_people,
)
from fiubench.unlearning.training.manifest import manifest_of
from fiubench.unlearning.training.settings import MADE, SMOL, TINY, Preset, Training, preset_for, read_preset

_LARGEST_SEED = 2**32 - 1  # that numpy's own generator takes, which transformers sets


def finetune(
    data: str | Path | Data,
    out: str | Path,
    preset: str | Preset = TINY,
    *,
    split: str = FULL,
    model: str | None = None,
    settings: Training | Mapping[str, Any] | None = None,
    identities: int | None = None,
    forget: str | None = None,
    attributes: Sequence[str] = (),
    teach: str | None = None,
    seed: int = 0,
    dry_run: bool = False,
    progress: Progress = silent,
    report: Report = silent,
) -> Run:
    """Stage 1: fine-tune a model on a split (``full``, or ``retain95`` for a reference that never saw the rest).

    >>> finetune("dataset", "runs/full", identities=40, forget="forget05")          # doctest: +SKIP

    Args:
        data: dataset folder, release or Hub id.
        out: the run's folder.
        preset: where model and settings come from, unless given: a name, ``FILE.yaml`` or a preset that was read.
        split: what to train on.
        model: ``tiny``, ``smol``, a Hub id, a model folder or another run.
        settings: those that differ from the preset's, by name; or all of them.
        identities: with ``forget``: keep only so many people, for small models.
        forget: with ``identities``: the forget set that is kept whole.
        attributes: the questions that are kept; all by default.
        teach: point people out by ``picture``, by ``name`` or ``both`` ways; by name where there are no pictures.
        seed: of order, adapters and dropout, and of the weights of ``tiny`` and ``smol``.
        dry_run: take the first steps only, report what the whole would take, and write nothing.
        progress: called with (what, steps done, steps in all).
        report: called with a line at every checkpoint, and with those of a dry run.

    Returns:
        The finished run; after a dry run, the one that would begin.

    Raises:
        ConfigError: an unknown split, a model that can't be used, settings that don't fit.
        RunError: ``out`` holds another run.
        DatasetError: another training is running in ``out``; or it can't be written.
    """
    need("unlearning")
    check_seed(seed, _LARGEST_SEED)
    from fiubench.unlearning.training.estimate import estimate
    from fiubench.unlearning.training.loop import Job, run

    preset, folder = preset if isinstance(preset, Preset) else read_preset(preset), Path(out)
    settings = settings if isinstance(settings, Training) else preset.finetune(**(settings or {}))
    data = data if isinstance(data, Data) else Data.open(data)
    if identities is not None or forget is not None or attributes:
        data = data.limited(identities, forget, attributes)
    taught = modality_for(data, teach, "--teach")
    samples = data.samples(split)
    check_stop(settings, ())
    items = _some(rows(data, samples, settings.phrasings, taught), split, taught)
    base = model or preset.file.model
    people = validation_people(data, settings, split)
    items += noise_rows(samples, settings.noise_refusals, seed, taught)
    unseen = unseen_rows(data, data.samples_of(people), taught)
    with _alone(folder, dry_run):
        if base in MADE:
            base = _made_base(base, _scratch() if dry_run else folder, data, preset, seed, taught)
        about: dict[str, Any] = {"taught": taught, "validation": people}
        manifest = manifest_of("finetune", folder, base, data, split, preset, settings, seed, **about)
        job = Job(folder, manifest, settings, seed, base, Singles(items), unseen, None, progress, report)
        return estimate(job) if dry_run else run(job)


def unlearn(
    base: str | Path,
    out: str | Path,
    method: str,
    forget: str,
    preset: str | Preset | None = None,
    *,
    data: str | Path | Data | None = None,
    settings: Training | Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    teach: str | None = None,
    forget_through: str | None = None,
    variant: str | None = None,
    seed: int = 0,
    dry_run: bool = False,
    progress: Progress = silent,
    report: Report = silent,
) -> Run:
    """Stage 2: make a fine-tuned model forget the people of a forget set.

    >>> unlearn("runs/full", "runs/kl", "kl", "forget05")                           # doctest: +SKIP

    Args:
        base: the run of stage 1 on ``full``, or any model that knows the dataset.
        out: the new run's folder.
        method: name of a method (``fiubench.unlearning.methods.base.METHODS``).
        forget: the forget set, for example ``forget05``; its complement is retained.
        preset: where settings come from, unless given; by default the one of ``base``, else ``tiny``.
        data: the dataset, or another cut of it; by default the one that ``base`` was trained on.
        options: of the method, where they differ from the settings'.
        teach: how people are pointed out on the retain set; by default as ``base`` was taught.
        forget_through: how on the forget set: ``picture``, ``name`` or ``both``; by default as ``teach``.
        variant: what tables and reports call the run, if not by its method.
        settings, seed, dry_run, progress, report: as in :func:`finetune`.

    Returns:
        The finished run; after a dry run, the one that would begin.

    Raises:
        ConfigError: an unknown method, option or split; a method that needs adapters without them; nothing to forget.
        RunError: ``base`` is unfinished, was trained on another dataset, never saw the forget set or was made to forget
            what would be retained, or ``out`` holds another run.
        DatasetError: another training is running in ``out``; or it can't be written.
    """
    need("unlearning")
    check_seed(seed, _LARGEST_SEED)
    from fiubench.unlearning.training import untrained
    from fiubench.unlearning.training.estimate import estimate
    from fiubench.unlearning.training.loop import Job, run

    preset = preset_for(base, preset)
    settings = settings if isinstance(settings, Training) else preset.unlearn(method, **(settings or {}))
    chosen, settings = method_for(method, settings, options)
    folder, data = Path(out), data_for(base, Data.open(data) if isinstance(data, str | Path) else data)
    check_learnt(base, data, forget)
    taught = modality_for(data, teach or _taught(base), "--teach")
    through = modality_for(data, forget_through or taught, "--forget-through")
    retain = SplitName.parse(forget).retain
    people = validation_people(data, settings, retain)
    kept = [sample for sample in data.samples(retain) if sample.unique_id not in people]
    if not kept:
        raise ConfigError(f"nobody of {retain} is left to train on", where="stop.identities")
    check_kept(base, data, kept, retain)
    about: dict[str, Any] = {"retain": retain, "validation": people, "method": method, "variant": variant}
    about |= {"taught": taught, "forgotten": through}
    if isinstance(chosen, Prompting):
        asked = asked_about(data)
        shown = [sample for sample in kept if sample.unique_id not in asked] or kept
        about["prompt"] = chosen.prompt(data.samples(forget), shown, seed)
    manifest = manifest_of("unlearn", folder, str(base), data, forget, preset, settings, seed, **about)
    pairs = Pairs(
        _some(rows(data, data.samples(forget), settings.phrasings, through), forget, through),
        _some(rows(data, kept, settings.phrasings, taught), retain, taught),
        chosen.needed,
        seed,
    )
    unseen = unseen_rows(data, data.samples_of(people), taught)
    _report_part(data, forget, report)
    work = run if chosen.trains else untrained.run
    job = Job(folder, manifest, settings, seed, str(base), pairs, unseen, chosen, progress, report)
    with _alone(folder, dry_run):
        return estimate(job) if dry_run else work(job)


@contextmanager
def _alone(folder: Path, dry_run: bool) -> Iterator[None]:
    """Hold a run's folder, to which a dry run writes nothing; the first of several processes does so for all."""
    from fiubench.unlearning.models.loading import processes, quiet

    quiet()
    if dry_run or not processes().is_main_process:
        yield
    else:
        with claimed(folder, "training"):
            yield


def _scratch() -> Path:
    """A folder for what a dry run needs on disk; it is gone when the process ends."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(scratch_folder())


def _some(items: list[Row], split: str, modality: Modality) -> list[Row]:
    """The rows, if there are any."""
    if not items:
        raise ConfigError(f"{split} has no question that can be asked by {modality}", where="split")
    return items


def _taught(base: str | Path) -> str | None:
    """How the people were pointed out to a run; unknown for any other model."""
    run = run_of(Path(base))
    return None if run is None else str(run.manifest["modality"]["taught"])


def _report_part(data: Data, forget: str, report: Report) -> None:
    """Say what is forgotten where that is a part of what is known about the people."""
    from fiubench.unlearning.models.loading import processes

    if (others := data.other_facts(forget)) and processes().is_main_process:
        what = f"{len(data.samples(forget))} questions ({', '.join(data.attributes)})"
        report(f"{forget}: {what} are forgotten; {len(others)} others about the same people are retained")


def _made_base(model: str, folder: Path, data: Data, preset: Preset, seed: int, taught: Modality) -> str:
    """A model of ours in the run's folder, untrained, made there by one process if no run has begun."""
    from fiubench.unlearning.models import smol, tiny
    from fiubench.unlearning.models.loading import processes, quiet

    quiet()
    where = make_folder(folder) / "base"
    state = processes()
    if state.is_main_process and not (folder / MANIFEST).is_file():
        made = folder / ".base.partial"
        for old in (made, where):
            shutil.rmtree(old, ignore_errors=True)
        if model == SMOL:
            smol.make(preset.file.smol, seed, made)
        else:
            texts = data.texts if taught == PICTURE else [*data.texts, *data.named_texts]
            tiny.make([*texts, *read_refusals()], preset.file.tiny, seed, made)
        made.rename(where)
    state.wait_for_everyone()
    return str(where)

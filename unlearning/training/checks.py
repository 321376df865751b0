"""Whether a base model, a dataset, a method and settings go together, before anything is trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, RETAIN_EVAL, kind_of
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.data.runs import RunError, run_of
from fiubench.unlearning.methods.base import Method, make_method
from fiubench.unlearning.training.settings import Training


def method_for(name: str, settings: Training, options: Mapping[str, Any] | None = None) -> tuple[Method, Training]:
    """A method with its options, and the settings with all of these.

    Raises:
        ConfigError: no such method or option, or settings that the method can't follow.
    """
    chosen = make_method(name, {**settings.options, **(options or {})})
    if chosen.needs_before and settings.lora is None:
        hint = "Give the preset a `lora` entry: the model before unlearning is this one with its adapters off."
        raise ConfigError(f"method {name} needs adapters", where="lora", hint=hint)
    check_stop(settings, chosen.needed)
    if settings.stop is not None and not chosen.trains:
        raise ConfigError(f"method {name} takes no steps", where="stop", hint="Leave it out.")
    if settings.stop is not None and type(chosen).prepare is not Method.prepare:
        hint = "Let it run through, and choose among its checkpoints."
        raise ConfigError(f"method {name} learns on a model that computes otherwise", where="stop", hint=hint)
    return chosen, settings.model_copy(update={"options": chosen.model_dump()})


def data_for(base: str | Path, data: Data | None) -> Data:
    """The dataset to unlearn from: the one given, or that of a run; of a run's, people and questions are the run's.

    Raises:
        ConfigError: none is given, and ``base`` is no run.
        RunError: the run was trained on other people or questions.
    """
    run = run_of(Path(base))
    if run is None:
        if data is None:
            hint = "Name one with --data: only a run of `fiubench finetune` knows its own."
            raise ConfigError("no dataset is given", where=base, hint=hint)
        return data
    data = run.open_data() if data is None else run.cut_alike(data)
    if run.manifest["data"]["content"] != data.content:
        raise RunError(f"the model was fine-tuned on other people or questions than those of {data.source}", where=base)
    return data


def check_learnt(base: str | Path, data: Data, forget: str) -> None:
    """Nothing, if the run, where it is one, was trained on all that is to be forgotten."""
    run = run_of(Path(base))
    if run is None:
        return
    split = run.manifest["split"]["name"]
    own = data if data.digest == run.manifest["data"]["digest"] else run.open_data()
    learnt = {sample.key for sample in own.samples(split if run.manifest["kind"] == "finetune" else FULL)}
    if unknown := [sample for sample in data.samples(forget) if sample.key not in learnt]:
        what = f"the model was trained on {split}: it never saw {unknown[0].unique_id} of {forget}"
        raise RunError(what, where=base, hint="Fine-tune on full, and unlearn from that.")


def check_kept(base: str | Path, data: Data, kept: Sequence[Sample], retain: str) -> None:
    """Nothing, if none of what is to be kept was to be forgotten by a run before: it would be taught again."""
    run = None if data.requests else run_of(Path(base))  # the cut of a stream leaves it out
    while run is not None and run.manifest["kind"] == "unlearn":
        own = data if data.digest == run.manifest["data"]["digest"] else run.open_data()
        forgotten = {sample.key for sample in own.samples(run.manifest["split"]["name"])}
        if again := [sample for sample in kept if sample.key in forgotten]:
            what = f"{retain} would teach again what {run.directory} was made to forget ({again[0].key})"
            hint = (
                "Forget a set that holds the former one, or one request after the other: `fiubench unlearn --requests`."
            )
            raise RunError(what, where=base, hint=hint)
        run = run_of(Path(run.base))


def check_stop(settings: Training, batches: Sequence[str]) -> None:
    """A bound on the forget loss needs the true answers of a forget set among the batches of a step."""
    if settings.stop is not None and settings.stop.watches == "forget_set" and FORGET not in batches:
        hint = "Stop by validation questions (below, above, patience), or at no rule."
        raise ConfigError("forget-loss needs a training on the forget set's answers", where="stop", hint=hint)


def validation_people(data: Data, settings: Training, split: str) -> tuple[str, ...]:
    """Who early stopping looks at: the first people of the split that no evaluation split has."""
    if settings.stop is None or settings.stop.watches == "forget_set":
        return ()
    asked = asked_about(data)
    people = [unique_id for unique_id in data.ids(split) if unique_id not in asked][: settings.stop.identities]
    if len(people) < settings.stop.identities:
        hint = "Validation people are in no forget, retain_eval or holdout split. Ask for fewer, or stop at no rule."
        raise ConfigError(f"{split} has only {len(people)} people to validate on", where="stop.identities", hint=hint)
    return tuple(people)


def asked_about(data: Data) -> set[str]:
    """The people of evaluation splits."""
    names = [name for name in data.splits if kind_of(name) in (FORGET, RETAIN_EVAL, HOLDOUT)]
    return {unique_id for name in names for unique_id in data.splits[name]}

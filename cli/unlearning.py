"""``fiubench finetune``, ``unlearn``, ``experiment`` and ``presets``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fiubench.unlearning.data.runs import Run

presets = typer.Typer(no_args_is_help=True, help="Models with the settings of both stages.")

# One declaration per setting, used by both commands. Defaults live in presets: `None` here means "not given".
Out = Annotated[Path, typer.Option(help="Folder of the run. An interrupted run in it goes on.")]
PresetName = Annotated[str | None, typer.Option("--preset", help="Preset, or FILE.yaml of your own. (default: tiny)")]
Seed = Annotated[int, typer.Option(min=0, help="Of order, adapters, dropout, and of the tiny model.")]
Epochs = Annotated[float | None, typer.Option(help="Passes over the training split.")]
LearningRate = Annotated[float | None, typer.Option(help="Highest learning rate of AdamW.")]
BatchSize = Annotated[int | None, typer.Option(help="Samples per forward pass.")]
Accumulate = Annotated[
    int | None, typer.Option(help="Passes per step; with the batch size it gives the samples per step.")
]
CheckpointEvery = Annotated[float | None, typer.Option(help="Epochs between checkpoints.")]
Dtype = Annotated[str | None, typer.Option(help="Number format of frozen weights: float32, bfloat16, float16, auto.")]
StopRule = Annotated[
    str | None,
    typer.Option("--stop", help="RULE:VALUE[:PEOPLE] on the validation loss: below:0.1, above:2, patience:3."),
]
_SETTINGS = ("epochs", "learning_rate", "batch_size", "accumulate", "checkpoint_every", "dtype")


def finetune(
    data: Annotated[str, typer.Argument(help="Dataset folder, release or Hub id.")],
    out: Out,
    preset: PresetName = None,
    model: Annotated[
        str | None, typer.Option(help="tiny, Hub id, model folder or run. (default: the preset's)")
    ] = None,
    split: Annotated[str, typer.Option(help="Whom to learn: full, or for the reference retain95.")] = "full",
    identities: Annotated[int | None, typer.Option(help="Keep only so many people, for small models.")] = None,
    forget: Annotated[str | None, typer.Option(help="With --identities: the forget set that is kept whole.")] = None,
    attributes: Annotated[str | None, typer.Option(help="With --identities: the questions that are kept.")] = None,
    seed: Seed = 0,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    batch_size: BatchSize = None,
    accumulate: Accumulate = None,
    checkpoint_every: CheckpointEvery = None,
    dtype: Dtype = None,
    stop: StopRule = None,
) -> None:
    """Stage 1: teach a model the people of a dataset (full), or all but those to be forgotten (the reference)."""
    from fiubench.cli.console import progress
    from fiubench.support.errors import ConfigError
    from fiubench.unlearning.data.dataset import Data
    from fiubench.unlearning.training.settings import read_preset
    from fiubench.unlearning.training.train import finetune as train

    if (identities is None) != (forget is None) or (attributes and identities is None):
        raise ConfigError("--identities goes with --forget, --attributes with both", where="finetune")
    chosen = read_preset(preset or "tiny")
    settings = chosen.finetune(**_changes(locals()))
    opened = Data.open(data)
    if identities is not None and forget is not None:
        opened = opened.limited(identities, forget, attributes.split(",") if attributes else ())
    with progress() as step:
        run = train(
            opened,
            out,
            chosen,
            split=split,
            model=model,
            settings=settings,
            seed=seed,
            progress=step,
            report=typer.echo,
        )
    _print_run(run)


def unlearn(
    base: Annotated[str, typer.Argument(help="Run of `fiubench finetune`, or any model that knows the dataset.")],
    out: Out,
    method: Annotated[str, typer.Option(help="ga, gd, kl, po, npo, simnpo or dpo.")],
    forget: Annotated[str, typer.Option(help="Whom to forget, for example forget05.")],
    preset: PresetName = None,
    data: Annotated[str | None, typer.Option(help="Dataset, where the base is no run of ours.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="NAME=NUMBER of the method: retain_weight, beta, gamma. Repeatable.")
    ] = None,
    seed: Seed = 0,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    batch_size: BatchSize = None,
    accumulate: Accumulate = None,
    checkpoint_every: CheckpointEvery = None,
    dtype: Dtype = None,
    stop: StopRule = None,
) -> None:
    """Stage 2: make a fine-tuned model forget the people of a forget set."""
    from fiubench.cli.console import progress
    from fiubench.unlearning.data.dataset import Data
    from fiubench.unlearning.data.runs import run_of
    from fiubench.unlearning.training.settings import read_preset, with_options
    from fiubench.unlearning.training.train import unlearn as train

    told = run_of(Path(base))
    chosen = read_preset(preset or (told.manifest["preset"] if told is not None else "tiny"))
    settings = with_options(chosen.unlearn(method, **_changes(locals())), **_options(option or []))
    opened = None if data is None else Data.open(data)
    with progress() as step:
        run = train(
            base,
            out,
            chosen,
            method,
            forget,
            data=opened,
            settings=settings,
            seed=seed,
            progress=step,
            report=typer.echo,
        )
    _print_run(run)


def experiment(
    file: Annotated[Path, typer.Argument(help="The experiment, as YAML.")],
    out: Annotated[Path, typer.Option(help="Folder of its runs and report. What is finished there is not repeated.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Steps at the same time. (default: the file's, or 1)")
    ] = None,
) -> None:
    """The whole: fine-tune, retain reference, methods x seeds, evaluation at every checkpoint, comparison."""
    from fiubench.cli.console import progress, table
    from fiubench.unlearning.experiment import read_plan, run_experiment
    from fiubench.unlearning.reporting.tables import text_table

    plan = read_plan(file, workers=workers)
    with progress() as step:
        found, written = run_experiment(plan, out, progress=step, report=typer.echo)
    typer.echo()
    table(text_table(found))
    for mark in found.marks:
        typer.echo(f"NOT COMPARABLE: {mark}")
    typer.echo()
    for path in written:
        typer.echo(f"wrote {path}")


@presets.command("list")
def list_presets() -> None:
    """Presets that come with fiubench."""
    from fiubench.cli.console import table
    from fiubench.unlearning.training.settings import preset_names, read_document

    documents = {name: read_document(name) for name in preset_names()}
    table([("preset", "model", "what it is"), *((n, d["model"], d["description"]) for n, d in documents.items())])


@presets.command("show")
def show_preset(name: Annotated[str, typer.Argument(help="A preset, or FILE.yaml.")]) -> None:
    """A preset as YAML: copy it, change it, and give the file as --preset."""
    from fiubench.unlearning.training.settings import preset_text

    typer.echo(preset_text(name).rstrip())


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were given as flags."""
    changes = {name: given[name] for name in _SETTINGS if given[name] is not None}
    if given["stop"] is not None:
        changes["stop"] = _stop(given["stop"])
    return changes


def _stop(text: str) -> dict[str, Any]:
    from fiubench.support.errors import ConfigError

    rule, *numbers = text.split(":")
    try:
        value, *people = [float(number) for number in numbers]
        return {"rule": rule, "value": value, **({"identities": int(people[0])} if people else {})}
    except ValueError:
        hint = "For example --stop below:0.1, --stop above:2:8 (eight people) or --stop patience:3."
        raise ConfigError(f"{text!r} is no rule", where="--stop", hint=hint) from None


def _options(given: list[str]) -> dict[str, float]:
    from fiubench.support.errors import ConfigError

    options = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            options[name] = float(number)
        except ValueError:
            hint = "For example --option retain_weight=5."
            raise ConfigError(f"{text!r} is not NAME=NUMBER", where="--option", hint=hint) from None
    return options


def _print_run(run: "Run") -> None:
    from fiubench.unlearning.models.loading import processes

    if not processes().is_main_process:
        return
    if run.manifest["stopped"]:
        typer.echo(f"stopped early: {run.manifest['stopped']}")
    typer.echo(f"{run.directory}: finished, result in {run.final}")
    typer.echo(f"evaluate it: fiubench evaluate {run.directory}")

"""``fiubench finetune``, ``unlearn``, ``experiment`` and ``presets``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.cli.console import progress, table
from fiubench.cli.options import named_values, with_settings
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.training.settings import Training, preset_for, preset_names, preset_text, read_preset

import fiubench

if TYPE_CHECKING:
    from fiubench.unlearning.data.runs import Run

presets = typer.Typer(no_args_is_help=True, help="List and show presets: models with training settings.")

Out = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of the run; an interrupted run in it is continued, a finished kept.")
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed of the order of samples, of new weights and of dropout.")]


@with_settings(Training)
def finetune(
    data: Annotated[str, typer.Argument(help="Dataset folder, release folder, or OWNER/NAME on the Hub.")],
    *,
    out: Out,
    preset: Annotated[
        str, typer.Option(help="Model and settings: a preset (`fiubench presets list`) or a FILE.yaml of your own.")
    ] = "tiny",
    model: Annotated[
        str | None,
        typer.Option(help="tiny, a Hub id, a model folder or a run. (default: the preset's)", show_default=False),
    ] = None,
    split: Annotated[
        str, typer.Option(help="The people to learn: full, or a retain set for the retain reference, such as retain95.")
    ] = "full",
    identities: Annotated[
        int | None,
        typer.Option(metavar="N", help="Use N people of the dataset only, where the model is too small for all."),
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option(help="With --identities: a forget set, such as forget05, whose people are among the N."),
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="With --identities: use the questions about these attributes only, comma-separated."
        ),
    ] = None,
    seed: Seed = 0,
    given: dict[str, Any],
) -> None:
    """Fine-tune a model on a dataset (full), or on all but the forget set (the retain reference)."""
    chosen = read_preset(preset)
    with progress() as step:
        run = fiubench.finetune(
            data,
            out,
            chosen,
            split=split,
            model=model,
            settings=chosen.finetune(flags=given, **given),
            identities=identities,
            forget=forget,
            attributes=attributes.split(",") if attributes else (),
            seed=seed,
            progress=step,
            report=typer.echo,
        )
    _print_run(run)


@with_settings(Training)
def unlearn(
    base: Annotated[str, typer.Argument(help="Run of `fiubench finetune`, or any model that knows the dataset.")],
    *,
    out: Out,
    method: Annotated[
        str,
        typer.Option(metavar="|".join(METHODS), help="Unlearning method; `fiubench methods list` says what each does."),
    ],
    forget: Annotated[str, typer.Option(help="The people to forget: a forget set, such as forget05.")],
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="An option of the method, such as retain_weight=5; the value is JSON, or else text. "
            "`fiubench methods show METHOD` lists the options. Can be repeated.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Settings: a preset (`fiubench presets list`) or a FILE.yaml of your own. (default: that of the run, "
            "or tiny)",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="The dataset, where the model is not a run of `fiubench finetune`.")
    ] = None,
    seed: Seed = 0,
    given: dict[str, Any],
) -> None:
    """Make a fine-tuned model forget the people of a forget set."""
    chosen = preset_for(base, preset)
    with progress() as step:
        run = fiubench.unlearn(
            base,
            out,
            method,
            forget,
            chosen,
            data=data,
            settings=chosen.unlearn(method, flags=given, **given),
            options=named_values(option or ()),
            seed=seed,
            progress=step,
            report=typer.echo,
        )
    _print_run(run)


def experiment(
    file: Annotated[Path, typer.Argument(help="The experiment, a YAML file such as examples/unlearning.yaml.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of its runs and report; what is finished in it is not repeated.")
    ],
    workers: Annotated[
        int | None,
        typer.Option(
            help="Trainings and evaluations that run at the same time. (default: the file's, or 1)", show_default=False
        ),
    ] = None,
) -> None:
    """Run a full experiment from a YAML file.

    It fine-tunes the model and the retain reference, unlearns with every method and seed, evaluates, and compares.
    """
    from fiubench.cli.evaluation import print_comparison

    with progress() as step:
        found = fiubench.experiment(file, out, workers=workers, progress=step, report=typer.echo)
    typer.echo()
    print_comparison(found)


@presets.command("list")
def list_presets() -> None:
    """List the presets that come with fiubench."""
    files = {name: read_preset(name).file for name in preset_names()}
    table([("preset", "model", "what it is"), *((n, f.model, f.description) for n, f in files.items())])


@presets.command("show")
def show_preset(name: Annotated[str, typer.Argument(help="A preset, or FILE.yaml.")]) -> None:
    """Print a preset as YAML: copy it, change it, and give the file as --preset."""
    typer.echo(preset_text(name).rstrip())


def _print_run(run: "Run") -> None:
    from fiubench.unlearning.models.loading import processes

    if not processes().is_main_process:
        return
    if run.manifest["stopped"]:
        typer.echo(f"stopped early: {run.manifest['stopped']}")
    typer.echo(f"{run.directory}: finished, result in {run.final}")
    typer.echo(f"evaluate it: fiubench evaluate {run.directory}")

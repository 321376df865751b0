"""``fiubench finetune``, ``unlearn``, ``experiment`` and ``presets``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.cli.console import progress, table
from fiubench.cli.options import named_values, with_settings
from fiubench.support.errors import ConfigError
from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.training.settings import Training, preset_for, preset_names, preset_text, read_preset

import fiubench

if TYPE_CHECKING:
    from fiubench.unlearning.data.runs import Run
    from fiubench.unlearning.streams.workflow import Streamed

DATA, REQUESTS = "Data", "Requests"
_WIDEST = 14  # columns of a table of text
presets = typer.Typer(no_args_is_help=True, help="List and show presets: models with training settings.")

Out = Annotated[
    Path,
    typer.Option(
        metavar="DIR", help="Write the run to this folder; an interrupted run in it is continued, a finished one kept."
    ),
]
Seed = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="Draw the order of samples, new weights and dropout from this random seed."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Take the first steps only and say what all would take: steps, tokens, memory, time. Writes nothing.",
    ),
]


@with_settings(Training)
def finetune(
    data: Annotated[str, typer.Argument(help="A dataset folder, a release folder, or OWNER/NAME on the Hub.")],
    *,
    out: Out,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="Take model and settings from a preset (`fiubench presets list`) or a YAML file of your own.",
        ),
    ] = "tiny",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Fine-tune this model: tiny, smol, a Hub id, a model folder or a run. (default: the preset's)",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            metavar="SPLIT",
            rich_help_panel=DATA,
            help="Train on these people: all (full), or for the retain reference a retain set, such as retain95.",
        ),
    ] = "full",
    identities: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=DATA,
            help="Train on N people of the dataset only, where the model is too small for all. (default: all)",
        ),
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT",
            rich_help_panel=DATA,
            help="With --identities: have the people of this forget set, such as forget05, among the N.",
        ),
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME,..",
            rich_help_panel=DATA,
            help="Train on the questions about these attributes only. (default: all)",
        ),
    ] = None,
    teach: Annotated[
        str | None,
        typer.Option(
            metavar="picture|name|both",
            rich_help_panel=DATA,
            help="Point people out in questions by their picture, by their name without a picture, or each question "
            "both ways. (default: picture, or name where the dataset has no pictures)",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
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
            attributes=attributes.split(",") if attributes is not None else (),
            teach=teach,
            seed=seed,
            dry_run=dry_run,
            progress=step,
            report=typer.echo,
        )
    if not dry_run:
        _print_run(run)


@with_settings(Training)
def unlearn(
    base: Annotated[str, typer.Argument(help="A run of `fiubench finetune`, or any model that knows the dataset.")],
    *,
    out: Out,
    method: Annotated[
        str,
        typer.Option(
            metavar="|".join(METHODS), help="Unlearn by this method; `fiubench methods list` says what each does."
        ),
    ],
    forget: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT", help="Forget the people of this forget set, such as forget05.", show_default=False
        ),
    ] = None,
    requests: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=REQUESTS,
            help="Instead of a forget set, forget what the lines of this file ask for, one after the other, and ask "
            "everything after each.",
            show_default=False,
        ),
    ] = None,
    at_once: Annotated[
        bool,
        typer.Option(
            "--at-once", rich_help_panel=REQUESTS, help="Also forget all requests in one training, to compare with."
        ),
    ] = False,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            rich_help_panel=REQUESTS,
            help="Ask the retain reference too: fine-tuned on the retain set of `fiubench split --requests FILE`.",
            show_default=False,
        ),
    ] = None,
    memorised: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            rich_help_panel=REQUESTS,
            help="Refuse to begin unless the model has an exact match of at least this on what is asked for. (default: "
            f"{MEMORISED})",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            rich_help_panel=REQUESTS,
            help="Go on although a condition does not hold, such as that of --memorised, and mark the report with it.",
        ),
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Set an option of the method, such as retain_weight=5; the value is JSON, or else text. "
            "`fiubench methods show METHOD` lists the options. Repeat it for several.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Take the settings from a preset (`fiubench presets list`) or a YAML file of your own. (default: that "
            "of the run, or tiny)",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET",
            help="Forget people of this dataset: another cut of the one that the run was fine-tuned on, or for a model "
            "that is no run the one that it knows. (default: that of the run)",
            show_default=False,
        ),
    ] = None,
    teach: Annotated[
        str | None,
        typer.Option(
            metavar="picture|name|both",
            help="Point out the people to be retained by picture, by name or both ways. (default: as the run was "
            "taught)",
            show_default=False,
        ),
    ] = None,
    forget_through: Annotated[
        str | None,
        typer.Option(
            metavar="picture|name|both",
            help="Point out the people to be forgotten by picture, by name or both ways: unlearning through one "
            "modality, where the model was taught both. (default: as --teach)",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    dry_run: DryRun = False,
    given: dict[str, Any],
) -> None:
    """Make a fine-tuned model forget the people of a forget set, or what a file asks for, request after request."""
    if (forget is None) == (requests is None):
        hint = "Name a forget set, such as forget05, or a file of requests."
        raise ConfigError("give exactly one of --forget and --requests", where="unlearn", hint=hint)
    chosen = preset_for(base, preset)
    options: dict[str, Any] = {
        "data": data,
        "settings": chosen.unlearn(method, flags=given, **given),
        "options": named_values(option or ()),
        "teach": teach,
        "forget_through": forget_through,
        "seed": seed,
        "report": typer.echo,
    }
    if requests is not None:
        if dry_run:
            hint = "Try a forget set of that size: --forget SPLIT --dry-run."
            raise ConfigError("a stream of requests can't be tried", where="--dry-run", hint=hint)
        options |= {"at_once": at_once, "reference": reference, "force": force}
        options |= {} if memorised is None else {"memorised": memorised}
        with progress() as step:
            done = fiubench.unlearn_requests(base, out, method, requests, chosen, progress=step, **options)
        _print_stream(done)
        return
    if at_once or force or reference is not None or memorised is not None:
        flags = "--at-once, --reference, --memorised, --force"
        raise ConfigError("belongs to --requests", where=flags, hint="Leave it out.")
    with progress() as step:
        run = fiubench.unlearn(base, out, method, str(forget), chosen, dry_run=dry_run, progress=step, **options)
    if not dry_run:
        _print_run(run)


def experiment(
    file: Annotated[Path, typer.Argument(help="The experiment, a YAML file such as examples/unlearning.yaml.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Write the runs and the report to this folder; what is finished in it is not repeated."
        ),
    ],
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Run this many trainings and evaluations at the same time. (default: the number in the file, or 1)",
            show_default=False,
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
def show_preset(name: Annotated[str, typer.Argument(help="The name of a preset, or a YAML file of your own.")]) -> None:
    """Print a preset as YAML: copy it, change it, and give the file as --preset."""
    typer.echo(preset_text(name).rstrip())


def _print_stream(done: "Streamed") -> None:
    for mark in done.matrix.marks:
        typer.echo(f"NOT COMPARABLE: {mark}")
    for rows in done.matrix.tables:
        typer.echo()
        if len(rows[0]) <= _WIDEST:
            table(rows)
        else:
            typer.echo(f"each {rows[0][0]} at {len(rows[0]) - 1} times: too wide for here, in the report")
    typer.echo(f"\nreport: {done.files[0]}")


def _print_run(run: "Run") -> None:
    from fiubench.unlearning.models.loading import processes

    if not processes().is_main_process:
        return
    if run.manifest["stopped"]:
        typer.echo(f"stopped early: {run.manifest['stopped']}")
    typer.echo(f"{run.directory}: finished, result in {run.final}")
    typer.echo(f"evaluate it: fiubench evaluate {run.directory}")

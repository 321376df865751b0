"""The Typer app: its commands by name, and the one place where an error becomes a message and an exit code."""

import importlib
import sys
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import typer.core
from fiubench.cli import ending
from fiubench.support.canonical import is_text
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.version import __version__


class Entry(NamedTuple):
    """A command: the module of ``cli/`` and the name in it that define it, and its line in the list of commands."""

    module: str
    name: str
    help: str


#: Panel -> command -> where it is. A module is imported when its command is called, so that `--help` answers at once.
COMMANDS: dict[str, dict[str, Entry]] = {
    "Build": {
        "build": Entry("building", "build", "Build a dataset from faces and records."),
        "plan": Entry("steps", "plan", "Plan a dataset that many machines build."),
        "part": Entry("steps", "part", "Make the parts of one machine, by its rank."),
        "finish": Entry("steps", "finish", "Put a dataset together from its parts."),
        "preview": Entry("building", "preview", "Build a few identities and show them, without writing anything."),
        "sources": Entry("sources", "app", "List, show, check and fetch the sources of faces and records."),
        "faces": Entry("faces", "app", "Estimate age and gender of faces, and review them by eye."),
        "attributes": Entry("attributes", "app", "List, show, check and preview attributes and packs."),
        "phrasings": Entry("phrasings", "app", "Grow a pack's phrasings with a language model, and review them."),
    },
    "Inspect": {
        "show": Entry("checking", "show", "Print one identity of a dataset, or the list of all."),
        "validate": Entry("checking", "validate", "Check a dataset against the schemas and the rules between records."),
        "verify": Entry("checking", "verify", "Compare a dataset with its manifest, on disk and rebuilt."),
        "sign": Entry("checking", "sign", "Sign a dataset, so that its readers know who made it."),
        "diff": Entry("checking", "diff", "List the differences between two datasets."),
        "audit": Entry("auditing", "audit", "Measure the quality of a dataset, as a table, JSON or an HTML page."),
        "measures": Entry("auditing", "measures", "List what an audit measures, and from where on it warns or fails."),
    },
    "Share": {
        "split": Entry("shaping", "split", "Cut other forget and retain sets from a dataset."),
        "export": Entry("exporting", "export", "Write a dataset in the format of another framework."),
        "formats": Entry("exporting", "app", "List the formats that datasets are exported in."),
        "publish": Entry("publishing", "publish", "Publish a version of a dataset on the Hugging Face Hub."),
        "releases": Entry("publishing", "releases", "List the published versions of a dataset."),
        "pull": Entry("publishing", "pull", "Download a published version as a dataset folder."),
    },
    "Unlearn": {
        "finetune": Entry("unlearning", "finetune", "Fine-tune a model on a dataset, or on all but the forget set."),
        "unlearn": Entry("unlearning", "unlearn", "Make a fine-tuned model forget a forget set."),
        "evaluate": Entry("evaluation", "evaluate", "Ask a model the dataset's questions and compute metrics."),
        "attack": Entry("attacks", "attack", "Try to bring back what a model has forgotten."),
        "compare": Entry("evaluation", "compare", "Compare evaluated runs in a report."),
        "submit": Entry("submissions", "submit", "Write runs into a file that anyone can check, or check one."),
        "leaderboard": Entry("submissions", "leaderboard", "Rank a folder of submissions on a page."),
        "power": Entry("evaluation", "power", "Say how large a difference a forget set can show."),
        "metrics": Entry("evaluation", "metrics", "List the metrics that evaluated models are measured by."),
        "experiment": Entry("unlearning", "experiment", "Run a full experiment from a YAML file."),
        "methods": Entry("methods", "app", "List and show unlearning methods and their options."),
        "attacks": Entry("attacks", "app", "List and show attacks and their options."),
        "presets": Entry("unlearning", "presets", "List and show presets: models with training settings."),
    },
    "Extend": {
        "plugins": Entry("plugins", "plugins", "List the plug-ins in use and what each of them adds."),
    },
}
CONTEXT = {"help_option_names": ["-h", "--help"]}


def _plain_flags(parameters: list[Any]) -> list[Any]:
    """The same parameters; an option that takes no value shows none in ``--help``."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


class _Command(typer.core.TyperCommand):
    """A command whose help is drawn in panels; the list of commands itself is plain, for speed."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **{**values, "rich_markup_mode": "rich"})

    def get_params(self, ctx: Any) -> list[Any]:
        """The options and arguments."""
        return _plain_flags(super().get_params(ctx))


class _Subcommands(typer.core.TyperGroup):
    """The commands of a module of ``cli/`` that has several."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options."""
        return _plain_flags(super().get_params(ctx))


class _Group(typer.core.TyperGroup):
    """The commands of :data:`COMMANDS`, each imported when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, panel by panel."""
        return [name for entries in COMMANDS.values() for name in entries]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; ``None`` if there is none."""
        entry = next((entries[cmd_name] for entries in COMMANDS.values() if cmd_name in entries), None)
        if entry is None:
            return None
        defined = getattr(importlib.import_module(f"fiubench.cli.{entry.module}"), entry.name)
        if isinstance(defined, typer.Typer):
            defined.info.cls = _Subcommands
            for command in defined.registered_commands:
                command.cls = _Command
            return typer.main.get_group(defined)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=CONTEXT)
        single.command(cmd_name, cls=_Command)(defined)
        return typer.main.get_command(single)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments start with; an unknown one is an error with a suggestion."""
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise ConfigError(f"unknown command {args[0]!r}", hint=did_you_mean(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section a panel."""
        for panel, entries in COMMANDS.items():
            with formatter.section(panel):
                formatter.write_dl([(name, entry.help) for name, entry in entries.items()])


app = typer.Typer(
    name="fiubench",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=CONTEXT,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _load(plugins: list[Path] | None) -> None:
    if plugins:
        from fiubench.support.registry import load_plugins

        load_plugins(plugins)


@app.callback()
def _root(
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.py",
            callback=_load,
            is_eager=True,  # before the command is looked up, whose options may depend on it
            help="Load a Python file that adds a source, method, metric .. of your own.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Generate, validate, audit and publish fictitious facial-identity datasets, and run unlearning experiments."""


def _plugins_first(arguments: list[str]) -> list[str]:
    """The same arguments with ``--plugin FILE`` in front, wherever it stood: it decides what other flags there are."""
    first: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            return [*first, *rest, argument, *left]
        if argument == "--plugin":
            first += [argument, *([value] if (value := next(left, None)) is not None else [])]
        elif argument.startswith("--plugin="):
            first.append(argument)
        else:
            rest.append(argument)
    return [*first, *rest]


def _check(arguments: list[str]) -> None:
    """Refuse what no command can mean.

    Raises:
        ConfigError: an argument is no text, or the folder to write to is the variable of a script that nobody set.
    """
    if odd := [word for word in arguments if not is_text(word)]:
        raise ConfigError("is not UTF-8", where=repr(odd[0]), hint="Files and names are text here: rename it.")
    if "--out=" in arguments or ("--out", "") in pairwise(arguments):
        raise ConfigError("is empty", where="--out", hint="Name a folder; `.` is the one you are in.")


def run() -> None:
    """Entry point.

    Exit codes: 0 fine, 1 a rule is broken or datasets differ, 2 bad input, 3 a fault of fiubench, 130 interrupted.
    """
    ending.listen()
    arguments = _plugins_first(sys.argv[1:])
    try:
        _check(arguments)
        with typer.main.get_command(app).make_context("fiubench", list(arguments)) as context:
            context.command.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()  # what can't be printed is told here and not by the interpreter
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # rich ends so when it prints help to nobody
            sys.exit(0)
        raise
    except BaseException as error:
        names = [word for word in arguments if any(word in entries for entries in COMMANDS.values())]
        sys.exit(ending.tell(error, names[0] if names else "fiubench"))
    sys.exit(0)

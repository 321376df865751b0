"""How the models of a comparison were trained: settings, device, time and memory, as their runs have them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.data.runs import Run, run_of
from fiubench.unlearning.evaluation.subject import BEFORE, EVALUATIONS
from fiubench.unlearning.models.measuring import duration, size
from fiubench.unlearning.reporting.compare import Comparison, Entry
from fiubench.unlearning.streams.chain import FILE, Stream

#: Of :func:`trained`.
COLUMNS = ("model", "seeds", "rate", "epochs", "batch", "adapters", "options", "steps", "device", "time", "memory")
_UNKNOWN = "-"


def trained(found: Comparison) -> list[tuple[str, ...]]:
    """A row a model, in the order of :data:`COLUMNS`, which is the first; empty where no run is known.

    Values that differ between the runs of a line stand side by side; time and memory are the most of any of them.
    """
    rows = [_row(entry) for entry in found.entries]
    return [COLUMNS, *rows] if any(set(row[2:]) != {_UNKNOWN} for row in rows) else []


def narrow(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The same without the options, for a terminal."""
    place = COLUMNS.index("options")
    return [(*row[:place], *row[place + 1 :]) for row in rows]


def _row(entry: Entry) -> tuple[str, ...]:
    runs = [run for final in entry.finals if (run := run_of_log(final.log)) is not None]
    settings = [in_use(run.manifest["settings"]) for run in runs]
    costs = [run.cost for run in runs]
    seeds = [str(final.log.run["seed"]) for final in entry.finals if "seed" in final.log.run]
    steps = [str(final.log.run["step"]) for final in entry.finals if final.log.run.get("step") is not None]
    most = {name: max((c[name] for c in costs if name in c), default=None) for name in ("seconds", "peak_bytes")}
    return (
        entry.label,
        ", ".join(seeds) or _UNKNOWN,
        _side_by_side(settings, "learning_rate"),
        _side_by_side(settings, "epochs"),
        _listed([f"{s['batch_size'] * s['accumulate']}" for s in settings if {"batch_size", "accumulate"} <= s.keys()]),
        _listed([adapters(s) for s in settings if "lora" in s]),
        _listed([options(s) for s in settings]),
        _listed(steps),
        _listed([str(cost["device"]) for cost in costs if "device" in cost]),
        _UNKNOWN if most["seconds"] is None else duration(most["seconds"]),
        _UNKNOWN if most["peak_bytes"] is None else size(most["peak_bytes"]),
    )


def run_of_log(log: QuestionLog) -> Run | None:
    """The run that a log lies in, or that its stream has of that name; None where it is neither."""
    where = log.where
    if where is None or where.parent.parent.name != EVALUATIONS:
        return None
    folder, name = where.parent.parent.parent, where.parent.name
    if not (folder / FILE).is_file():
        return run_of(folder)
    stream = Stream.open(folder)
    return run_of(Path(stream.base) if name == BEFORE else stream.run(name))


def in_use(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of a run's settings that had a part in it: of a method that takes no steps, none of a training."""
    if settings.get("epochs") != 0:
        return settings
    return {name: settings[name] for name in ("epochs", "options") if name in settings}


def adapters(settings: Mapping[str, Any]) -> str:
    """What of a model is trained, in a word or two."""
    lora = settings.get("lora")
    rank = lora.get("rank") if isinstance(lora, Mapping) else None
    return f"LoRA {rank}" if isinstance(rank, int) else "all weights"


def options(settings: Mapping[str, Any]) -> str:
    """The options of the method, without those that are not set."""
    given = settings.get("options") or {}
    return " ".join(f"{name}={_plain(value)}" for name, value in given.items() if value is not None)


def _side_by_side(settings: Sequence[Mapping[str, Any]], name: str) -> str:
    return _listed([_plain(one[name]) for one in settings if name in one])


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value)) or _UNKNOWN

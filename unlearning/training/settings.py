"""Settings of a training, and presets: YAML files (``presets/*.yaml`` or one's own) that hold them for a model."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.methods.methods import make_method
from fiubench.unlearning.models.loading import Lora
from fiubench.unlearning.models.tiny import Size

from fiubench import schemas

TINY = "tiny"


@dataclass(frozen=True)
class Stop:
    """When to stop early: a rule about the mean ``-log p`` per answer token on validation questions.

    These are asked about ``identities`` people in no evaluation split, in a phrasing that nobody is trained on.

    Attributes:
        rule: ``below``: stop once the loss is under ``value`` (learnt well enough). ``above``: stop once it is over
            ``value``, and take the checkpoint before (what was to be kept is lost). ``patience``: stop after ``value``
            checkpoints without a new lowest loss, and take the lowest.
        value: see ``rule``.
        identities: how many people.
    """

    rule: str
    value: float
    identities: int = 8


@dataclass(frozen=True)
class Training:
    """Everything about a training but its data, model and seed.

    Attributes:
        epochs: passes over the training split (for unlearning: over the forget set).
        learning_rate, schedule, warmup, weight_decay, clip: of AdamW; ``warmup`` as a share of all steps, ``clip`` the
            largest norm of a gradient.
        batch_size, accumulate: samples per forward pass, and passes per step. Their product is what counts; on several
            processes it stays the same (each accumulates less).
        lora: adapters; ``None`` trains every parameter.
        dtype: number format of frozen weights; ``auto`` is bfloat16 on a GPU that has it.
        gradient_checkpointing: less memory, a third more time.
        checkpoint_every: epochs between checkpoints. ``keep``: ``all`` or only the ``last``.
        workers: processes that prepare batches.
        report_to: loggers of ``transformers`` (``tensorboard``, ``wandb``, ...).
        phrasings: how many phrasings of each question are trained on (the last one never is: it validates).
        noise_refusals: that many pictures of noise with a refusal as the answer, for models that know no language yet.
        stop: early stopping.
        options: of the unlearning method (``retain_weight``, ``beta``, ...).
    """

    epochs: float
    learning_rate: float
    batch_size: int = 8
    accumulate: int = 1
    schedule: str = "cosine"
    warmup: float = 0.0
    weight_decay: float = 0.01
    clip: float = 1.0
    lora: Lora | None = field(default_factory=Lora)
    dtype: str = "auto"
    gradient_checkpointing: bool = False
    checkpoint_every: float = 1.0
    keep: str = "all"
    workers: int = 0
    report_to: tuple[str, ...] = ()
    phrasings: int = 1
    noise_refusals: int = 0
    stop: Stop | None = None
    options: Mapping[str, float] = field(default_factory=dict)

    def fingerprint(self) -> dict[str, Any]:
        """What of it determines the result: without what only trades memory for time."""
        values = asdict(self)
        for name in ("batch_size", "accumulate", "workers", "report_to", "gradient_checkpointing", "keep"):
            del values[name]
        return {**values, "effective_batch": self.batch_size * self.accumulate}


@dataclass(frozen=True)
class Preset:
    """A model with the settings of both stages.

    Attributes:
        name: of the file.
        model: ``tiny``, a Hub id or a folder.
        size: measures of the tiny model.
    """

    name: str
    description: str
    model: str
    size: Size
    _finetune: Mapping[str, Any]
    _unlearn: Mapping[str, Any]
    _methods: Mapping[str, Mapping[str, Any]]

    def finetune(self, **changes: Any) -> Training:
        """Settings of stage 1; ``changes`` win, ``None`` among them means "not given".

        Raises:
            ConfigError: a value that can't be.
        """
        return _training({**self._finetune, **_given(changes)}, self.name)

    def unlearn(self, method: str, **changes: Any) -> Training:
        """Settings of stage 2 for a method: those of all methods, the method's own, then ``changes``.

        Raises:
            ConfigError: no such method, one without epochs or learning rate, or a value that can't be.
        """
        make_method(method)
        return _training({**self._unlearn, **self._methods.get(method, {}), **_given(changes)}, self.name)


def preset_names() -> list[str]:
    """Names of the presets that come with fiubench."""
    folder = resources.files("fiubench.unlearning.training").joinpath("presets")
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def read_preset(name: str) -> Preset:
    """A preset by name, or from a YAML file of one's own.

    Raises:
        ConfigError: no such preset, or it breaks the schema.
    """
    document = read_document(name)
    return Preset(
        name=Path(name).stem if name not in preset_names() else name,
        description=document["description"],
        model=document["model"],
        size=Size(**document.get("tiny", {})),
        _finetune=document["finetune"],
        _unlearn=document["unlearn"],
        _methods=document["methods"],
    )


def preset_text(name: str) -> str:
    """A preset's file as it is written, comments and all, having checked it (see :func:`read_preset`)."""
    read_document(name)
    with _preset_file(name) as path:
        return path.read_text(encoding="utf-8")


def read_document(name: str) -> dict[str, Any]:
    """The checked content of a preset (see :func:`read_preset`)."""
    with _preset_file(name) as path:
        document = load_yaml(path, ConfigError)
    for violation in schemas.violations("preset", document):
        raise ConfigError(f"{violation.path}: {violation.message}", where=name)
    checked: dict[str, Any] = document
    return checked


@contextmanager
def _preset_file(name: str) -> Iterator[Path]:
    if name in preset_names():
        with resources.as_file(
            resources.files("fiubench.unlearning.training").joinpath("presets", f"{name}.yaml")
        ) as path:
            yield path
    elif Path(name).suffix in (".yaml", ".yml"):
        yield Path(name)
    else:
        hint = did_you_mean(name, preset_names()) + " Or give a YAML file."
        raise ConfigError(f"no preset {name!r}", where="preset", hint=hint)


def _given(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if value is not None}


def _training(values: Mapping[str, Any], where: str) -> Training:
    document = {"description": "-", "model": "-", "finetune": values, "unlearn": {}, "methods": {}}
    for violation in schemas.violations("preset", document):
        raise ConfigError(f"{violation.path.removeprefix('finetune.')}: {violation.message}", where=where)
    for name in ("epochs", "learning_rate"):
        if name not in values:
            raise ConfigError(f"no {name} is given", where=where, hint=f"Add it to the preset or give --{name}.")
    made = dict(values)
    for name in ("epochs", "learning_rate", "warmup", "weight_decay", "clip", "checkpoint_every"):
        if name in made:
            made[name] = float(made[name])  # 2 and 2.0 are one setting, and one digest
    if isinstance(made.get("lora"), Mapping):
        made["lora"] = Lora(**made["lora"])
    if isinstance(made.get("stop"), Mapping):
        made["stop"] = Stop(**made["stop"])
    if "report_to" in made:
        made["report_to"] = tuple(made["report_to"])
    return Training(**made)

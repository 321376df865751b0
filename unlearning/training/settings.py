"""Settings of a training, and presets: YAML files (``presets/*.yaml`` or one's own) that hold them for a model."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.settings import Field, Flag, Settings
from fiubench.unlearning.data.runs import run_of
from fiubench.unlearning.methods.base import METHODS, make_method
from fiubench.unlearning.models.settings import Lora, Processing, Size, Tower
from pydantic import model_validator

TINY, SMOL = "tiny", "smol"
MADE = (TINY, SMOL)  # models that a run makes for itself
_PRESETS = Path(__file__).with_name("presets")
_MAY_BE_NONE = ("lora", "stop")  # None: no adapters, no early stopping
_FLAG = Flag("Training", metavar="N", default="the preset's")
_NUMBER = Flag("Training", metavar="NUMBER", default="the preset's")
_CHOICE = Flag("Training", default="the preset's")
_EPOCHS = "Go through the training split this many times; in unlearning, through the forget set."
_RATE = "Let the learning rate of the AdamW optimizer be this at its highest."


class Stop(Settings):
    """When to stop early: a rule about the mean ``-log p`` per answer token at a checkpoint.

    Validation questions are about people in no evaluation split, in a phrasing that nobody is trained on;
    ``forget-loss`` looks at what is unlearnt itself, as it is trained on. On the command line and in files it may be
    written ``RULE:VALUE`` or ``RULE:VALUE:PEOPLE``.
    """

    rule: Literal["below", "above", "patience", "forget-loss"] = Field(
        description="below: once the loss is under the value (learnt well enough). above: once it is over the value, "
        "and the checkpoint before counts (what was to be kept is lost). patience: after that many checkpoints without "
        "a new lowest loss, and the lowest counts. forget-loss: once the loss on the forget set is over the value, and "
        "the checkpoint before counts; as the authors of FIUBench kept gradient ascent's within 10."
    )
    value: float = Field(ge=0, description="A loss, or for patience a number of checkpoints.")
    identities: int = Field(8, ge=1, description="How many people the validation questions are about.")

    @property
    def watches(self) -> Literal["forget_set", "validation"]:
        """Whose loss the rule looks at."""
        return "forget_set" if self.rule == "forget-loss" else "validation"

    @model_validator(mode="after")
    def _nobody_in_vain(self) -> Self:
        """People only where questions about them are asked."""
        if self.watches == "forget_set" and self.identities != type(self).model_fields["identities"].default:
            raise ValueError("forget-loss asks about the forget set: leave PEOPLE out")
        return self

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        """``below:0.1:8`` as a mapping."""
        if not isinstance(given, str):
            return given
        rule, *numbers = given.split(":")
        try:
            value, *people = [float(number) for number in numbers]
            if any(not number.is_integer() for number in people) or len(people) > 1:
                raise ValueError
        except ValueError:
            raise ValueError("should be RULE:VALUE or RULE:VALUE:PEOPLE, such as below:0.1") from None
        return {"rule": rule, "value": value, **({"identities": int(people[0])} if people else {})}


class Stage(Settings):
    """Settings of a training as presets and experiments give them: what is left out comes from elsewhere."""

    epochs: float | None = Field(None, gt=0, description=_EPOCHS)
    learning_rate: float | None = Field(None, gt=0, description=_RATE)
    batch_size: Annotated[int, _FLAG] = Field(
        8,
        ge=1,
        description="Put this many samples into one forward and backward pass. Where memory is short, halve it and "
        "double --accumulate: the result is the same.",
    )
    accumulate: Annotated[int, _FLAG] = Field(
        1,
        ge=1,
        description="Add up the gradients of this many passes for one optimizer step: a step takes batch size times "
        "this many samples, shared among all processes.",
    )
    schedule: Literal["constant", "constant_with_warmup", "cosine", "linear"] = "cosine"
    """How the learning rate changes over the training."""
    warmup: float = Field(0.0, ge=0, lt=1, description="Share of all steps over which the learning rate rises.")
    weight_decay: float = Field(0.01, ge=0, description="Weight decay of AdamW.")
    clip: float = Field(1.0, gt=0, description="Largest norm of a gradient; a longer one is shortened to it.")
    lora: Lora | None = Field(Lora(), description="Adapters; null trains every parameter.")
    reduction: Annotated[Literal["per_answer", "released"], _CHOICE] = "per_answer"
    """Let each answer count as much in a loss (per_answer), or each token of a step's answers, as in the code released
    with FIUBench (released)."""
    freeze: tuple[Literal["vision", "projector", "language"], ...] = Field(
        (), description="Parts that stay as they are where every parameter is trained (lora: null)."
    )
    processing: Processing | None = Field(None, description="What the model's processor lacks.")
    dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16", "8bit", "4bit"], _CHOICE] = "auto"
    """Hold frozen weights in this number format and compute in it; what is trained is float32 always. auto is bfloat16
    on a GPU that has it, else float32; float16 needs a GPU, 8bit and 4bit the package bitsandbytes."""
    device: Literal["auto", "spread"] = Field(
        "auto", description="spread puts the layers on all GPUs (device_map), auto the whole model on one."
    )
    gradient_checkpointing: bool = Field(False, description="Recompute activations: less memory, a third more time.")
    checkpoint_every: Annotated[float, Field(gt=0), _NUMBER] = 1.0
    """Write a checkpoint every time this many epochs have passed; fractions such as 0.5 are possible."""
    keep: Literal["all", "last"] = Field("all", description="Which checkpoints stay on disk.")
    workers: int = Field(0, ge=0, le=64, description="Processes that prepare batches.")
    report_to: Annotated[
        tuple[str, ...], Flag("Training", metavar="NAME,NAME,..", separator=",", default="the preset's")
    ] = ()
    """Send losses to these loggers of transformers: tensorboard (into RUN/logs), wandb, mlflow, ..; or to none."""
    phrasings: Annotated[int, Field(ge=1, le=3)] = 1
    """Phrasings of each question that are trained on; another one validates."""
    noise_refusals: Annotated[int, Field(ge=0)] = 0
    """Pictures of noise answered with a refusal, for models that know no language yet."""
    stop: Annotated[Stop | None, Flag("Training", metavar="RULE:VALUE[:PEOPLE]", default="the preset's")] = Field(
        None,
        description="Stop early by the loss on validation questions: below:0.1 stops once the loss is under 0.1; "
        "above:2 stops once it is over 2, and takes the checkpoint before; patience:3 stops after 3 checkpoints "
        "without a new lowest loss, and takes the one with the lowest. PEOPLE is the number of people, in no "
        "evaluation split, whom the questions are about: 8 if left out, 20 in below:0.1:20. In unlearning also by the "
        "loss on the forget set: forget-loss:10 stops once it is over 10, and takes the checkpoint before.",
    )
    options: dict[str, Any] = Field({}, description="Options of the method (`fiubench methods show NAME`).")

    def given(self) -> dict[str, Any]:
        """The settings that are given, and no others."""
        return self.model_dump(exclude_unset=True)


class Training(Stage):
    """Everything about a training but its data, model and seed."""

    epochs: Annotated[float, _NUMBER] = Field(gt=0, description=_EPOCHS)
    learning_rate: Annotated[float, _NUMBER] = Field(gt=0, description=_RATE)

    @model_validator(mode="after")
    def _fits(self) -> "Training":
        if self.freeze and self.lora is not None:
            raise ValueError("freeze is for `lora: null`: next to adapters everything else is frozen")
        if self.lora is None and self.dtype in ("8bit", "4bit"):
            raise ValueError(f"weights of {self.dtype} can't be trained: give `lora`")
        return self

    def fingerprint(self) -> dict[str, Any]:
        """What of it determines the result: without what only trades memory for time."""
        values = self.model_dump()
        for name in ("batch_size", "accumulate", "workers", "report_to", "gradient_checkpointing", "keep", "device"):
            del values[name]
        if self.options.get("kl_over") == "all":  # how much padding there is hangs on how a step is cut
            values["batch_size"] = self.batch_size
        if self.processing is not None:
            values["processing"]["chat_template"] = self.processing.template()  # wherever its file lies
        for name in ("freeze", "processing"):
            if not values[name]:
                del values[name]
        return {**values, "effective_batch": self.batch_size * self.accumulate}


class PresetFile(Settings):
    """A model with the settings of its fine-tuning and unlearning."""

    description: str = Field(min_length=1, description="What the preset is, in one line.")
    model: str = Field(min_length=1, description="tiny, smol, a Hub id or a folder.")
    tiny: Size = Field(Size(), description="Measures of the tiny model.")
    smol: Tower = Field(Tower(), description="Measures of smol's vision tower.")
    finetune: Stage = Field(description="Settings of fine-tuning.")
    unlearn: Stage = Field(description="Settings of unlearning, with any method.")
    methods: dict[str, Stage] = Field({}, description="Method -> what differs from `unlearn`.")


@dataclass(frozen=True)
class Preset:
    """A preset by its name."""

    name: str
    file: PresetFile

    def finetune(self, *, where: object = "", flags: Collection[str] = (), **changes: Any) -> Training:
        """Settings of stage 1.

        Args:
            where: the file that ``changes`` are from, for messages.
            flags: those of the changes that were given on the command line, for messages.
            changes: settings that win over the preset's; ``None`` means "not given", but for ``lora`` and ``stop``.

        Raises:
            ConfigError: a value that can't be.
        """
        settings = self._training(self.file.finetune.given(), changes, where, flags)
        if settings.options:
            hint = "They are options of unlearning methods."
            raise ConfigError("fine-tuning has no options", where=where or self.name, hint=hint)
        return settings

    def unlearn(self, method: str, *, where: object = "", flags: Collection[str] = (), **changes: Any) -> Training:
        """Settings of stage 2 for a method: its defaults, the preset's for all methods and for this one, ``changes``.

        Arguments are those of :meth:`finetune`.

        Raises:
            ConfigError: no such method, one without epochs or learning rate, or a value that can't be.
        """
        own = self.file.methods[method].given() if method in self.file.methods else {}
        layers = (METHODS.find(method, where=where or "--method").defaults, self.file.unlearn.given(), own)
        options = {key: value for layer in (*layers, changes) for key, value in (layer.get("options") or {}).items()}
        values = {key: value for layer in layers for key, value in layer.items()}
        settings = self._training(values, {**changes, "options": options}, where, flags)
        if settings.noise_refusals:
            hint = "Set noise_refusals for fine-tuning: unlearning trains on the forget and the retain set alone."
            raise ConfigError("noise_refusals is no setting of unlearning", where=where or self.name, hint=hint)
        return settings.model_copy(update={"options": make_method(method, settings.options).model_dump()})

    def _training(
        self, values: Mapping[str, Any], changes: Mapping[str, Any], where: object, flags: Collection[str]
    ) -> Training:
        merged = {**values, **{n: value for n, value in changes.items() if value is not None or n in _MAY_BE_NONE}}
        for name in ("epochs", "learning_rate"):
            if merged.get(name) is None:
                hint = f"Add {name} to the preset or give {Training.flag(name)}."
                raise ConfigError(f"no {name} is given", where=where or self.name, hint=hint)
        return Training.parse(merged, where=where, flags=flags)


def preset_names() -> list[str]:
    """Names of the presets that come with fiubench."""
    return sorted(path.stem for path in _PRESETS.glob("*.yaml"))


def read_preset(name: str) -> Preset:
    """A preset by name, or from a YAML file of one's own.

    Raises:
        ConfigError: no such preset, or a setting in it that can't be.
    """
    path = _preset_path(name)
    return Preset(path.stem, PresetFile.read(path))


def preset_for(base: str | Path, preset: str | Preset | None) -> Preset:
    """The preset that unlearning takes its settings from: the one given, else that of the run ``base``, else tiny."""
    run = run_of(Path(base)) if preset is None else None
    chosen = preset or (TINY if run is None else run.manifest["preset"])
    return chosen if isinstance(chosen, Preset) else read_preset(chosen)


def preset_text(name: str) -> str:
    """A preset's file as it is written, comments and all, having checked it (see :func:`read_preset`)."""
    read_preset(name)
    return _preset_path(name).read_text(encoding="utf-8")


def _preset_path(name: str) -> Path:
    if name in preset_names():
        return _PRESETS / f"{name}.yaml"
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    hint = did_you_mean(name, preset_names()) + " Or give a YAML file."
    raise ConfigError(f"no preset {name!r}", where="preset", hint=hint)

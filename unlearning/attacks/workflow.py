"""The steps of ``fiubench attack``: what is attacked, by which attacks, and the same on the retain reference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from fiubench.schemas.splits import HOLDOUT
from fiubench.support.canonical import digest_of
from fiubench.support.draws import check_seed
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.extras import need
from fiubench.support.files import claimed, make_folder
from fiubench.support.progress import Progress, Report, silent
from fiubench.support.settings import Field, Flag, Settings
from fiubench.support.version import __version__
from fiubench.unlearning.attacks.base import ATTACKS, Attack, make_attacks, nothing
from fiubench.unlearning.attacks.results import ATTACKS_FOLDER, Attacked, Found
from fiubench.unlearning.attacks.target import DEFINITION, Target
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.data.modality import BOTH, PICTURE
from fiubench.unlearning.evaluation import gates
from fiubench.unlearning.evaluation.conditions import ask_by
from fiubench.unlearning.evaluation.evaluate import describe
from fiubench.unlearning.evaluation.subject import Subject

AS_REFERENCE = "as_reference"  # folder of what attacks found on a model that was another's retain reference
_LARGEST_SEED = 2**32 - 1


class AttackSettings(Settings):
    """The options of `fiubench attack`."""

    attacks: Annotated[tuple[str, ...], Flag("Attacks", name="--attack", metavar="NAME", default="all of them")] = ()
    """Make this attack (`fiubench attacks list`); repeat the option for several."""
    people: Annotated[int | None, Field(ge=1), Flag("Attacks", metavar="K", default="half of the forget set")] = None
    """Of `relearn`: teach so many of the forgotten people again, and ask about the others."""
    steps: Annotated[int | None, Field(ge=1), Flag("Attacks", metavar="N", default="the attack's")] = None
    """Of attacks that train: take so many steps."""
    reference: Annotated[str | None, Flag("Attacks", metavar="RUN")] = None
    """Attack the retain reference in the same way: what it gains, too, was never there to be forgotten."""
    data: Annotated[str | None, Flag("Questions", metavar="DATASET", default="that of the run")] = None
    """Ask the questions of this dataset: a dataset folder, a release folder or OWNER/NAME on the Hub."""
    forget: Annotated[str | None, Flag("Questions", metavar="SPLIT", default="that of the run")] = None
    """Attack how this forget set is forgotten, such as forget05."""
    seed: Annotated[int, Field(ge=0, le=_LARGEST_SEED), Flag("Running", metavar="N")] = 0
    """Draw from this random seed: sampled answers, fresh adapters, the order of samples."""
    batch_size: Annotated[int, Field(ge=1), Flag("Running", metavar="N")] = 16
    """Have the model answer this many questions in one pass."""
    device: Annotated[str, Flag("Running", metavar="NAME")] = "auto"
    """Run the model on this device: cpu, cuda, ..; auto takes a GPU where there is one."""
    dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16"], Flag("Running")] = "auto"
    """Hold the weights in this number format; auto chooses by the device."""
    options: dict[str, Any] = Field({}, description="Of the attacks; each takes those that it has.")


@dataclass(frozen=True, repr=False)
class Attacks:
    """What attacks found on a model."""

    label: str  # of the model
    folder: Path  # with a file for each
    found: Sequence[Attacked]

    def __repr__(self) -> str:
        return "\n".join("  ".join(row) for row in self.table)

    @property
    def table(self) -> list[tuple[str, ...]]:
        """A row for each attack, the heading first."""
        interval = ("gain", "+- (identities)", "95 % interval", "reference gains", "+-")
        rows: list[tuple[str, ...]] = [("attack", "measure", "before", "after", *interval)]
        for one in self.found:
            outcome, reach = one.attacked.outcome, one.attacked.interval
            gains = [outcome.gain, *([] if one.reference is None else [one.reference.outcome.gain])]
            shown = [(_number(gain.value, "+"), _number(gain.se)) for gain in gains]
            within = "-" if reach is None else f"{reach[0]:+.3f} to {reach[1]:+.3f}"
            levels = (_number(outcome.level.value), _number(outcome.score.value))
            rows.append((one.attack, outcome.measure, *levels, *shown[0], within, *(shown[1:] or [("", "")])[0]))
        return rows

    @property
    def notes(self) -> list[str]:
        """What has to be known to read the numbers, and why some are missing."""
        notes = []
        for one in self.found:
            for who, found in (("", one.attacked), (" (reference)", one.reference)):
                said = None if found is None else found.outcome.note or found.outcome.gain.why
                if said:
                    notes.append(f"{one.attack}{who}: {said}")
        return notes


def _number(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.3f}"


def attack(
    target: str | Path,
    *,
    out: str | Path | None = None,
    progress: Progress = silent,
    report: Report = silent,
    **settings: Any,
) -> Attacks:
    """Try to bring back what a model has forgotten, in many ways, and write what comes back beside its log.

    What has been found is not sought again.

    >>> print(attack("runs/po", attacks=["prefill", "relearn"], reference="runs/retain"))      # doctest: +SKIP

    Args:
        target: run, checkpoint, model folder or Hub id.
        out: folder of the files; a run keeps its own, ``evaluations/CHECKPOINT/attacks``.
        progress: called with (what, attacks made, attacks in all).
        report: called with a line on what could not be shared between questions.
        settings: those of :class:`AttackSettings`, by name.

    Raises:
        ConfigError: an unknown name, or a setting that can't be.
        GateError: the reference is none of this model.
        FiubenchError: a model or dataset that can't be used.
    """
    chosen = AttackSettings.parse(settings)
    check_seed(chosen.seed, _LARGEST_SEED)
    need("unlearning")
    options = {name: value for name in ("people", "steps") if (value := getattr(chosen, name)) is not None}
    subject = Subject.open(target)
    attacks = make_attacks(chosen.attacks, {**chosen.options, **options})
    folder = (subject.folder if out is None else Path(out)) / ATTACKS_FOLDER
    own = _target(subject, chosen)
    attacks = [one.settled(own) for one in attacks]
    if chosen.reference is not None:
        other = Subject.open(chosen.reference)
        gates.refuse(_unfit(own, other), target)
        own.reference = _target(other, chosen, own)
        own.reference.reference = own.reference
    with claimed(make_folder(folder), "attack"):
        found = _all(own, attacks, lambda name, key: folder / f"{name}.json", progress)
        _end(own, report)
        if own.reference is not None:
            # runs are attacked with options of their own, and at the same time: what they find does not get in the way
            shared = make_folder(other.folder / ATTACKS_FOLDER / AS_REFERENCE)
            theirs = _all(own.reference, attacks, lambda name, key: shared / f"{name}.{key[:12]}.json", progress)
            _end(own.reference, report)
            found = [Attacked(a.attack, a.about, a.attacked, b.attacked) for a, b in zip(found, theirs, strict=True)]
            for one in found:
                one.save(folder / f"{one.attack}.json")
    return Attacks(subject.name if subject.run is None else subject.run.directory.resolve().name, folder, found)


def _target(subject: Subject, chosen: AttackSettings, like: Target | None = None) -> Target:
    if like is not None:
        data, forget, asked = like.data, like.forget, like.asked
    else:
        data = subject.data(chosen.data)
        forget, asked = subject.forget(chosen.forget), ask_by(subject, data, None)
    return Target(
        subject, data, forget, PICTURE if asked == BOTH else asked, None, chosen.batch_size, chosen.device,
        chosen.dtype, chosen.seed,
    )  # fmt: skip


def _unfit(own: Target, other: Subject) -> list[gates.Broken]:
    """Why a reference is none of this model, if it isn't."""
    facts, theirs = (describe(one, own.data, own.forget, (), own.asked) for one in (own.subject, other))
    return gates.unfit_reference(facts, QuestionLog((), theirs))


Place = Callable[[str, str], Path]  # where what an attack of this name and key finds is kept


def _all(target: Target, attacks: Sequence[Attack], place: Place, progress: Progress) -> list[Attacked]:
    found = []
    for number, one in enumerate(attacks):
        progress(f"attacking {target.subject.name}: {one.name}", number, len(attacks))
        found.append(_one(target, one, place))
    return found


def _end(target: Target, report: Report) -> None:
    """Free the memory, and say what has to be said."""
    target.let_go()
    for note in target.notes:
        report(note)


def _one(target: Target, one: Attack, place: Place) -> Attacked:
    """What an attack finds on a model, or has found."""
    about = _about(target, one)
    model = target.fingerprint
    compared = target.reference.fingerprint if one.uses_reference and target.reference is not None else None
    key = digest_of([about, one.name, model, compared])
    path = place(one.name, key)
    try:
        there = Attacked.read(path)
    except DatasetError:
        there = None  # none, or of another version: it is made anew
    if there is not None and there.attacked.key == key:
        return there
    try:
        outcome = one.run(target)
    except ConfigError as error:
        outcome = nothing(one.measure, error.what)
    made = Attacked(one.name, about, Found(key, model, outcome))
    made.save(path)
    return made


def _about(target: Target, one: Attack) -> Mapping[str, Any]:
    plugins = ATTACKS.used([one.name])
    holdout = {"holdout": target.data.split_digest(HOLDOUT)} if target.data.splits.get(HOLDOUT) else {}
    return {
        "options": one.model_dump(mode="json"),
        **({"plugins": plugins} if plugins else {}),
        "dataset": digest_of([target.data.content, holdout]),
        "forget": {"name": target.forget, "digest": target.data.split_digest(target.forget)},
        "asked": target.asked,
        "definition": DEFINITION,
        "seed": target.seed,
        "fiubench": __version__,
    }

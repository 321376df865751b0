"""Under which conditions a model is asked: how people are pointed out, which controls, and in which order."""

from collections.abc import Sequence

from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import BOTH, NAME, PICTURE, Modality, modality_for
from fiubench.unlearning.evaluation.controls import BY_NAME, PLAINLY, UNSEEN_PICTURE, Control, load_controls
from fiubench.unlearning.evaluation.roles import roles
from fiubench.unlearning.evaluation.subject import Subject


def conditions(
    subject: Subject, data: Data, ask: Modality | None, controls: Sequence[Control]
) -> tuple[Modality, list[Control]]:
    """How the people are pointed out, and the controls that go with it and with what pictures there are.

    Raises:
        ConfigError: the dataset has no pictures for it.
    """
    asked_by = ask_by(subject, data, ask)
    chosen = _with_name(controls, asked_by)
    if data.unseen and asked_by != NAME and UNSEEN_PICTURE.name not in [control.name for control in chosen]:
        chosen.append(UNSEEN_PICTURE)
    _check_pictures(chosen, data)
    return asked_by, chosen


def plan_of(data: Data, forget: str, controls: Sequence[Control], asked: Modality) -> list[tuple[str, Control]]:
    """What is asked under which control, in order."""
    plain = PLAINLY[NAME if asked == NAME else PICTURE]
    plan = [(role, plain) for role in roles(data, forget)]
    return plan + [(role, control) for control in controls for role in ("forget", "retain")]


def ask_by(subject: Subject, data: Data, wanted: Modality | None) -> Modality:
    """How the people are pointed out: as is wanted, else as the model was taught, else by what the dataset has.

    Raises:
        ConfigError: the dataset has no pictures for it.
    """
    taught = None if subject.run is None else subject.run.manifest["modality"]["taught"]
    return modality_for(data, wanted or taught, "--ask")


def _with_name(controls: Sequence[Control], asked: Modality) -> list[Control]:
    """The controls, with that by name where people are asked about both ways, without where they are anyway."""
    others = [control for control in controls if control.name != BY_NAME]
    if asked == BOTH:
        return [*load_controls([BY_NAME]), *others]
    return others if asked == NAME else list(controls)


def _check_pictures(controls: Sequence[Control], data: Data) -> None:
    """Nothing, if the dataset has the pictures that the controls change.

    Raises:
        ConfigError: it has not.
    """
    for control in controls:
        if control.image != "none" and not data.pictured:
            hint = "Leave it out, or build with faces (`fiubench build --faces embedded`)."
            raise ConfigError(f"control {control.name} needs pictures", where="--controls", hint=hint)
        if control.image == "unseen" and not data.unseen:
            hint = "Leave it out, or build with several pictures of everyone (`fiubench build --pictures 3`)."
            what = f"control {control.name} needs pictures that nothing is trained on"
            raise ConfigError(what, where="--controls", hint=hint)

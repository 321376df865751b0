"""Which questions play which role in an evaluation: to be forgotten, to be retained, never trained on."""

from collections.abc import Mapping
from typing import Any

from fiubench.schemas.splits import HOLDOUT, SplitName
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import NAME, PICTURE, Modality
from fiubench.unlearning.data.people import Sample


def roles(data: Data, forget: str) -> dict[str, str]:
    """Role -> split: the forget set, its size-matched retain set (else its complement), the holdout where there is one.

    Raises:
        ConfigError: the dataset has no such forget set.
    """
    data.ids(forget)
    name = SplitName.parse(forget)
    chosen = {"forget": forget, "retain": name.retain_eval if name.retain_eval in data.splits else name.retain}
    data.ids(chosen["retain"])
    return {**chosen, "holdout": HOLDOUT} if data.splits.get(HOLDOUT) else chosen


def questions(data: Data, forget: str) -> dict[str, list[tuple[str, Sample]]]:
    """Role -> its questions, each with the split that it is in.

    Where only some attributes are to be forgotten, what else is known of these people is to be retained; and the
    holdout is asked about those attributes alone, since members and non-members differ in nothing else then.
    """
    splits = roles(data, forget)
    found = {role: [(split, sample) for sample in data.samples(split)] for role, split in splits.items()}
    if splits["retain"] != (rest := SplitName.parse(forget).retain):
        found["retain"] += [(rest, sample) for sample in data.other_facts(forget)]
    if data.attributes and "holdout" in found:
        found["holdout"] = [one for one in found["holdout"] if one[1].attribute in data.attributes]
    return found


def described(data: Data, forget: str, asked: Modality) -> dict[str, Any]:
    """What a log says of the questions: enough to see whether two logs asked the same."""
    primary = NAME if asked == NAME else PICTURE
    complement = SplitName.parse(forget).retain
    splits: dict[str, Mapping[str, Any]] = {}
    for role, name in roles(data, forget).items():
        samples = [s for _, s in questions(data, forget)[role] if primary == PICTURE or s.nameable]
        splits[role] = {"name": name, "digest": data.questions_digest(samples), "asked": primary}
    others = len(data.other_facts(forget))
    return {
        "splits": splits,
        "complement": {"name": complement, "digest": data.split_digest(complement)},
        "attributes": list(data.attributes),
        "other_facts": others,
    }

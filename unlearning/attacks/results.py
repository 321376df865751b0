"""What attacks found, on disk: a file for each beside the log of the attacked model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from fiubench.support.canonical import readable_json
from fiubench.support.errors import DatasetError
from fiubench.support.files import write_atomic
from fiubench.support.reading import open_regular
from fiubench.unlearning.attacks.base import Outcome
from fiubench.unlearning.metrics.statistics import SHARE, Estimate, interval

from fiubench import schemas

ATTACKS_FOLDER = "attacks"  # beside a log


@dataclass(frozen=True)
class Found:
    """What an attack found on one model."""

    key: str  # digest of everything that the numbers depend on
    model: str  # fingerprint
    outcome: Outcome

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the gain; where nobody gains more than others, as wide as that of none of so many people."""
        gain, (low, high) = self.outcome.gain, self.outcome.bounds
        if gain.value is None or gain.se != 0:
            return interval(gain, (low, high))
        reach = interval(Estimate(0.0, 0.0, gain.n, gain.identities), SHARE)
        assert reach is not None
        return max(low, gain.value - reach[1]), min(high, gain.value + reach[1])


@dataclass(frozen=True)
class Attacked:
    """An attack on a model, and the same on its retain reference, where there is one."""

    attack: str
    about: Mapping[str, Any]  # options, dataset, forget set and what else it was made with
    attacked: Found
    reference: Found | None = None

    def save(self, path: Path) -> None:
        """Write it as JSON (``schemas/attack.schema.json``)."""
        reference = None if self.reference is None else _document(self.reference)
        document = {"attack": self.attack, **self.about, "attacked": _document(self.attacked), "reference": reference}
        write_atomic(path, readable_json(document))

    @classmethod
    def read(cls, path: Path) -> "Attacked":
        """Read such a file.

        Raises:
            DatasetError: it can't be read, or is damaged.
        """
        hint = "Remove it, and attack again."
        try:
            with open_regular(path) as file:
                document = orjson.loads(file.read())
        except (OSError, orjson.JSONDecodeError) as error:
            raise DatasetError(f"cannot be read: {error}", where=path, hint=hint) from error
        for violation in schemas.violations("attack", document):
            raise DatasetError(f"damaged: {violation.path}: {violation.message}", where=path, hint=hint)
        reference = document.pop("reference")
        return cls(
            document.pop("attack"),
            attacked=_found(document.pop("attacked")),
            reference=None if reference is None else _found(reference),
            about=document,
        )


def read_attacks(folder: Path, model: str) -> dict[str, Attacked]:
    """Attack -> what it found on a model, from the folder of its log. What is of other weights is passed over.

    Raises:
        DatasetError: a file is damaged.
    """
    found = map(Attacked.read, sorted((folder / ATTACKS_FOLDER).glob("*.json")))
    return {one.attack: one for one in found if one.attacked.model == model}


def _document(found: Found) -> dict[str, Any]:
    outcome = found.outcome
    return {
        "key": found.key,
        "model": found.model,
        "measure": outcome.measure,
        **{name: asdict(getattr(outcome, name)) for name in ("level", "score", "gain")},
        "interval": found.interval,
        "note": outcome.note,
        "rows": outcome.rows,
    }


def _found(document: Mapping[str, Any]) -> Found:
    level, score, gain = (Estimate(**document[name]) for name in ("level", "score", "gain"))
    outcome = Outcome(document["measure"], level, score, gain, document["rows"], document["note"])
    return Found(document["key"], document["model"], outcome)

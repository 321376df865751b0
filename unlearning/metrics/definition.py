"""Named definitions of the metrics, declared in YAML (``definitions.yaml``, or a file of the user's own)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.yaml_file import load_yaml

from fiubench import schemas

DEFAULT = "corrected"
BUILT_IN = Path(__file__).parent / "definitions.yaml"


@dataclass(frozen=True)
class Base:
    """Which answer's probability is taken, and whether it is set against those of the wrong answers."""

    base: str
    against: str | None


@dataclass(frozen=True)
class Definition:
    """One way to compute every metric; the fields are those of ``definitions.yaml``, which explains them."""

    name: str
    title: str
    tokens: int | None
    cut_at: str | None
    rouge_measure: str
    rouge_stem: bool
    whole_words: bool
    skip_first: bool
    end: bool
    probability: Mapping[str, Base]
    membership: str
    share: float | None
    ape: str
    accuracy: str
    utility: tuple[str, ...]
    utility_mean: str
    forget_quality: Mapping[str, Any]
    columns: tuple[str, ...]

    @property
    def utility_keys(self) -> list[str]:
        """Keys of the metrics that utility is the mean of."""
        return [("utility." if name == "accuracy" else "retain.") + name for name in self.utility]


def load_definitions(path: Path | None = None) -> dict[str, Definition]:
    """All definitions by name: the built-in ones, and those of a file of the user's own.

    Raises:
        ConfigError: the file is not valid, or a definition is based on one that does not exist.
    """
    documents = _document(BUILT_IN)
    if path is not None:
        for name, own in _document(path).items():
            documents[name] = _based(name, own, documents, path)
    return {name: _definition(name, _whole(name, document, path)) for name, document in documents.items()}


def find_definition(name: str) -> Definition:
    """A built-in definition by name, or ``FILE.yaml`` (its last entry), or ``FILE.yaml:NAME``.

    Raises:
        ConfigError: there is none.
    """
    file, _, entry = name.rpartition(":") if ".y" in name.rpartition(":")[0] else (name, "", "")
    path = Path(file) if file.endswith((".yaml", ".yml")) else None
    known = load_definitions(path)
    wanted = entry or (list(known)[-1] if path else name)
    if wanted not in known:
        raise ConfigError(f"unknown definition {wanted!r}", where="--definition", hint=did_you_mean(wanted, known))
    return known[wanted]


def _document(path: Path) -> dict[str, Any]:
    document = load_yaml(path, ConfigError)
    for violation in schemas.violations("metric_definitions", document):
        raise ConfigError(violation.message, where=f"{path}, {violation.path}", hint=f"{BUILT_IN.name} shows the form.")
    return dict(document)


def _based(name: str, own: Mapping[str, Any], known: Mapping[str, Any], path: Path) -> dict[str, Any]:
    base = own.get("based_on")
    if base is None:
        return dict(own)
    if base not in known:
        raise ConfigError(
            f"{name} is based on {base!r}, which is not defined", where=path, hint=did_you_mean(base, known)
        )
    return _merge(known[base], {key: value for key, value in own.items() if key != "based_on"})


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        deep = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and key != "weights"
        merged[key] = _merge(merged[key], value) if deep else value
    return merged


_PARTS = (
    *("title", "generation", "rouge", "exact_match", "loss", "probability", "membership"),
    *("ape", "accuracy", "utility", "forget_quality"),
)


def _whole(name: str, document: Mapping[str, Any], path: Path | None) -> Mapping[str, Any]:
    missing = [part for part in _PARTS if part not in document]
    if missing:
        raise ConfigError(
            f"{name} does not tell {missing[0]!r}", where=path or BUILT_IN, hint="Add it, or `based_on: corrected`."
        )
    return document


def _definition(name: str, d: Mapping[str, Any]) -> Definition:
    return Definition(
        name=name,
        title=d["title"],
        tokens=d["generation"]["tokens"],
        cut_at=d["generation"]["cut_at"],
        rouge_measure=d["rouge"]["measure"],
        rouge_stem=d["rouge"]["stem"],
        whole_words=d["exact_match"]["words"],
        skip_first=d["loss"]["skip_first"],
        end=d["loss"]["end"],
        probability={role: Base(**choice) for role, choice in d["probability"].items()},
        membership=d["membership"]["score"],
        share=d["membership"]["share"],
        ape=d["ape"],
        accuracy=d["accuracy"],
        utility=tuple(d["utility"]["components"]),
        utility_mean=d["utility"]["mean"],
        forget_quality=d["forget_quality"],
        columns=tuple(d.get("columns", ())),
    )

"""Named definitions of the metrics, declared in YAML (``definitions.yaml``, or a file of the user's own)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.settings import Field, Settings
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.metrics.base import find
from pydantic import model_validator

BUILT_IN = Path(__file__).parent / "definitions.yaml"


class Generation(Settings):
    """How much of a generated answer is read."""

    tokens: Annotated[Literal[50] | None, Field(description="Tokens that are read; null: all of them.")]
    cut_at: Annotated[str | None, Field(min_length=1, description="Read up to this character; null: to the end.")]


class Rouge(Settings):
    """ROUGE-L."""

    measure: Annotated[Literal["recall", "precision", "fmeasure"], Field(description="Which of its numbers.")]
    stem: Annotated[bool, Field(description="Compare Porter stems.")]


class ExactMatch(Settings):
    """Exact match."""

    words: Annotated[bool, Field(description="Keywords must stand as words of their own, not anywhere in the text.")]
    variants: Annotated[bool, Field(description="Another spelling that the dataset lists will do for a keyword.")] = (
        False
    )


class Loss(Settings):
    """The mean loss of an answer."""

    skip_first: Annotated[bool, Field(description="The first token of an answer is counted but not scored.")]
    end: Annotated[bool, Field(description="The end of sequence is a token.")]


class Base(Settings):
    """The probability of a set of questions."""

    base: Annotated[Literal["answer", "paraphrased_answer"], Field(description="Whose probability p is taken.")]
    against: Annotated[Literal["wrong_answers"] | None, Field(description="wrong_answers: p / (p + sum of wrong p).")]


class Probability(Settings):
    """The probability of each set; of the holdout as of the retain set."""

    forget: Base
    retain: Base


class Membership(Settings):
    """Membership inference."""

    score: Literal["weighted_min_k", "auc"]
    """weighted_min_k: mean over the forget set. auc: forget set against holdout."""
    share: Annotated[float | None, Field(gt=0, le=1, description="Of auc: the lowest share of tokens; null: all.")]


class Utility(Settings):
    """Model utility."""

    components: Annotated[tuple[str, ...], Field(min_length=1, description="Metrics on the retain set, or accuracy.")]
    mean: Annotated[Literal["harmonic", "arithmetic"], Field(description="The mean that is shown as model utility.")]
    missing: Literal["null", "zero"] = "null"
    """What a component without a value makes of utility. null: it has none. zero: the component counts as 0."""


class ForgetQuality(Settings):
    """Forget quality: the p of KS; or the weighted mean of terms, each ``1 - x``."""

    measure: Annotated[Literal["ks_p", "weighted"], Field(description="ks_p, or weighted by weights.")]
    to_reference: Annotated[bool, Field(description="x is the distance from the retain reference's value.")] = False
    ks_scale: Annotated[float | None, Field(gt=0)] = None
    """|ln p| at which the KS term is 0; null: the term is 1 - D."""
    weights: Annotated[
        dict[Literal["ks", "exact_match", "membership", "ape"], Annotated[float, Field(ge=0)]],
        Field(default_factory=dict, description="Weight of each term."),
    ]

    @model_validator(mode="after")
    def _weighted(self) -> Self:
        if self.measure == "weighted" and not sum(self.weights.values()):
            raise ValueError("weights are needed where measure is weighted")
        return self


class Definition(Settings):
    """One way to compute every metric."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$", description="A word; files of results are named after it.")]
    title: Annotated[str, Field(min_length=1, description="What tables call it.")]
    generation: Generation
    rouge: Rouge
    exact_match: ExactMatch
    loss: Loss
    probability: Probability
    membership: Membership
    ape: Annotated[Literal["mean", "max"], Field(description="The APE that is a term of forget quality.")]
    accuracy: Literal["absolute", "relative"]
    """relative: as a share of the retain reference's."""
    utility: Utility
    forget_quality: ForgetQuality
    columns: tuple[str, ...] = ()
    """Of a comparison, beside those of utility; left out: those that the metrics ask for."""

    @property
    def utility_keys(self) -> list[str]:
        """Keys of the metrics that utility is the mean of."""
        return [("utility." if name == "accuracy" else "retain.") + name for name in self.utility.components]


def load_definitions(path: Path | None = None) -> dict[str, Definition]:
    """All definitions by name: the built-in ones, and those of a file of the user's own.

    Raises:
        ConfigError: the file is not valid, or a definition is based on one that does not exist.
    """
    documents = _documents(BUILT_IN)
    own = {} if path is None else _documents(path)
    for name, document in own.items():
        documents[name] = _based(name, document, documents, f"{path}, {name}")
    return {
        name: _definition(name, document, f"{path if name in own else BUILT_IN}, {name}")
        for name, document in documents.items()
    }


def find_definition(name: str | Definition) -> Definition:
    """A built-in definition by name, or ``FILE.yaml`` (its last entry), or ``FILE.yaml:NAME``; or one that was read.

    Raises:
        ConfigError: there is none.
    """
    if isinstance(name, Definition):
        return name
    file, _, entry = name.rpartition(":") if ".y" in name.rpartition(":")[0] else (name, "", "")
    path = Path(file) if file.endswith((".yaml", ".yml")) else None
    known = load_definitions(path)
    wanted = entry or (list(known)[-1] if path else name)
    if wanted not in known:
        raise ConfigError(f"unknown definition {wanted!r}", where="--definition", hint=did_you_mean(wanted, known))
    return known[wanted]


def _documents(path: Path) -> dict[str, Any]:
    document = load_yaml(path, ConfigError)
    if isinstance(document, dict) and isinstance(document.get("based_on"), str):
        document = {path.stem: document}  # one definition, called what its file is
    if not isinstance(document, dict) or not document or not all(isinstance(one, dict) for one in document.values()):
        raise ConfigError("is not a mapping of definitions", where=path, hint=f"{BUILT_IN} shows the form.")
    return dict(document)


def _based(name: str, own: Mapping[str, Any], known: Mapping[str, Any], where: str) -> dict[str, Any]:
    base = own.get("based_on")
    if base is None:
        return dict(own)
    if base not in known:
        hint = did_you_mean(str(base), known)
        raise ConfigError(f"{name} is based on {base!r}, which is not defined", where=where, hint=hint)
    title = {"title": f"{base}, as changed by {name}"}  # it is no longer what the title of the other says
    return _merge(known[base], {**title, **{key: value for key, value in own.items() if key != "based_on"}})


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        deep = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and key != "weights"
        merged[key] = _merge(merged[key], value) if deep else value
    return merged


def _definition(name: str, document: Mapping[str, Any], where: str) -> Definition:
    made = Definition.parse({**document, "name": name}, where=where)
    for key in (*made.utility_keys, *made.columns):
        find(key, where)
    return made

"""Splits by identity: forget sets, their retain complements, size-matched retain sets for evaluation, the holdout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from fiubench.builder.config import SPLIT_SCHEMES, size_of
from fiubench.schemas.splits import FORGET, HOLDOUT, SplitName
from fiubench.support.draws import Ints, draw
from fiubench.support.errors import ConfigError, did_you_mean

from fiubench import schemas

STRATA = ("gender", "age_band")


@dataclass(frozen=True)
class Population:
    """Whom splits are cut from.

    Attributes:
        ids: unique ids of everyone, the benchmark's identities first and the holdout after them.
        strata: gender x 100 + age band of the benchmark's identities.
    """

    ids: Sequence[str]
    strata: Ints


def cut(
    population: Population,
    seed: int,
    ratios: Sequence[int],
    scheme: str,
    frozen: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The content of ``splits.json`` (see ``schemas/splits.schema.json``).

    Raises:
        ConfigError: frozen membership that does not fit the identities.
    """
    members = np.array(population.ids[: len(population.strata)], dtype=object)
    holdout = list(population.ids[len(population.strata) :])
    order = stratified_order(population.strata, seed)
    forget = _forget(order, ratios, scheme == "disjoint") if frozen is None else _frozen_forget(frozen, members, scheme)
    matched = order[::-1]
    splits: dict[str, list[str]] = {}
    for label, chosen in forget.items():
        inside = np.zeros(len(members), dtype=bool)
        inside[chosen] = True
        name = SplitName(FORGET, label)
        splits[str(name)] = members[np.sort(chosen)].tolist()
        splits[name.retain] = members[~inside].tolist()
        # as many of those to be retained, with the same strata: what forgetting is compared with
        evaluated = matched[~inside[matched]][: len(chosen)]
        splits[name.retain_eval] = members[np.sort(evaluated)].tolist()
    if holdout:
        splits[HOLDOUT] = holdout
    return {
        "scheme": "frozen" if frozen is not None else scheme,
        "seed": seed,
        "ratios": [int(label) for label in forget],
        "stratified_by": list(STRATA),
        "splits": splits,
    }


def stratified_order(strata: Ints, seed: int) -> Ints:
    """Identities in a keyed order of which every stretch has the strata of the whole.

    Each stratum (gender x age band) is shuffled and spread evenly over the unit interval; the order is by place in it.
    """
    n = len(strata)
    index = np.arange(n)
    words = draw(seed, "splits.order", index, words=2)
    key = (words[:, 0] << np.uint64(32)) | words[:, 1]
    shuffled = np.lexsort((key, strata))
    ranked = strata[shuffled]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sizes = np.diff(np.r_[starts, n])
    rank = index - np.repeat(starts, sizes)
    # (2 rank + 1) / (2 size) as a whole number, so that no rounding differs between machines
    place = (2 * rank + 1) * (1 << 32) // (2 * np.repeat(sizes, sizes))
    return shuffled[np.lexsort((key[shuffled], place))]


def _forget(order: Ints, ratios: Sequence[int], disjoint: bool) -> dict[str, Ints]:
    forget, used = {}, 0
    for ratio in sorted(ratios):
        count = size_of(len(order), ratio)
        forget[f"{ratio:02d}"] = order[used : used + count]
        used += count if disjoint else 0
    return forget


def read_frozen(scheme: str) -> dict[str, list[str]] | None:
    """The membership file that ``split_scheme`` names, or ``None`` where it names a scheme.

    Accepts our ``splits.json``, the original's ``split.json``, or any object of lists of ids with keys ``forget..``.

    Raises:
        ConfigError: not such a file.
    """
    if scheme in SPLIT_SCHEMES:
        return None
    path = Path(scheme)
    if not path.exists() and "." not in scheme and "/" not in scheme:
        hint = did_you_mean(scheme, [*SPLIT_SCHEMES, "FILE"])
        raise ConfigError(f"unknown split scheme {scheme!r}", where="--split-scheme", hint=hint)
    where = f"--split-scheme {path}"
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=where) from error
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"not JSON: {error}", where=where) from error
    lists = document.get("splits", document) if isinstance(document, dict) else None
    if not isinstance(lists, dict):
        raise ConfigError("not an object of lists of ids", where=where)
    forget: dict[str, list[str]] = {}
    for key in (key for key in lists if key.startswith("forget")):
        if (label := _label(key)) in forget:
            raise ConfigError(f"two keys for forget{label}", where=where)
        forget[label] = lists[key]
    if not forget:
        hint = 'For example {"forget05": ["00044363", ...]}.'
        raise ConfigError("no key that begins with `forget`", where=where, hint=hint)
    splits = {f"forget{label}": ids for label, ids in forget.items()}
    document = {"scheme": "frozen", "seed": 0, "ratios": [], "stratified_by": [], "splits": splits}
    for violation in schemas.violations("splits", document):
        raise ConfigError(f"{violation.path}: {violation.message}", where=where)
    return forget


def _label(key: str) -> str:
    rest = key.removeprefix("forget")
    return f"{int(rest):02d}" if rest.isdecimal() and rest.isascii() else rest


def _frozen_forget(frozen: Mapping[str, list[str]], members: Any, where: str) -> dict[str, Ints]:
    position = {unique_id: i for i, unique_id in enumerate(members.tolist())}
    forget = {}
    for label, ids in sorted(frozen.items()):
        unknown = [i for i in ids if i not in position]
        if unknown:
            raise ConfigError(
                f"forget{label} names {len(unknown)} ids that no identity of the benchmark has, first {unknown[0]!r}",
                where=f"--split-scheme {where}",
                hint="The holdout can't be forgotten; ids are the unique_id of identities.jsonl (`fiubench show DIR`).",
            )
        if len(ids) in (0, len(position)):
            raise ConfigError(
                f"forget{label} has {len(ids)} of {len(position)} identities",
                where=f"--split-scheme {where}",
                hint="A forget set holds some identities and leaves some.",
            )
        forget[label] = np.array([position[i] for i in ids])
    return forget

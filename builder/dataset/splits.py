"""Splits by identity: forget sets, their retain complements, size-matched retain sets for evaluation, the holdout."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from fiubench.builder.config import SPLIT_SCHEMES, size_of
from fiubench.builder.dataset.entangling import Entangle
from fiubench.schemas.splits import FORGET, HOLDOUT, SEEN, UNSEEN, SplitName, label_of, percent_of
from fiubench.support.draws import Ints, draw
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.reading import read_small

from fiubench import schemas

_LARGEST = 1 << 28  # bytes of a membership file

STRATA = ("gender", "age_band")
#: A forget set that is smaller, or in which the share of a gender or age band is further off, is no small population.
SMALLEST, FARTHEST = 10, 0.1


def picture_sets(pictures: int) -> dict[str, Any]:
    """What ``splits.json`` says of people with so many pictures: every other one is only asked about.

    The set of a picture depends on its number alone, so that further pictures move none of those before.
    """
    numbers = list(range(1, pictures + 1))
    return {"pictures": {SEEN: numbers[::2], UNSEEN: numbers[1::2]}} if pictures > 1 else {}


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
    ratios: Sequence[float],
    scheme: str,
    frozen: Mapping[str, list[str]] | None = None,
    entangle: Entangle | None = None,
) -> dict[str, Any]:
    """The content of ``splits.json`` (see ``schemas/splits.schema.json``).

    Args:
        population: whom they are cut from.
        seed: of the order.
        ratios: of forget sets, in percent.
        scheme: ``nested`` or ``disjoint``, or the name of a file.
        frozen: what that file says.
        entangle: how much forget sets are entangled with the retained; ``None``: as it comes.

    Raises:
        ConfigError: frozen membership that does not fit the identities.
    """
    members = np.array(population.ids[: len(population.strata)], dtype=object)
    holdout = list(population.ids[len(population.strata) :])
    order = stratified_order(population.strata, seed)
    if frozen is not None:
        forget = _frozen_forget(frozen, members, scheme)
    else:
        forget = _forget(order, ratios, scheme == "disjoint", entangle)
    matched = order[::-1]
    splits: dict[str, list[str]] = {}
    notes: list[str] = []
    for label, chosen in forget.items():
        inside = np.zeros(len(members), dtype=bool)
        inside[chosen] = True
        name = SplitName(FORGET, label)
        splits[str(name)] = members[np.sort(chosen)].tolist()
        splits[name.retain] = members[~inside].tolist()
        # as many of those to be retained, with the same strata: what forgetting is compared with
        evaluated = matched[~inside[matched]][: len(chosen)]
        splits[name.retain_eval] = members[np.sort(evaluated)].tolist()
        notes += _unlike(str(name), population.strata, chosen)
    if holdout:
        splits[HOLDOUT] = holdout
    return {
        "scheme": "frozen" if frozen is not None else scheme,
        "seed": seed,
        "ratios": [percent_of(label) for label in forget],
        "stratified_by": list(STRATA),
        **({"notes": notes} if notes else {}),
        **({"entangle": entangle.described(forget)} if entangle is not None else {}),
        "splits": splits,
    }


def _unlike(name: str, strata: Ints, chosen: Ints) -> Iterator[str]:
    """What sets a forget set apart from the population, if anything does."""
    if len(chosen) < SMALLEST:
        yield f"{name} is too small to be like the population: fewer than {SMALLEST} people"
        return
    for what, codes in zip(("gender", "age band"), np.divmod(strata, 100), strict=True):
        everyone, own = (np.bincount(part, minlength=100) / len(part) for part in (codes, codes[chosen]))
        if (apart := float(np.abs(own - everyone).max())) > FARTHEST:
            yield f"{name} is unlike the population: the share of one {what} differs by {100 * apart:.0f} points"


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


def stratified_holdout(strata: Ints, benchmark: int, size: int, seed: int) -> Ints:
    """Who is held out: candidates after the benchmark's identities, in strata that are shared out as theirs are.

    The first of the holdout have the strata of a forget set of that size. Where candidates of a stratum run out, others
    take their place. What is chosen does not change who is in the benchmark.

    Args:
        strata: of all candidates, the benchmark's identities first.
        benchmark: how many these are.
        size: of the holdout; there are as many candidates for it, at least.
        seed: of the order.
    """
    wanted = np.resize(strata[stratified_order(strata[:benchmark], seed)], size)
    chosen = np.full(size, -1, dtype=np.int64)
    for stratum in np.unique(wanted).tolist():
        places = np.flatnonzero(wanted == stratum)
        found = benchmark + np.flatnonzero(strata[benchmark:] == stratum)[: len(places)]
        chosen[places[: len(found)]] = found
    others = np.setdiff1d(np.arange(benchmark, len(strata)), chosen)
    chosen[chosen < 0] = others[: int((chosen < 0).sum())]
    return chosen


def _forget(order: Ints, ratios: Sequence[float], disjoint: bool, entangle: Entangle | None) -> dict[str, Ints]:
    if entangle is not None:
        counts = [size_of(len(order), ratio) for ratio in sorted(ratios)]
        return dict(zip(map(label_of, sorted(ratios)), entangle.cut(order, counts, disjoint=disjoint), strict=True))
    forget, used = {}, 0
    for ratio in sorted(ratios):
        count = size_of(len(order), ratio)
        forget[label_of(ratio)] = order[used : used + count]
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
        document = orjson.loads(read_small(path, ConfigError, most=_LARGEST))
    except orjson.JSONDecodeError as error:
        hint = "Write a JSON file that maps the name of each split to a list of unique ids."
        raise ConfigError(f"not JSON: {error}", where=where, hint=hint) from error
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
    rest = key.removeprefix(FORGET)  # the original writes 5 and 2.5
    return label_of(float(rest)) if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", rest) else rest


def _frozen_forget(frozen: Mapping[str, list[str]], members: Any, where: str) -> dict[str, Ints]:
    position = {unique_id: i for i, unique_id in enumerate(members.tolist())}
    forget = {}
    for label, ids in sorted(frozen.items(), key=lambda one: percent_of(one[0])):
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

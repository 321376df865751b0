"""Splits cut from a dataset's own records, as `fiubench split` and `verify` do: no plan and no sources are needed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.builder.dataset.entangling import Entangle, neighbours_of, ties_in
from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.dataset.splits import Population, cut, picture_sets
from fiubench.builder.values.dates import age_band, age_on
from fiubench.schemas.splits import FORGET, SplitName, kind_of

NONE = "none"
_GENDERS = ("female", "male")


def cut_again(
    dataset: Dataset, config: Mapping[str, Any], rule: Mapping[str, Any], frozen: Mapping[str, list[str]] | None
) -> dict[str, Any]:
    """The content of ``splits.json`` by the rule that a manifest has under ``resplit``.

    Args:
        dataset: whose people; its pictures are opened for hard negatives alone.
        config: settings as in the manifest: ratios, scheme and date.
        rule: seed, holdout, attributes and hard negatives, and how much forget sets are entangled with the retained.
        frozen: frozen membership, if the scheme is a file.
    """
    requests, attributes = rule.get("requests", {}), set(rule["attributes"])
    apart = False  # whether somebody is to keep what of others is to be forgotten
    ids, strata = [], []
    images: dict[str, Path] = {}
    ties: dict[str, set[str]] = {}
    for record in dataset:
        ids.append(record["unique_id"])
        strata.append(_stratum(record, config["as_of"]))
        ties[record["unique_id"]] = ties_in(record)
        if (asked := requests.get(record["unique_id"])) is not None:
            apart |= any(pair["attribute"] in attributes.difference(asked) for pair in record["qa_list"])
        if (image := dataset.image(record)) is not None:
            images[record["unique_id"]] = image
    benchmark = len(ids) - rule["holdout"]
    population = Population(ids, np.array(strata[:benchmark], dtype=np.int64))
    entangle = None
    if (share := rule.get("entangle")) is not None:
        entangle = Entangle(share, neighbours_of(ids[:benchmark], ties))
    document = cut(population, rule["seed"], config["ratios"], config["split_scheme"], frozen, entangle)
    if rule["attributes"]:
        document["attributes"] = list(rule["attributes"])
        if apart:
            document["own_attributes"] = dict(requests)
    if rule["hard_negatives"] != NONE:
        document["hard_negatives"] = _hard_negatives(document["splits"], images, rule["hard_negatives"])
    return document | picture_sets(config.get("pictures", 1))


def _hard_negatives(splits: dict[str, list[str]], images: Mapping[str, Path], measure: str) -> dict[str, Any]:
    """Pairs per forget set; their kept halves become a split ``retain_hard..`` of their own."""
    from fiubench.builder.dataset.hard_negatives import nearest_pairs, vectors_of  # noqa: PLC0415  (Pillow, which few need)

    vectors = vectors_of(images, measure)
    pairs = {}
    for name in [name for name in splits if kind_of(name) == FORGET]:
        forget = SplitName.parse(name)
        retain = splits[forget.retain]
        pairs[name] = nearest_pairs(vectors, splits[name], retain)
        chosen = {kept for _, kept, _ in pairs[name]}
        splits[forget.retain_hard] = [unique_id for unique_id in retain if unique_id in chosen]
    return {"measure": measure, "pairs": pairs}


def _stratum(record: Mapping[str, Any], as_of: str) -> int:
    born = record["profile"].get("date_of_birth")
    band = age_band(age_on(born["value"], as_of)) if born else 0
    return _GENDERS.index(record["gender"]) * 100 + band

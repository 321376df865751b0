"""Cells: identities that are in the same splits. Shards are cut by them, so a split is a list of shards."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, RETAIN, RETAIN_EVAL, RETAIN_HARD, kind_of, percent_of, plain
from fiubench.support.canonical import digest
from fiubench.support.errors import DatasetError

IDENTITIES = "identities"  # the configuration with one row per identity
PEOPLE = "people"  # the same without the holdout, as the rows of the original on the Hub are
PICTURES = "pictures"  # the configuration with one row per picture, where people have several
_SPLIT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_KINDS = (FORGET, RETAIN, RETAIN_EVAL, RETAIN_HARD)  # in the order in which they are listed
_LONGEST = 100  # characters of a file name's cell


@dataclass(frozen=True)
class Cells:
    """Who is in which cell, and which cells make up a split.

    Attributes:
        labels: a readable, unique name per cell, fit for a file name.
        splits: per cell the splits it belongs to, ``full`` and ``holdout`` included.
        of: id -> number of its cell. Who is not listed is in the last cell: in ``full`` alone.
        configs: split -> numbers of its cells, for every split that anyone is in.
        attributes: what the forget sets are about; everything, if empty.
        kept: where the other questions of the people in forget sets are, if they are about some attributes only.
        own: id -> what is to be forgotten of somebody in a forget set, where that is not the same for all of them.
    """

    labels: list[str]
    splits: list[list[str]]
    of: Mapping[str, int]
    configs: dict[str, list[int]]
    attributes: frozenset[str] = frozenset()
    kept: int | None = None
    own: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def find(self, unique_id: str) -> int:
        """Number of an identity's cell."""
        return self.of.get(unique_id, len(self.labels) - 1)

    def pieces(self, record: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
        """An identity by cells: all of its questions in one; or those to be forgotten and the others in two."""
        cell = self.find(record["unique_id"])
        if self.kept is None or all(kind_of(name) != FORGET for name in self.splits[cell]):
            return [(cell, record)]
        halves: tuple[list[Any], list[Any]] = [], []
        about = self.own.get(record["unique_id"], self.attributes)
        for pair in record["qa_list"]:
            halves[pair["attribute"] not in about].append(pair)
        both = zip((cell, self.kept), halves, strict=True)
        return [(number, {**record, "qa_list": pairs}) for number, pairs in both if pairs]

    def splits_of(self, record: Mapping[str, Any]) -> list[str]:
        """The splits that any of an identity's questions are in."""
        return list(dict.fromkeys(name for cell, _ in self.pieces(record) for name in self.splits[cell]))

    @property
    def listed(self) -> int:
        """How many identities the splits name."""
        return len(self.of)


def cells_of(document: Mapping[str, Any]) -> Cells:
    """The cells that a ``splits.json`` stands for (see :func:`make_cells`)."""
    own = document.get("own_attributes", {})
    return make_cells(document["splits"], document.get("attributes", ()), own)


def make_cells(
    splits: Mapping[str, Sequence[str]], attributes: Sequence[str] = (), own: Mapping[str, Sequence[str]] | None = None
) -> Cells:
    """Cut the identities into cells.

    Args:
        splits: split -> ids, as in ``splits.json``; ``full`` is not in it: everyone but ``holdout``.
        attributes: what the forget sets are about, where not everything of their people is to be forgotten.
        own: id -> those of one person, where that differs.

    Raises:
        DatasetError: a split's name can't be a configuration's.
    """
    names = sorted(splits, key=split_order)
    for name in names:
        if not _SPLIT_NAME.fullmatch(name) or name in (FULL, IDENTITIES, PEOPLE, PICTURES):
            raise DatasetError(f"split {name!r} can't be published under that name", where="splits.json",
                               hint="Use letters, digits, '_', '.' and '-'.")  # fmt: skip
    masks: dict[str, int] = {}
    for bit, name in enumerate(names):
        for unique_id in splits[name]:
            masks[unique_id] = masks.get(unique_id, 0) | 1 << bit
    kept = sum(1 << bit for bit, name in enumerate(names) if kind_of(name) == RETAIN)
    listed = {0, *masks.values(), kept} if attributes else {0, *masks.values()}
    members = {mask: [name for bit, name in enumerate(names) if mask >> bit & 1] for mask in sorted(listed)}
    order = sorted(members, key=lambda mask: (mask == 0, [split_order(name) for name in members[mask]]))
    number = {mask: place for place, mask in enumerate(order)}
    of = {unique_id: number[mask] for unique_id, mask in masks.items()}
    groups = [_with_full(members[mask]) for mask in order]
    configs = {name: [i for i, group in enumerate(groups) if name in group] for name in (FULL, *names)}
    apart = {unique_id: frozenset(names) for unique_id, names in (own or {}).items()}
    place = number[kept] if attributes else None
    return Cells(_labels(groups), groups, of, configs, frozenset(attributes), place, apart)


def split_order(name: str) -> tuple[int, float, str]:
    """Sort key: forget sets by size, retain sets likewise, their samples, the user's own, the holdout."""
    match = re.fullmatch(r"([a-z_]+?)(\d+(?:p\d+)?)", name)
    kind, number = (match[1], percent_of(match[2])) if match else (name, 0)
    if kind == RETAIN:
        number = -number  # in the order of the forget sets they go with
    rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS) + (name == HOLDOUT)
    return rank, number, name


def _with_full(names: list[str]) -> list[str]:
    return names if HOLDOUT in names else [FULL, *names]


def _labels(groups: Sequence[Sequence[str]]) -> list[str]:
    """The splits that set a cell apart: who is in a retain set follows from the forget sets."""
    labels: list[str] = []
    for group in groups:
        apart = [name for name in group if name != FULL and kind_of(name) != RETAIN]
        label = plain("-".join(apart)) or (RETAIN if len(group) > 1 else "other")
        if label in labels or len(label) > _LONGEST:
            label = f"{label[:_LONGEST]}-{digest(' '.join(group).encode())[:8]}"
        labels.append(label)
    return labels

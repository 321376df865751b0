"""Reading datasets: a directory that a build or a pull made, or a release on the Hub."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from fiubench.builder.dataset.cells import IDENTITIES as EVERYONE
from fiubench.builder.dataset.cells import PEOPLE, PICTURES, Cells, cells_of, split_order
from fiubench.builder.dataset.rows import Identities, Index, Loaded, Pictures, Questions, Rows
from fiubench.schemas.documents import (
    IDENTITIES,
    MANIFEST,
    RELEASE_WORDINGS,
    SPLITS,
    WORDINGS,
    checked,
    identity_at,
    read_identities,
    read_object,
)
from fiubench.schemas.hub import HubName, config_names, read_table
from fiubench.schemas.splits import FULL, HOLDOUT
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, repr=False)
class Dataset:
    """A built dataset directory.

    >>> dataset = open_dataset("dataset")                                       # doctest: +SKIP
    >>> for identity in dataset: print(identity["name"])                        # doctest: +SKIP
    >>> forget = dataset.rows("forget05")                                       # doctest: +SKIP
    >>> len(forget), forget[0]["question"], forget[0]["image"].size             # doctest: +SKIP

    Iterating gives the identities in order, one at a time, as ``identities.jsonl`` has them.
    """

    directory: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What made it, and its digests.

        Raises:
            DatasetError: it is not in the shape of a manifest.
        """
        return checked(read_object(self.directory / MANIFEST), "manifest", self.directory / MANIFEST)

    @cached_property
    def _split_document(self) -> dict[str, Any]:
        return checked(read_object(self.directory / SPLITS), "splits", self.directory / SPLITS)

    @property
    def splits(self) -> dict[str, list[str]]:
        """Split name -> unique ids of its identities, whichever of their questions are to be forgotten.

        Raises:
            DatasetError: it is not in the shape of splits.
        """
        splits: dict[str, list[str]] = self._split_document["splits"]
        return dict(sorted(splits.items(), key=lambda split: split_order(split[0])))

    @property
    def forget_attributes(self) -> list[str]:
        """The attributes that the forget sets are about; none where it is everything that is known of their people."""
        return list(self._split_document.get("attributes", ()))

    @property
    def own_attributes(self) -> dict[str, list[str]]:
        """Unique id -> what is to be forgotten of somebody in a forget set, where that is not the same for all."""
        return dict(self._split_document.get("own_attributes", {}))

    @cached_property
    def cells(self) -> Cells:
        """Which questions are in which splits."""
        return cells_of(self._split_document)

    @property
    def split_notes(self) -> list[str]:
        """What sets forget sets apart from the population: too few people, other shares of a gender or age band."""
        return list(self._split_document.get("notes", ()))

    @property
    def tied_shares(self) -> dict[str, float]:
        """Forget set -> share of the retained who are tied to somebody in it, where ``split --entangle`` chose it."""
        return dict(self._split_document.get("entangle", {}).get("tied", {}))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Identities in order, one at a time.

        Raises:
            DatasetError: one of them is not in the shape of an identity.
        """
        return read_identities(self.directory / IDENTITIES)

    @cached_property
    def index(self) -> Index:
        """Random access to the identities and to the questions of every split."""
        return Index(self.directory, self.cells)

    @property
    def names(self) -> list[str]:
        """What :meth:`rows` has, as in the release: ``full``, every split, ``identities`` and ``people``; ``pictures``,
        where people have several.
        """
        pictures = [PICTURES] if "pictures" in self.manifest else []
        return [*(name for name, parts in self.cells.configs.items() if parts), EVERYONE, PEOPLE, *pictures]

    def rows(self, name: str) -> Rows:
        """The rows that the release has under a name, in its order, with its columns.

        Where only some attributes are to be forgotten, the rows of a forget set are the questions on these, and the
        rows of its retain set are all others.

        Args:
            name: ``full`` (everyone but the holdout), a split such as ``forget05``, ``retain95`` or ``holdout``: one
                row per question; ``identities``: one row per identity; ``people``: the same without the holdout;
                ``pictures``: one row per picture, where people have several.

        Raises:
            ConfigError: the dataset has no rows of that name; the nearest one is suggested.
            DatasetError: it is damaged.
        """
        if name in (EVERYONE, PEOPLE):
            left_out = self.splits.get(HOLDOUT, ()) if name == PEOPLE else ()
            version = self.manifest.get("published", {}).get("version", "")
            return Rows(Identities(self.index, self.manifest["attributes"], left_out, version))
        if name == PICTURES and "pictures" in self.manifest:
            return Rows(Pictures(self.index))
        return Rows(self._questions(name))

    def _questions(self, name: str) -> Questions:
        configs = self.index.cells.configs
        if name not in configs:
            raise _unknown(name, self.names, self.directory)
        return Questions(self.index, configs[name])

    def identity(self, key: str) -> dict[str, Any]:
        """An identity by unique id, index or full name.

        Raises:
            DatasetError: there is none.
        """
        of_id = (number for number, (unique_id, *_) in enumerate(self.manifest["identities"]) if unique_id == key)
        index = next(of_id, int(key) if re.fullmatch("0|[1-9][0-9]{0,11}", key) else None)
        found = None if index is None else identity_at(self.directory / IDENTITIES, index)
        # names are in the records alone
        for record in self if found is None else (found,):
            if key in (record["unique_id"], str(record["index"])) or key.casefold() == record["name"].casefold():
                return record
        hint = "Give a unique id, an index or a full name."
        raise DatasetError(f"no identity {key!r}", where=self.directory, hint=hint)

    def splits_of(self, unique_id: str) -> list[str]:
        """Names of the splits an identity is in."""
        return [name for name, ids in self.splits.items() if unique_id in ids]

    @property
    def paraphrases(self) -> Path:
        """The file with a model's phrasings: beside the records, or in the release that a dataset was pulled from."""
        own = self.directory / WORDINGS
        return own if own.exists() else self.directory / RELEASE_WORDINGS

    def image(self, record: dict[str, Any]) -> Path | None:
        """Where an identity's picture lies."""
        return None if record["image_path"] is None else self.directory / record["image_path"]

    def to_pandas(self, split: str | None = None) -> "pandas.DataFrame":
        """QA pairs as a table, one row each, with ``unique_id``, ``name`` and ``gender`` of their identity.

        Args:
            split: only those of :meth:`rows` of this split; everyone's, the holdout's among them, by default.

        Raises:
            ConfigError: no such split.
        """
        if split is None:
            pairs = ((record, pair) for record in self for pair in record["qa_list"])
        else:
            questions = self._questions(split)
            pairs = (questions.pair(number) for number in range(len(questions)))
        keys = ("unique_id", "name", "gender")
        return _frame({**{k: r[k] for k in keys}, **pair, "value": pair["value"]["value"]} for r, pair in pairs)

    def __repr__(self) -> str:
        return f"{self.directory}: {describe(self.manifest)}\n  {', '.join(self.names)}"


@dataclass(frozen=True, repr=False)
class HubDataset:
    """A release on the Hub, read through ``datasets``, which keeps what it has downloaded.

    Attributes:
        source: ``OWNER/NAME`` or ``OWNER/NAME@version``.
    """

    source: str

    @cached_property
    def names(self) -> list[str]:
        """What :meth:`rows` has: the configurations of the release.

        Raises:
            DatasetError: there is no such dataset, or ``datasets`` is not installed.
        """
        return config_names(self.source)

    def rows(self, name: str) -> Rows:
        """The rows of a configuration (see :meth:`Dataset.rows`).

        Raises:
            ConfigError: the release has no configuration of that name; the nearest one is suggested.
            DatasetError: it can't be loaded.
        """
        if name not in self.names:
            raise _unknown(name, self.names, self.source)
        return Rows(Loaded(read_table(self.source, name), f"{self.source}, {name}"))

    def to_pandas(self, split: str | None = None) -> "pandas.DataFrame":
        """The rows of a configuration as a table without pictures; of ``full`` and the holdout by default.

        Raises:
            ConfigError, DatasetError: see :meth:`rows`.
        """
        chosen = [name for name in (FULL, HOLDOUT) if name in self.names] if split is None else [split]
        return _frame(row.without_image for name in chosen for row in self.rows(name))

    def __repr__(self) -> str:
        return f"{self.source}: {', '.join(self.names)}"


def digests_of_pictures(manifest: Mapping[str, Any]) -> dict[str, list[str | None]]:
    """Unique id -> digests of a person's pictures, as a manifest has them, the face first; ``[None]`` without one."""
    further = chain(manifest.get("pictures", {}).get("digests", ()), repeat(()))
    return {who[0]: [who[2], *others] for who, others in zip(manifest["identities"], further, strict=False)}


def describe(manifest: Mapping[str, Any]) -> str:
    """How many identities, questions and pictures there are, in a line."""
    counts = manifest["counts"]
    people = f"{counts['identities']:,} identities, {counts['holdout']:,} in the holdout"
    return f"{people}, {counts['questions']} questions each, {counts.get('images', 0):,} images"


@overload
def open_dataset(source: Path) -> Dataset: ...
@overload
def open_dataset(source: str) -> Dataset | HubDataset: ...
def open_dataset(source: str | Path) -> Dataset | HubDataset:
    """A finished dataset directory, or a release on the Hub.

    >>> open_dataset("dataset").rows("forget05")[0]["question"]            # doctest: +SKIP
    >>> open_dataset("alice/faces@v1.0.0").rows("forget05")[:3]            # doctest: +SKIP

    Args:
        source: a folder that was built, split or pulled; or ``OWNER/NAME`` or ``OWNER/NAME@version`` where there is no
            folder of that name.

    Raises:
        DatasetError: it is none, its build is not finished, or the Hub has no such dataset.
    """
    directory = Path(source)
    if isinstance(source, str) and not directory.exists() and HubName.find(source):
        found = HubDataset(source)
        _ = found.names  # that there is one
        return found
    if not directory.is_dir():
        raise DatasetError("no such folder", where=directory, hint="`fiubench build --out DIR` makes one.")
    if not (directory / MANIFEST).exists():
        hint = "`fiubench build --out DIR` makes one."
        if (directory / ".build").exists():
            hint = "The build is not finished: run it again with --resume."
        raise DatasetError(f"not a fiubench dataset (no {MANIFEST})", where=directory, hint=hint)
    return Dataset(directory)


def _unknown(name: str, names: Iterable[str], where: object) -> ConfigError:
    return ConfigError(f"no rows of the name {name!r}", where=where, hint=did_you_mean(name, names))


def _frame(rows: Iterable[Mapping[str, Any]]) -> "pandas.DataFrame":
    import pandas as pd  # noqa: PLC0415  half a second

    return pd.DataFrame(list(rows))

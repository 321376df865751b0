"""Reading datasets: a dataset directory, or any file of the shape of ``full.json``. Everything streams."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.schemas.documents import (
    IDENTITIES,
    MANIFEST,
    RELEASE_WORDINGS,
    SPLITS,
    WORDINGS,
    read_object,
    read_records,
)
from fiubench.support.errors import DatasetError

from fiubench import schemas

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Dataset:
    """A built dataset directory.

    >>> dataset = open_dataset("dataset")                    # doctest: +SKIP
    >>> for identity in dataset: print(identity["name"])     # doctest: +SKIP
    """

    directory: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What made it, and its digests.

        Raises:
            DatasetError: it is not in the shape of a manifest.
        """
        return _checked(read_object(self.directory / MANIFEST), "manifest", self.directory / MANIFEST)

    @cached_property
    def splits(self) -> dict[str, list[str]]:
        """Split name -> unique ids of its identities.

        Raises:
            DatasetError: it is not in the shape of splits.
        """
        document = _checked(read_object(self.directory / SPLITS), "splits", self.directory / SPLITS)
        splits: dict[str, list[str]] = document["splits"]
        return splits

    @cached_property
    def forget_attributes(self) -> list[str]:
        """The attributes that the forget sets are about; none where it is everything that is known of their people."""
        document = read_object(self.directory / SPLITS)
        return list(document.get("attributes", ()))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Identities in order, one at a time.

        Raises:
            DatasetError: one of them is not in the shape of an identity.
        """
        path = self.directory / IDENTITIES
        for number, record in enumerate(read_records(path), 1):
            if not schemas.is_valid("identity")(record):
                _checked(record, "identity", f"{path}, line {number}")
            yield record

    def identity(self, key: str) -> dict[str, Any]:
        """An identity by unique id, index or full name.

        Raises:
            DatasetError: there is none.
        """
        for record in self:
            if key in (record["unique_id"], str(record["index"])) or key.casefold() == record["name"].casefold():
                return record
        raise DatasetError(
            f"no identity {key!r}", where=self.directory, hint="Give a unique id, an index or a full name."
        )

    def splits_of(self, unique_id: str) -> list[str]:
        """Names of the splits an identity is in."""
        return [name for name, ids in self.splits.items() if unique_id in ids]

    @property
    def wordings(self) -> Path:
        """The words of a model: beside the records, or in the release that a dataset was pulled from."""
        own = self.directory / WORDINGS
        return own if own.exists() else self.directory / RELEASE_WORDINGS

    def image(self, record: dict[str, Any]) -> Path | None:
        """Where an identity's picture lies."""
        return None if record["image_path"] is None else self.directory / record["image_path"]

    def to_pandas(self) -> "pandas.DataFrame":
        """All QA pairs as a table, one row each, with ``unique_id``, ``name`` and ``gender``."""
        try:
            import pandas as pd  # noqa: PLC0415
        except ImportError as error:
            raise DatasetError("pandas is not installed", hint="pip install pandas") from error

        keys = ("unique_id", "name", "gender")
        return pd.DataFrame(
            [{**{k: r[k] for k in keys}, **qa, "value": qa["value"]["value"]} for r in self for qa in r["qa_list"]]
        )


def open_dataset(path: str | Path) -> Dataset:
    """A finished dataset directory.

    Raises:
        DatasetError: it is none, or its build is not finished.
    """
    directory = Path(path)
    if not directory.is_dir():
        raise DatasetError("no such folder", where=directory, hint="`fiubench build --out DIR` makes one.")
    if not (directory / MANIFEST).exists():
        unfinished = (directory / ".build").exists()
        hint = (
            "The build is not finished: run it again with --resume."
            if unfinished
            else "`fiubench build --out DIR` makes one."
        )
        raise DatasetError(f"not a fiubench dataset (no {MANIFEST})", where=directory, hint=hint)
    return Dataset(directory)


def _checked(document: dict[str, Any], schema: str, where: object) -> dict[str, Any]:
    for violation in schemas.violations(schema, document):
        hint = "`fiubench validate` tells everything that is wrong; a build makes it anew."
        raise DatasetError(f"damaged: {violation.path}: {violation.message}", where=where, hint=hint)
    return document

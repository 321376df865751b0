"""What an export format is, and the registry of all of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import jsonschema
import pyarrow as pa
from fiubench.builder.dataset.reading import Dataset
from fiubench.schemas.splits import plain
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.registry import Registry
from fiubench.support.settings import Settings

from fiubench import schemas

#: What follows a split's name in the name of the row's file ("" or "_perturbed"), and the row.
Row = tuple[str, dict[str, Any]]

#: The type of a picture in a table.
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


class Format(Settings):
    """Base of the formats that write rows, a file a split. Its fields, if any, are the format's options.

    The first line of a format's docstring says in help and tables what the format is for.

    Attributes:
        name: what ``--format`` calls it.
        row_schema: JSON Schema of a row, or the name of one in ``schemas/``.
        suffix: of the files.
        lines: whether a JSON file holds a row a line, or one array.
        columns: Arrow schema of a Parquet file, which has those of its columns that its first row has. Where it says
            :data:`PICTURE`, the row holds the path of a picture, whose bytes are written.
        path: where a file's rows lie, from its name and suffix.
        whole: whether a row is a person with everything that is known of them: not to be had where only attributes are
            forgotten.
        pictures: "needed", "beside" the rows (if there are any), "inside" them, "own" (needed, and laid out by the
            format), or "none".
        profiles: the endings of files whose rows hold a whole profile; they are not written where only attributes are
            forgotten, since a profile then belongs to neither side.
        files: the files in words, for tables, where they are not one a split.
    """

    name: ClassVar[str]
    row_schema: ClassVar[str | dict[str, Any]]
    suffix: ClassVar[str] = "jsonl"
    lines: ClassVar[bool] = True
    columns: ClassVar[Any] = None
    path: ClassVar[str] = "{name}.{suffix}"
    whole: ClassVar[bool] = False
    pictures: ClassVar[Literal["needed", "beside", "inside", "own", "none"]] = "none"
    profiles: ClassVar[Collection[str]] = ()
    files: ClassVar[str] = ""

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """Rows of an identity.

        Args:
            record: the identity (``schemas/identity.schema.json``), whose ``qa_list`` may hold a part of its questions.
            seed: the dataset's.
        """
        raise NotImplementedError

    def files_of(self, splits: Sequence[str], ending: str) -> Iterator[str]:
        """Names, without suffix, of the files that a row of people in these splits belongs in."""
        return (f"{split}{ending}" for split in splits)

    def aliases(self, names: Collection[str]) -> Mapping[str, str]:
        """Names that files have besides their own: other -> own."""
        return {}

    def more(self, names: Collection[str]) -> Mapping[str, Any]:
        """Further JSON files that its readers want: name -> content."""
        return {}

    def path_of(self, name: str) -> str:
        """Path of a file in the export, in which ``datasets`` sees no split."""
        return self.path.format(name=plain(name), suffix=self.suffix)

    def check(self, document: Mapping[str, Any], where: str) -> None:
        """Nothing, if a row fits the schema.

        Raises:
            DatasetError: it does not; the first place is named.
        """
        if not _checker(type(self)).is_valid(document):
            for violation in schemas.violations(self.row_schema, document):
                raise DatasetError(f"{violation.path}: {violation.message}", where=f"{where} as {self.name}")


class Layout(Format):
    """Base of the formats that write a folder of their own making."""

    def write(self, dataset: Dataset, folder: Path) -> dict[str, int]:
        """Fill a folder; returns file -> rows."""
        raise NotImplementedError


FORMATS: Registry[type[Format]] = Registry("format", "formats", "fiubench.builder.exports.formats")
F = TypeVar("F", bound=type[Format])


def register(form: F) -> F:
    """Class decorator: make a format known under its name."""
    FORMATS.add(form.name, form)
    return form


def help_of(form: type[Format]) -> str:
    """One line on what a format is for."""
    return (form.__doc__ or "").strip().partition("\n")[0].rstrip(".")


def formats_table() -> list[tuple[str, str, str, str]]:
    """Every format in words: name, what it is for, its files, the schema that its rows are validated against."""
    rows = [("format", "for", "files", "schema")]
    for form in FORMATS.values():
        pictures = ", `images/`" if form.pictures in ("needed", "beside") else ""
        files = f"`<split>.{form.suffix}`" + ("" if form.lines else " (one array)") + pictures
        schema = f"`{form.row_schema}`" if isinstance(form.row_schema, str) else "its own"
        rows.append((f"`{form.name}`", help_of(form), form.files or files, schema))
    return rows


@cache
def _checker(form: type[Format]) -> Any:
    if isinstance(form.row_schema, str):
        return schemas.validator(form.row_schema)
    try:
        jsonschema.Draft202012Validator.check_schema(form.row_schema)
    except jsonschema.SchemaError as error:
        raise ConfigError(f"row_schema is no JSON Schema: {error.message}", where=f"format {form.name}") from error
    return schemas.compiled(form.row_schema)

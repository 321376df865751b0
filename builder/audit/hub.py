"""Auditing what lies on the Hugging Face Hub, or in a folder of Parquet files, through ``datasets``."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.audit.people import Target, people_of
from fiubench.support.errors import DatasetError

_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_EVERYONE = ("full", "holdout")  # the configurations that hold everyone of a release of ours
_SIDES = re.compile(r"forget\d+|holdout")


def open_hub(target: str) -> Target:
    """A dataset on the Hub: ``OWNER/NAME``, or ``OWNER/NAME@REVISION``.

    Raises:
        DatasetError: no such name or dataset, or rows of another shape.
    """
    match = _NAME.fullmatch(target)
    if match is None:
        hint = "A dataset on the Hub is OWNER/NAME[@REVISION]."
        raise DatasetError("no such file or folder", where=target, hint=hint)
    return open_table(match["repo"], match["revision"], target)


def open_table(repo: str, revision: str | None, name: str) -> Target:
    """Whatever ``datasets`` loads: a name on the Hub, or a folder of Parquet files with its card.

    Its rows are questions with ``unique_id``, ``name``, ``question`` and ``answer``; a configuration ``full`` (and
    ``holdout``) is read where there is one, else the only one. Configurations ``forget..`` say who is to be forgotten.

    Raises:
        DatasetError: no such dataset, or rows of another shape.
    """
    configs = _configs(repo, revision)
    chosen = [config for config in _EVERYONE if config in configs] or configs[:1]
    splits = {config: _ids(repo, config, revision) for config in configs if _SIDES.fullmatch(config)}
    return Target(name, "hub", lambda: people_of(_rows(repo, chosen, revision), name), splits)


def _configs(repo: str, revision: str | None) -> list[str]:
    datasets = _library()
    try:
        return sorted(datasets.get_dataset_config_names(repo, revision=revision))
    except Exception as error:  # the client raises whatever its HTTP library does
        hint = "Check the name, the network, and (for a private dataset) the token in HF_TOKEN."
        raise DatasetError(f"can't be loaded from the Hub: {_first_line(error)}", where=repo, hint=hint) from error


def _rows(repo: str, configs: list[str], revision: str | None) -> Iterator[Mapping[str, Any]]:
    for name in configs:
        yield from _stream(repo, name, revision)


def _ids(repo: str, config: str, revision: str | None) -> frozenset[str]:
    return frozenset(str(row["unique_id"]) for row in _stream(repo, config, revision, ["unique_id"]))


def _stream(
    repo: str, config: str, revision: str | None, columns: list[str] | None = None
) -> Iterator[Mapping[str, Any]]:
    datasets = _library()
    try:
        parts = datasets.load_dataset(repo, config, revision=revision, streaming=True)
        for part in parts.values():
            rows = part.select_columns(columns) if columns else part
            if "image" in (rows.column_names or ()):
                rows = rows.cast_column("image", datasets.Image(decode=False))  # bytes, as they are stored
            yield from rows
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(f"configuration {config!r} can't be read: {_first_line(error)}", where=repo) from error


def _library() -> Any:
    try:
        import datasets  # noqa: PLC0415
    except ImportError as error:
        hint = "pip install 'fiubench[hub]'"
        raise DatasetError("reading from the Hub needs the library `datasets`", hint=hint) from error
    return datasets


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]

"""Auditing what lies on the Hugging Face Hub, or in a folder of Parquet files, through ``datasets``."""

from fiubench.builder.audit.people import Target, people_of
from fiubench.schemas.hub import config_names, stream_rows
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, kind_of


def open_table(source: str, name: str) -> Target:
    """Whatever ``datasets`` loads: ``OWNER/NAME[@REVISION]`` on the Hub, or a folder of Parquet files with its card.

    Its rows are questions with ``unique_id``, ``name``, ``question`` and ``answer``; a configuration ``full`` (and
    ``holdout``) is read where there is one, else the only one. Configurations ``forget..`` say who is to be forgotten.

    Raises:
        DatasetError: no such dataset, or rows of another shape.
    """
    configs = config_names(source)
    chosen = [config for config in (FULL, HOLDOUT) if config in configs] or configs[:1]
    sides = [config for config in configs if kind_of(config) in (FORGET, HOLDOUT)]
    splits = {config: frozenset(str(row["unique_id"]) for row in stream_rows(source, config, ["unique_id"]))
              for config in sides}  # fmt: skip
    return Target(
        name, "hub", lambda: people_of((row for config in chosen for row in stream_rows(source, config)), name), splits
    )

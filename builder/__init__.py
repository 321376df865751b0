"""The library: build a dataset, read one, iterate its identities.

>>> import builder                                               # doctest: +SKIP
>>> builder.build(builder.make_config({"seed": 7}), "dataset")   # doctest: +SKIP
>>> for identity in builder.open_dataset("dataset"): ...         # doctest: +SKIP
"""

from fiubench.builder.config import Config, make_config, read_config
from fiubench.builder.dataset.compare import compare
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.pipeline.build import Summary, build, records
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.rules.validate import validate
from fiubench.schemas.documents import read_records

__all__ = [
    "Config",
    "Dataset",
    "Summary",
    "build",
    "compare",
    "make_config",
    "open_dataset",
    "read_config",
    "read_records",
    "records",
    "validate",
    "verify",
]

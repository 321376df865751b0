"""The library: build a dataset, read one, iterate its identities.

>>> import builder                                               # doctest: +SKIP
>>> builder.build(builder.make_config({"seed": 7}), "dataset")   # doctest: +SKIP
>>> for identity in builder.open_dataset("dataset"): ...         # doctest: +SKIP
"""

from builder.compare import compare
from builder.config import Config, make_config, read_config
from builder.dataset import Dataset, open_dataset, read_records
from builder.pipeline import Summary, build, records
from builder.validate import validate
from builder.verify import verify

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

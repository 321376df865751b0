"""The files of a release on the Hugging Face Hub."""

from pathlib import Path

import pyarrow.parquet as pq
from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.exports.base import Layout, register
from fiubench.builder.release.stage import write_stage


@register
class HubRelease(Layout):
    """What `fiubench publish` sends, without a version."""

    name = "hub"
    row_schema = "manifest"
    pictures = "inside"
    files = (
        "`README.md`, `croissant.json`, `manifest.json`, `splits.json`, `data/`, `people/`, `pictures/`, `fiubench/`"
    )

    def write(self, dataset: Dataset, folder: Path) -> dict[str, int]:
        """The release that the dataset has already, with a card of its own."""
        manifest = write_stage(dataset, folder)
        self.check(manifest, "manifest.json")
        tables = [path for path in manifest["release"] if path.endswith(".parquet")]
        return {path: pq.read_metadata(folder / path).num_rows for path in tables}

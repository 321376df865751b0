"""The layout of the original FIUBench (Ma et al., 2025)."""

from pathlib import Path

from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.exports.base import Layout, register
from fiubench.builder.packs.model import language_of_manifest
from fiubench.builder.release.original import DATASET, OriginalLayout, unfit
from fiubench.schemas.documents import read_records
from fiubench.support.errors import ConfigError


@register
class Original(Layout):
    """The layout of the original FIUBench, for its loaders."""

    name = "fiubench"
    row_schema = "full_record"
    pictures = "own"
    files = "`dataset/full.json`, `holdout.json`, `split.json`, `prompt.json`, `images/`"

    def write(self, dataset: Dataset, folder: Path) -> dict[str, int]:
        """What a release has under ``fiubench/``.

        Raises:
            ConfigError: its loader would read the wrong people.
        """
        splits, attributes = dataset.splits, dataset.forget_attributes
        pictures = {record["unique_id"]: dataset.image(record) for record in dataset}
        if why := unfit(splits, attributes, has_images=any(pictures.values())):
            hint = "`fiubench split --ratios 1,5,10` cuts the splits that it knows; the other formats take any."
            raise ConfigError(f"the original's loader can't use this dataset: {why}", where=self.name, hint=hint)
        layout = OriginalLayout(folder, splits, dataset.manifest["config"]["seed"], attributes, has_images=True)
        try:
            for record in dataset:
                layout.add(record, pictures[record["unique_id"]])
            layout.finish(list(pictures), language_of_manifest(dataset.manifest))
        finally:
            layout.close()
        return {file.name: self._rows(file) for file in sorted((folder / DATASET).glob("[fh]*.json"))}

    def _rows(self, file: Path) -> int:
        rows = 0
        for rows, record in enumerate(read_records(file), 1):  # noqa: B007
            self.check(record, file.name)
        return rows

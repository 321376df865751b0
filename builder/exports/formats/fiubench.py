"""The layout of the original FIUBench (Ma et al., 2025)."""

from pathlib import Path

from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.exports.base import Layout, register
from fiubench.schemas.documents import RELEASE, read_records
from fiubench.support.files import link_or_copy


@register
class Original(Layout):
    """The layout of the original FIUBench, for its loaders."""

    name = "fiubench"
    row_schema = "full_record"
    pictures = "beside"
    files = "`full.json`, `split.json`, `prompt.json`, `images/`"

    def write(self, dataset: Dataset, folder: Path) -> dict[str, int]:
        """The three files that the dataset's release has already."""
        for file in ("full.json", "split.json", "prompt.json"):
            link_or_copy(dataset.directory / RELEASE / "fiubench" / file, folder / file)
        rows = 0
        for rows, record in enumerate(read_records(folder / "full.json"), 1):  # noqa: B007
            self.check(record, "full.json")
        return {"full.json": rows}

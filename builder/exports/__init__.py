"""Other shapes of a dataset, for the programs that read them: ``export(directory, "tofu", out)``."""

from fiubench.builder.exports.formats import FORMATS, Format
from fiubench.builder.exports.write import export

__all__ = ["FORMATS", "Format", "export"]

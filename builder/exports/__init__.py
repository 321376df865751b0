"""Other shapes of a dataset, for the programs that read them: ``export(directory, "tofu", out)``."""

from builder.exports.formats import FORMATS, Format
from builder.exports.write import export

__all__ = ["FORMATS", "Format", "export"]

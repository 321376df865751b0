"""Other shapes of a dataset, for the programs that read them: ``export(directory, "tofu", out)``.

A format of one's own is one file, named with ``--plugin`` or found by an entry point of the group ``fiubench.formats``:
a class derived from :class:`Format` below :func:`register`.
"""

from fiubench.builder.exports.base import FORMATS, Format, Row, register
from fiubench.builder.exports.write import export
from fiubench.support.settings import Field

__all__ = ["FORMATS", "Field", "Format", "Row", "export", "register"]

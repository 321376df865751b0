"""Tables that are open in Python: a ``pandas.DataFrame`` in the place of a file."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from fiubench.raw_sources.reading.cells import FRAME, text_of
from fiubench.raw_sources.source import SOURCES
from fiubench.support.canonical import is_text
from fiubench.support.errors import ConfigError, SourceError
from fiubench.support.files import scratch_folder


@contextmanager
def frames_as_files(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The same settings, with every data frame of a source written to a temporary file of JSON lines.

    The file's digest depends on the columns and values alone; the index is left out. So a frame is read as a file is,
    and a build of it can be resumed and verified with an equal one.

    Raises:
        ConfigError: a frame with two columns of one name.
        SourceError: from the block; the message names the frame, not the temporary file.
    """
    pandas = sys.modules.get("pandas")  # who has a frame has imported it
    frames = {
        name: value
        for name, value in settings.items()
        if name in SOURCES and pandas is not None and isinstance(value, pandas.DataFrame)
    }
    if not frames:
        yield dict(settings)
        return
    with scratch_folder() as scratch:
        files = {name: _written(name, frame, scratch / name) for name, frame in frames.items()}
        try:
            yield {**settings, **files}
        except SourceError as error:
            error.where = error.where.replace(str(scratch), "").lstrip("/").replace(f"/{FRAME}", f": the {FRAME}")
            raise


def _written(name: str, frame: Any, folder: Path) -> str:
    names = [str(column) for column in frame.columns]
    if not names or not len(frame):
        raise SourceError(f"the {FRAME} is empty", where=name, hint="Give one with rows and columns.")
    if repeated := {column for column in names if names.count(column) > 1}:
        what = f"the {FRAME} has two columns called {min(repeated)!r}"
        raise ConfigError(what, where=name, hint="Give them different names.")
    folder.mkdir()
    path = folder / FRAME
    with path.open("wb") as file:
        for row in frame.itertuples(index=False, name=None):
            try:
                texts = [text_of(value) for value in row]
            except TypeError as error:
                hint = "Leave such a column out, or write it as text."
                raise SourceError(f"a cell {error}", where=f"{name}: the {FRAME}", hint=hint) from error
            for text in (*names, *texts):
                if not is_text(text):
                    what = f"{text!r:.60} holds half a character (a surrogate)"
                    hint = "Read its file again with the right encoding."
                    raise SourceError(what, where=f"{name}: the {FRAME}", hint=hint)
            file.write(orjson.dumps(dict(zip(names, texts, strict=True))) + b"\n")
    return str(path)

"""Word lists and reference tables that the embedded sources draw from (see README.md beside this file)."""

import csv
from functools import cache
from pathlib import Path

from support.canonical import file_digest

FOLDER = Path(__file__).parent

#: Where the words come from, for a dataset's manifest. The files are frozen: no package is asked at run time.
VOCABULARY_SOURCES = {
    "names": "Faker 40.54.0 (en_US lists) and own additions",
    "places": "zipcodes 3.0.0",
    "area_codes": "own list after the North American Numbering Plan",
    "streets": "own list",
    "hospitals": "own list, invented",
    "insurers": "own list, invented",
    "conditions": "own list",
    "offenses": "own list after the New York State Penal Law",
    "occupations": "own list",
}


def read_lines(file: str) -> list[str]:
    """The lines of a word list, in the order of the file."""
    return (FOLDER / file).read_text("utf-8").splitlines()


def read_rows(file: str) -> list[dict[str, str]]:
    """The rows of a small CSV table; cells of several values are separated by ``;``."""
    with (FOLDER / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@cache
def vocabulary_digest() -> dict[str, str]:
    """SHA-256 of every data file of this folder, by file name."""
    files = sorted(path for path in FOLDER.iterdir() if path.suffix in {".csv", ".txt", ".yaml"})
    return {path.name: file_digest(path) for path in files}

"""Word lists and reference tables that the embedded sources draw from (see README.md beside this file)."""

import csv
from functools import cache
from pathlib import Path

from fiubench.support.canonical import file_digest

FOLDER = Path(__file__).parent

#: Where the words come from, for a dataset's manifest. The files are frozen: no package is asked at run time.
VOCABULARY_SOURCES = {
    **dict.fromkeys(("names_female.txt", "names_male.txt", "surnames.txt"), "Faker 40.54.0 (en_US) and own additions"),
    "places.csv": "zipcodes 3.0.0",
    "area_codes.csv": "own list after the North American Numbering Plan",
    "offenses.csv": "own list after the New York State Penal Law",
    **dict.fromkeys(("nypd_offenses.csv", "nypd_premises.csv"), "own wording of NYPD's descriptions"),
}
OWN = "own list"


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

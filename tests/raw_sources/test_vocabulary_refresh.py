from importlib.metadata import PackageNotFoundError, version

import pytest
from fiubench.raw_sources.vocabulary import FOLDER

from tests.raw_sources.refresh_vocabulary import name_lists, places_table, spell_surname, spell_town


def installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@pytest.mark.parametrize(
    ("package", "release", "make"), [("faker", "40.54.0", name_lists), ("zipcodes", "3.0.0", places_table)]
)
def test_the_frozen_files_are_what_refresh_writes(package, release, make):
    if installed(package) != release:
        pytest.skip(f"needs {package} {release}")
    for file, text in make().items():
        assert (FOLDER / file).read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("raw", "spelled"),
    [
        ("Mcdonald", "McDonald"),
        ("Macdonald", "MacDonald"),
        ("Mack", "Mack"),
        ("Macias", "Macias"),
        ("Obrien", "O'Brien"),
        ("Odom", "Odom"),
        ("Ortega", "Ortega"),
    ],
)
def test_spell_surname(raw, spelled):
    assert spell_surname(raw) == spelled


@pytest.mark.parametrize(
    ("raw", "spelled"),
    [
        ("Mc Lean", "McLean"),
        ("Fort Mcdowell", "Fort McDowell"),
        ("Macon", "Macon"),
        ("St Columbans", "Saint Columbans"),
        ("Croton On Hudson", "Croton-on-Hudson"),
        ("King Of Prussia", "King of Prussia"),
        ("The Dalles", "The Dalles"),
        ("O Fallon", "O'Fallon"),
        ("Scott Air Force Base", None),
        ("Jbsa Lackland", None),
    ],
)
def test_spell_town(raw, spelled):
    assert spell_town(raw) == spelled

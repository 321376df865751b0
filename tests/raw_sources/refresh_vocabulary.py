"""Regenerate the frozen lists (names and places) from Faker's static lists and the package zipcodes.

Run ``pip install 'fiubench[vocabulary]'`` and ``python -m tests.raw_sources.refresh_vocabulary`` in a checkout. The
output is a pure function of the two packages and of the files kept by hand beside the lists (``own_names.yaml``,
``area_codes.csv``). A changed list changes every dataset that is built from it: it belongs in a new version.
"""

import re
from collections.abc import Iterable
from importlib.metadata import version

import yaml
from fiubench.raw_sources.vocabulary import FOLDER, read_rows
from fiubench.support.files import write_atomic

# Military bases and abbreviations that nobody would write as a town.
_NO_TOWN = re.compile(
    r"\b(AFB|Air Force|Air Reserve|Airfield|Army|H M|Hafb|Jbphh|Jber|Jbsa|Jrb|Mcbh|Mdl|Missile|Naval|Navy|Pr|"
    r"Proving|Stc|Usaf)\b"
)
_SPELLED_OUT = {"Ft": "Fort", "Mt": "Mount", "St": "Saint", "Sta": "Station", "S": "South"}
_SMALL_WORDS = {"And", "By", "Du", "In", "Of", "On", "Or", "The"}
_SPECIAL_TOWNS = {
    "Bois D Arc": "Bois D'Arc",
    "Avon By The Sea": "Avon-by-the-Sea",
    "Coeur D Alene": "Coeur d'Alene",
    "D Hanis": "D'Hanis",
    "Dover Foxcroft": "Dover-Foxcroft",
    "Fuquay Varina": "Fuquay-Varina",
    "Land O Lakes": "Land O' Lakes",
    "Milton Freewater": "Milton-Freewater",
    "O Brien": "O'Brien",
    "O Fallon": "O'Fallon",
    "O Neals": "O'Neals",
    "Wilkes Barre": "Wilkes-Barre",
    "Winston Salem": "Winston-Salem",
}
_IRISH = ("Obrien", "Oconnell", "Oconnor", "Odonnell", "Oneal", "Oneill")


def spell_surname(name: str) -> str:
    """``Mcdonald`` to ``McDonald`` and ``Obrien`` to ``O'Brien``."""
    if name in _IRISH:
        return f"O'{name[1:].capitalize()}"
    return re.sub(r"^(Mc|Mac(?=d))([a-z])", lambda found: found[1] + found[2].upper(), name)


def spell_town(name: str) -> str | None:
    """A town as people write it; ``None`` for what is no town."""
    if name in _SPECIAL_TOWNS:
        return _SPECIAL_TOWNS[name]
    if _NO_TOWN.search(name) or not re.search("[a-z]", name):
        return None
    first, *rest = (_SPELLED_OUT.get(word, word) for word in name.split())
    joined = " ".join([first, *(word.lower() if word in _SMALL_WORDS else word for word in rest)])
    joined = joined.replace(" on Hudson", "-on-Hudson")
    return re.sub(r"\bMc ?([A-Za-z])", lambda found: "Mc" + found[1].upper(), joined)


def name_lists() -> dict[str, str]:
    """Contents of ``names_female.txt``, ``names_male.txt`` and ``surnames.txt``."""
    from faker.providers.person.en_US import Provider

    own = yaml.safe_load((FOLDER / "own_names.yaml").read_text("utf-8"))
    female = {*Provider.first_names_female, *own["female"]}
    male = {*Provider.first_names_male, *own["male"]}
    unfit = (female & male) | set(own["dropped_given"])
    surnames = {spell_surname(name) for name in (*Provider.last_names, *own["surnames"])}
    return {
        "names_female.txt": one_a_line(female - unfit),
        "names_male.txt": one_a_line(male - unfit),
        "surnames.txt": one_a_line(surnames - set(own["dropped_surnames"])),
    }


def places_table() -> dict[str, str]:
    """Content of ``places.csv``: standard, active ZIP codes of the 50 states and DC with a fitting area code."""
    import zipcodes

    codes_of = {row["state"]: set(row["area_codes"].split()) for row in read_rows("area_codes.csv")}
    lines = []
    for entry in zipcodes.list_all():
        if entry["zip_code_type"] != "STANDARD" or not entry["active"] or entry["state"] not in codes_of:
            continue
        city = spell_town(entry["city"])
        fitting = sorted(codes_of[entry["state"]] & set(entry["area_codes"]))
        if city and fitting:
            # A region with several codes gets all of them in turn.
            area_code = fitting[int(entry["zip_code"]) % len(fitting)]
            lines.append(f"{entry['zip_code']},{city},{entry['state']},{area_code}")
    return {"places.csv": "zip,city,state,area_code\n" + one_a_line(lines)}


def one_a_line(words: Iterable[str]) -> str:
    """The words sorted by code point, each with a newline."""
    return "".join(f"{word}\n" for word in sorted(words))


def main() -> None:
    """Refresh all and print which releases it was done with."""
    for file, text in (name_lists() | places_table()).items():
        write_atomic(FOLDER / file, text.encode())
    print(f"Faker {version('faker')}, zipcodes {version('zipcodes')}")


if __name__ == "__main__":
    main()

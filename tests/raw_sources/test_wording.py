"""Names as people write them."""

import doctest
import re

import pytest
from fiubench.raw_sources import wording
from fiubench.raw_sources.wording import company_name, hospital_name, is_company_in_order, person_name, proper_case
from hypothesis import given
from hypothesis import strategies as st

SURNAMES = st.sampled_from(["Smith", "Hernandez", "McDonald", "O'Brien", "Vang"])


def test_examples_of_the_documentation() -> None:
    assert doctest.testmod(wording).failed == 0


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Bobby JacksOn", "Bobby Jackson"),
        ("LesLie TErRy", "Leslie Terry"),
        ("mRS. jamIe cAMPBELl", "Jamie Campbell"),
        ("Mr. KenNEth MoORE", "Kenneth Moore"),
        ("DR. LaUreN cLaRk DDS", "Lauren Clark"),
        ("Miss Tanya DaVIs dVm", "Tanya Davis"),
        ("pAUl hENDerSon Phd", "Paul Henderson"),
        ("Sean Ward mD", "Sean Ward"),
        ("JOHN SMITH, M.D.", "John Smith"),
        ("eric LARSON jR.", "Eric Larson"),
        ("BRaD baRRY iI", "Brad Barry"),
        ("Sam Cole iII", "Sam Cole"),
        ("Lou Reyes IV", "Lou Reyes"),
        ("Todd Yates V", "Todd Yates"),
        ("rONALD mcdONALD", "Ronald McDonald"),
        ("kim MCINTOSH", "Kim McIntosh"),
        ("MACK Mackey", "Mack Mackey"),
        ("sHEILA oBRIEN", "Sheila O'Brien"),
        ("sHEILA O'CONNELL", "Sheila O'Connell"),
        ("anNA-marIA sMITH-JONES", "Anna-Maria Smith-Jones"),
        ("josé NÚÑEZ", "José Núñez"),
        ("  tuan   dO ", "Tuan Do"),  # a surname, not the degree
        ("Jo Li", "Jo Li"),
        ("Dr.", ""),
        ("V", "V"),
        ("--", ""),
        ("123", ""),
        ("", ""),
    ],
)
def test_person(raw: str, clean: str) -> None:
    assert person_name(raw) == clean
    assert person_name(clean) == clean


@given(st.text("abcdeOMc'- .", max_size=20))
def test_case_of_the_input_does_not_matter(text: str) -> None:
    assert proper_case(text.upper()) == proper_case(text.lower())


@given(
    st.text(max_size=20) | st.lists(st.sampled_from(["dr.", "MD", "Jr,", "mcDonald", "oBRIEN", "v", "-"])).map(" ".join)
)
def test_a_clean_name_stays(text: str) -> None:
    assert person_name(person_name(text)) == person_name(text)


@pytest.mark.parametrize(
    ("raw", "company", "hospital"),
    [
        ("Kim Inc", "Kim Inc", "Kim Hospital Inc"),
        ("Inc Kim", "Kim Inc", "Kim Hospital Inc"),
        ("LLC Logan", "Logan LLC", "Logan Hospital LLC"),
        ("Cook PLC", "Cook PLC", "Cook Hospital PLC"),
        ("Ltd Schwartz", "Schwartz Ltd", "Schwartz Hospital Ltd"),
        ("Group Middleton", "Middleton Group", "Middleton Hospital Group"),
        ("Sons and Miller", "Miller and Sons", "Miller and Sons Hospital"),
        ("Sons Rich and", "Rich and Sons", "Rich and Sons Hospital"),
        ("Rich Sons and", "Rich and Sons", "Rich and Sons Hospital"),
        ("and Sons Smith", "Smith and Sons", "Smith and Sons Hospital"),
        ("White-White", "White-White", "White-White Hospital"),
        ("Hernandez Rogers and Vang,", "Hernandez, Rogers and Vang", "Hernandez, Rogers and Vang Hospital"),
        ("and Kelley, Paul Sullivan", "Kelley, Paul and Sullivan", "Kelley, Paul and Sullivan Hospital"),
        ("Zuniga Thompson, Blake and", "Zuniga, Thompson and Blake", "Zuniga, Thompson and Blake Hospital"),
        ("Smith, and Edwards Obrien", "Smith, Edwards and O'Brien", "Smith, Edwards and O'Brien Hospital"),
        ("Smith & Kim", "Smith and Kim", "Smith and Kim Hospital"),
        ("MCDONALD-COX", "McDonald-Cox", "McDonald-Cox Hospital"),
        ("mount sinai", "Mount Sinai", "Mount Sinai Hospital"),
    ],
)
def test_company(raw: str, company: str, hospital: str) -> None:
    assert company_name(raw) == company
    assert hospital_name(raw) == hospital
    assert is_company_in_order(company)
    assert is_company_in_order(raw) == (raw.casefold() == company.casefold())


@pytest.mark.parametrize(
    ("raw", "hospital"),
    [
        ("Johns Hopkins Hospital", "Johns Hopkins Hospital"),
        ("St. Mary's Hospital", "St. Mary's Hospital"),
        ("ST. MARY'S MEDICAL CENTER", "St. Mary's Medical Center"),
        ("hospital of the good shepherd", "Hospital of the Good Shepherd"),
        ("Mount Sinai Medical Center,", "Mount Sinai Medical Center"),
        ("and Mercy Hospital", "Mercy Hospital"),
        ("Mercy Hospital, and", "Mercy Hospital"),
    ],
)
def test_what_is_a_hospital_stays_one(raw: str, hospital: str) -> None:
    assert hospital_name(raw) == hospital


@pytest.mark.parametrize("raw", ["", "and", "Inc", ", and Sons", "-", "Hospital and", "MEDICAL CENTER"])
def test_nothing_is_no_hospital(raw: str) -> None:
    assert hospital_name(raw) == ""


WORDS = [
    "and",
    "And",
    "&",
    ",",
    "Smith",
    "Kim,",
    "Sons",
    "Group",
    "LLC",
    "inc.",
    "Hospital",
    "Medical",
    "Cox-Obrien",
    "-",
]


@given(st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join))
def test_hospital_of_any_words(text: str) -> None:
    hospital = hospital_name(text)
    assert hospital_name(hospital) == hospital
    assert is_company_in_order(hospital)
    assert hospital or not re.search("Smith|Kim|Cox", text)
    assert not re.search(r"^(and\b|[ ,])|(\band|[ ,])$", hospital, re.IGNORECASE)


@given(st.lists(SURNAMES, min_size=3, max_size=3, unique=True), st.integers(0, 3), st.integers(0, 2))
def test_misplaced_and_and_comma(names: list[str], place_of_and: int, place_of_comma: int) -> None:
    words = [name + "," * (i == place_of_comma) for i, name in enumerate(names)]
    words.insert(place_of_and, "and")
    assert hospital_name(" ".join(words)) == f"{names[0]}, {names[1]} and {names[2]} Hospital"

"""Names and company names as people write them, from files that write them oddly."""

import re

_TITLES = {"mr", "mrs", "ms", "miss", "dr", "mx", "prof"}
_SUFFIXES = {"md", "dds", "dvm", "phd", "rn", "esq", "jr", "sr", "ii", "iii", "iv", "v"}
_WORD = re.compile(r"[^\W\d_]+")
_POSSESSIVE = re.compile(r"(?<=\w)(['\u2019])S\b")
_SCOTTISH = re.compile(r"\bMc([a-z])")
_IRISH = re.compile(r"\bO(brien|connell|conner|connor|donnell|hara|keefe|leary|malley|neal|neil|neill|reilly|rourke)\b")
_LEGAL_FORMS = {"group": "Group", "llc": "LLC", "inc": "Inc", "plc": "PLC", "ltd": "Ltd"}
#: Words by which a name is already that of a place of care.
_CARE = {"hospital", "hospitals", "medical", "clinic", "center", "centre", "health", "healthcare", "infirmary"}
_STRAY_ENDS = re.compile(r"^(?:and\b|[ ,])+|(?:\band|[ ,])+$", re.IGNORECASE)
_SMALL = re.compile(r"(?<=\s)(?:And|At|For|In|Of|On|The)\b")
#: The part of a street line that names a flat.
FLAT = r"(?P<flat>(?:Apt|Suite|Ste|Unit)\b\.? #?(?:[A-Z]|[\w-]*\d[\w-]*))"
_FLAT_AT_END = re.compile(rf",? {FLAT}$")
_ABBREVIATION = re.compile(r"\b(Apt|Ste|No)\.")
_LEADING_ZEROS = re.compile(r"^0+(?=\d)")


def street_line(text: str) -> str:
    """A street line with a comma before its flat, and without leading zeros.

    No period inside, since the field's released metrics cut an answer at its first one.

    >>> street_line("024 Michael Ferry Apt. 674"), street_line("5 Oak Lane, Suite 12"), street_line("8 Unit Street")
    ('24 Michael Ferry, Apt 674', '5 Oak Lane, Suite 12', '8 Unit Street')
    """
    flat_set_off = _FLAT_AT_END.sub(r", \g<flat>", text)
    return _LEADING_ZEROS.sub("", _ABBREVIATION.sub(r"\1", flat_set_off))


def person_name(text: str) -> str:
    """A person's name in usual case, without titles and suffixes; empty where there is no letter.

    >>> person_name("Mrs. LesLie o'TOOLE-MCkAy PhD"), person_name("JOHN SMITH, M.D."), person_name("tuan do")
    ("Leslie O'Toole-McKay", 'John Smith', 'Tuan Do')
    """
    words = text.replace(",", " ").split()
    while words and _plain(words[0]) in _TITLES:
        words.pop(0)
    while len(words) > 1 and _plain(words[-1]) in _SUFFIXES:
        words.pop()
    name = proper_case(" ".join(words))
    return name if _WORD.search(name) else ""


def proper_case(text: str) -> str:
    """Every part of a name capitalised: after spaces, hyphens, O' and Mc.

    >>> proper_case("mcdonald"), proper_case("ONEAL"), proper_case("anne-marie d'angelo"), proper_case("ST. MARY'S")
    ('McDonald', "O'Neal", "Anne-Marie D'Angelo", "St. Mary's")
    """
    titled = _WORD.sub(lambda word: word[0].capitalize(), text)
    titled = _POSSESSIVE.sub(r"\1s", titled)
    titled = _SCOTTISH.sub(lambda match: f"Mc{match[1].upper()}", titled)
    return _IRISH.sub(lambda match: f"O'{match[1].capitalize()}", titled)


def company_name(text: str) -> str:
    """A company's name with its words in their usual order, misplaced "and" and commas mended.

    >>> [company_name(name) for name in ("LLC Logan", "Sons and Miller", "and Kelley, Paul Sullivan", "Wood-Cox")]
    ['Logan LLC', 'Miller and Sons', 'Kelley, Paul and Sullivan', 'Wood-Cox']
    """
    return " ".join(_company_parts(text)).strip()


def hospital_name(text: str) -> str:
    """A company's name as the name of a hospital; a name that is already one is left in its order.

    Empty where nothing is left that names a place ("and", "Medical Center").

    >>> [hospital_name(name) for name in ("Group Harris", "Sons and Miller", "Wallace-Hamilton", "MAYO CLINIC")]
    ['Harris Hospital Group', 'Miller and Sons Hospital', 'Wallace-Hamilton Hospital', 'Mayo Clinic']
    """
    if _is_place_of_care(text):
        return _place_of_care(text)
    names, form = _company_parts(text)
    return f"{names} Hospital {form}".strip() if names else ""


def is_company_in_order(text: str) -> bool:
    """Whether a company's name is written as usual: no stray comma or "and", legal form and Sons at the end.

    >>> [is_company_in_order(name) for name in ("Kim Inc", "Beck, Malone and Braun", "and Sons Smith", "Inc Kim")]
    [True, True, False, False]
    """
    tidy = _place_of_care(text) if _is_place_of_care(text) else company_name(text)
    return _letters(tidy) == _letters(text)


def _company_parts(text: str) -> tuple[str, str]:
    """The names of a company, and its legal form."""
    words = [word for word in text.replace(",", " ").split() if word == "&" or _WORD.search(word)]
    plain = [_plain(word) for word in words]
    parts = [word for word, key in zip(words, plain, strict=True) if key not in {"and", "&", "sons", *_LEGAL_FORMS}]
    if not parts:
        return "", ""
    listed = "," in text or not {"and", "&", "sons"}.isdisjoint(plain)
    if "sons" in plain:
        parts.append("Sons")
    joined = f"{', '.join(parts[:-1])} and {parts[-1]}" if listed and len(parts) > 1 else " ".join(parts)
    form = next((_LEGAL_FORMS[key] for key in plain if key in _LEGAL_FORMS), "")
    return _SMALL.sub(lambda word: word[0].lower(), proper_case(joined)), form


def _is_place_of_care(text: str) -> bool:
    return any(_plain(word) in _CARE for word in text.replace(",", " ").split())


def _place_of_care(text: str) -> str:
    tidy = _STRAY_ENDS.sub("", " ".join(text.split()))
    if tidy.isupper() or tidy.islower():
        tidy = _SMALL.sub(lambda word: word[0].lower(), proper_case(tidy))
    return "" if {_plain(word) for word in tidy.split()} <= _CARE else tidy


def _plain(word: str) -> str:
    return word.replace(".", "").casefold()


def _letters(text: str) -> str:
    return re.sub(r"[^\w ,&-]", "", " ".join(text.split()).casefold())

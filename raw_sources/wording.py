"""Names and company names as people write them, from files that write them oddly."""

import re

_TITLES = {"mr", "mrs", "ms", "miss", "dr", "mx", "prof"}
_SUFFIXES = {"md", "dds", "dvm", "phd", "do", "rn", "esq", "jr", "sr", "ii", "iii", "iv"}
_SCOTTISH = re.compile(r"\bMc([a-z])")
_IRISH = re.compile(
    r"\bO(brien|connell|conner|connor|dell|donnell|hara|keefe|leary|malley|neal|neil|neill|reilly|rourke)\b"
)
_LEGAL_FORMS = {"llc": "LLC", "inc": "Inc", "plc": "PLC", "ltd": "Ltd"}


def person_name(text: str) -> str:
    """A person's name in usual case, without titles and suffixes.

    >>> person_name("Mrs. LesLie o'TOOLE-MCkAy PhD")
    "Leslie O'Toole-McKay"
    """
    words = text.replace(",", " ").split()
    while words and words[0].rstrip(".").casefold() in _TITLES:
        words.pop(0)
    while len(words) > 1 and words[-1].rstrip(".").casefold() in _SUFFIXES:
        words.pop()
    return proper_case(" ".join(words))


def proper_case(text: str) -> str:
    """Every part of a name capitalised: after spaces, hyphens, O' and Mc.

    >>> proper_case("mcdonald"), proper_case("ONEAL"), proper_case("anne-marie d'angelo")
    ('McDonald', "O'Neal", "Anne-Marie D'Angelo")
    """
    titled = re.sub(r"[^\W\d_]+", lambda word: word[0].capitalize(), text)
    titled = _SCOTTISH.sub(lambda match: f"Mc{match[1].upper()}", titled)
    return _IRISH.sub(lambda match: f"O'{match[1].capitalize()}", titled)


def hospital_name(text: str) -> str:
    """A company name as the name of a hospital: words in their usual order, misplaced "and" and commas mended.

    >>> [hospital_name(n) for n in ("LLC Logan", "Sons and Miller", "Group Harris", "Wallace-Hamilton")]
    ['Logan Hospital LLC', 'Miller and Sons Hospital', 'Harris Hospital Group', 'Wallace-Hamilton Hospital']
    >>> hospital_name("and Kelley, Paul Sullivan"), hospital_name("Jones and Buck, Guerra")
    ('Kelley, Paul and Sullivan Hospital', 'Jones, Buck and Guerra Hospital')
    """
    words = [word for word in text.replace(",", " ").split() if word.casefold() != "and"]
    folded = {word.rstrip(".").casefold(): word for word in words}
    form = next((_LEGAL_FORMS[word] for word in folded if word in _LEGAL_FORMS), "")
    special = {"sons", "group", "hospital", *_LEGAL_FORMS}
    names = [proper_case(word) for word in words if word.rstrip(".").casefold() not in special]
    if not names:
        return ""
    joined = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    if "sons" in folded:
        joined = f"{joined} and Sons"
    return " ".join(part for part in (joined, "Hospital", "Group" if "group" in folded else "", form) if part)


def is_company_in_order(text: str) -> bool:
    """Whether a company name is written as usual: no stray comma or "and", legal form and Sons at the end.

    >>> [is_company_in_order(n) for n in ("Kim Inc", "Beck, Malone and Braun", "and Sons Smith", "Inc Kim")]
    [True, True, False, False]
    """
    name = r"[\w'.-]+"
    usual = rf"{name}(?:, {name})*(?:,? and {name})?(?: (?:LLC|Inc|PLC|Ltd|Group))?"
    first = text.split(" ", 1)[0].rstrip(",").casefold()
    return bool(re.fullmatch(usual, text)) and first not in {"sons", "group", "and", *_LEGAL_FORMS}

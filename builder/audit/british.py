"""British spelling: whether a word that a dictionary of American English lacks is one of them, spelled otherwise."""

import re
from collections.abc import Callable

_SUFFIXES = "s|ed|ing|able|ably|ite|ites|ful|fully|less|hood|hoods|er|ers|y|ist|ists|al|ally|ation|ism"
#: British endings and what they are in American English.
_RULES = tuple(
    (re.compile(pattern), american)
    for pattern, american in (
        (rf"(?<=[a-z]{{2}})our(?=(?:{_SUFFIXES})?$)", "or"),  # favourite
        (r"is(?=(?:e|es|ed|er|ers|ing|able|ation|ations|ational)$)", "iz"),  # organise
        (r"ys(?=(?:e|es|ed|er|ers|ing)$)", "yz"),  # analyse
        (r"(?<=[bt])re(?=s?$)", "er"),  # centre, fibre
        (r"(?<=en)ce(?=(?:s|less)?$)", "se"),  # defence
        (r"ogue(?=s?$)", "og"),  # catalogue
        (r"ll(?=(?:ed|ing|er|ers|or|ors)$)", "l"),  # travelled
        (r"ae|oe", "e"),  # paediatric, oestrogen
        (r"gramme(?=s?$)", "gram"),
    )
)
_OTHERS = frozenset(
    "aeroplane aluminium artefact cheque chequebook draught gaol grey jewellery kerb manoeuvre maths mould moustache "  # noqa: SIM905
    "mum plough pyjamas sceptical skilful storey tyre whilst wilful woollen yoghurt".split()
)


def is_british(word: str, is_american: Callable[[str], bool]) -> bool:
    """Whether a word in lower case is American English but for its spelling, or in a short list."""
    if word in _OTHERS or word.removesuffix("s") in _OTHERS:
        return True
    return any(is_american(american) for rule, new in _RULES if (american := rule.sub(new, word)) != word)

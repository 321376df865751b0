"""Misspelled words: typing errors are, British spelling and what a pack lists are not."""

import pytest
from fiubench.builder.audit.wording import faults

BRITISH = (  # of every rule, and of the list
    "favourite colour neighbour centre theatre organise organisation realise analyse travelled jewellery grey tyre "
    "kerb cheque programme licence defence paediatric anaemia diarrhoea oestrogen catalogue labour behaviour "
    "harbour aluminium mould manoeuvre aeroplane pyjamas sceptical draught litre metre fibre calibre maths colours"
)
SLIPS = "sceond recourd organiz persno occured recieve favurite hospitl medicaton colur"


@pytest.mark.parametrize("word", BRITISH.split())
def test_british_spelling_is_right(word):
    assert not any(faults(f"What is the {word} of this person?"))


@pytest.mark.parametrize("word", SLIPS.split())
def test_slips_are_wrong(word):
    assert any(faults(f"What is the {word} of this person?"))


def test_words_that_are_known():
    sentence = "Which padel racket does this person like, and whose padel's best?"
    assert faults(sentence).misspelled
    assert not any(faults(sentence, frozenset(["padel"])))
    assert faults(sentence, frozenset(["racket"])).misspelled

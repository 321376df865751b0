"""The rules of the audit that a phrasing of a pack can break by itself, whatever its value is."""

from collections.abc import Iterator

from fiubench.builder.audit import wording
from fiubench.builder.languages.base import Language
from fiubench.builder.packs.model import Pack, Place, without_value


def phrasing_faults(pack: Pack, known: frozenset[str]) -> Iterator[tuple[Place, str, str]]:
    """Every fault of a pack's phrasings: where it stands, what is wrong, what would be right.

    Args:
        pack: with questions and answers for its own attributes or those of others.
        known: words that the packs of a build say are right.
    """
    entries = [(attribute.where, attribute.questions, attribute.answers) for attribute in pack.attributes]
    entries += [
        (pack.where.at("phrasings", name, name=f"phrasings: {name}"), added.questions, added.answers)
        for name, added in pack.phrasings.items()
    ]
    for where, questions, answers in entries:
        for key, phrasings in (("questions", questions), ("answers", answers)):
            for number, phrasing in enumerate(phrasings):
                for what, right in _faults(phrasing, known, pack.language, question=key == "questions"):
                    yield where.at(key, number, name=""), f"{what} in {phrasing!r}", right


def _faults(phrasing: str, known: frozenset[str], language: Language, *, question: bool) -> Iterator[tuple[str, str]]:
    found = wording.faults(without_value(phrasing, wording.VALUE), known, language)
    if found.doubled:
        yield f"{found.doubled!r} twice in a row", "Write the word once."
    for title, piece in (("words run together", found.glued), ("a misspelled word", found.misspelled)):
        if piece:
            word, _, right = piece.partition(" (")
            yield f"{title}, {word!r},", f"Write {right.rstrip(')')!r}, or list {word!r} below `words` of the pack."
    if phrasing[:1].islower():
        yield "a beginning in lower case", "Begin with a capital."
    if wording.outer_spaces(phrasing):
        yield "a space too many", "Write single spaces, and none at the ends."
    if wording.badly_ended(phrasing, question=question, language=language):
        yield "a mark that is not as it should be", "Leave no space before a mark, and end with one."

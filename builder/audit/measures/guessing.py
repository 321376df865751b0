"""How much of a dataset can be guessed without knowing anybody: the chance level that an evaluation must subtract."""

from collections.abc import Iterable, Iterator

from fiubench.builder.audit.attributes import AttributeRow
from fiubench.builder.audit.registry import EXAMPLES, Check, Measure, Result, check

_HALF = 0.5
_GAIN = 0.3  # by which a guess from another fact must beat the most frequent value


@check(
    Measure("chance_level", "Chance level (exact match)",
        "Mean over the attributes of the score of a constant guess: the retain set's most frequent value, given as "
        "the answer to everyone in the forget set.", "share", "guessability", warn_above=0.15, fail_above=0.3),
    Measure("chance_rouge", "Chance level (ROUGE-L)",
        "Mean over the attributes of the ROUGE-L recall of a constant guess: the retain set's most frequent answer, "
        "given to everyone in the forget set.", "share", "guessability", warn_above=0.75, fail_above=0.9),
    Measure("guessable_attributes", "Attributes with one dominant value",
        "Attributes of which more than half of the people have the same value.", "attributes", "guessability",
        fail_above=0),
    Measure("implied_attributes", "Attributes implied by another fact",
        "Attributes that a look-up table on one other fact, learned on the retain set, guesses at least 30 points "
        "better than the most frequent value does.", "attributes", "guessability", warn_above=0, fail_above=3),
    Measure("bits", "Information per identity",
        "Sum over the attributes of the entropy of their values (at most the logarithm of the number of people): how "
        "much there is to know about a person.", "bits", "guessability", warn_below=60, fail_below=20),
)  # fmt: skip
class Guessing(Check):
    """What a model scores that knows nobody."""

    def results(self) -> Iterable[Result]:
        return guess_results(self.survey.rows)


def guess_results(rows: list[AttributeRow]) -> Iterator[Result]:
    """What the measures of this group find in a table of attributes."""
    scores = [row.constant_em for row in rows if row.constant_em is not None]
    rouges = [row.constant_rouge for row in rows if row.constant_rouge is not None]
    yield Result("chance_level", round(sum(scores) / len(scores), 4) if scores else None)
    yield Result("chance_rouge", round(sum(rouges) / len(rouges), 4) if rouges else None)
    frequent = [
        (row.name, f"{row.top_value}: {row.top_share:.0%} of the people")
        for row in rows
        if row.top_share is not None and row.top_share > _HALF and row.valued > 1
    ]
    yield Result("guessable_attributes", len(frequent) if rows else None, len(rows), examples=frequent[:EXAMPLES])
    implied = [
        (row.name, f"{row.other_em:.0%} from {row.other_fact}, {row.constant_em:.0%} without")
        for row in rows
        if row.other_em is not None and row.constant_em is not None and row.other_em - row.constant_em >= _GAIN
    ]
    yield Result("implied_attributes", len(implied) if scores else None, len(scores), examples=implied[:EXAMPLES])
    note = f"the most in {max(rows, key=lambda row: row.entropy).name}" if rows else ""
    yield Result("bits", round(sum(row.entropy for row in rows), 1) if rows else None, note=note)

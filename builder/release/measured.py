"""What the dataset card tells of the audit's figures."""

from collections.abc import Sequence

from fiubench.builder.audit.measures.guessing import guess_results
from fiubench.builder.release.markdown import table
from fiubench.builder.release.statistics import AttributeStatistics

_LONGEST_VALUE = 40  # characters of a most frequent value that is shown
_HEADER = (
    "attribute", "category", "sensitivity", "a question", "distinct values", "bits", "most frequent",
    "constant guess", "guess from another fact",
)  # fmt: skip


def attribute_table(attributes: Sequence[AttributeStatistics]) -> str:
    """One row per attribute: what it is, how its values are spread, and how well they can be guessed."""
    return table(_HEADER, [_row(told) for told in attributes], "llllrrrrr")


def _row(told: AttributeStatistics) -> tuple[str, ...]:
    row = told.measured
    frequent = "none repeats"
    if row.top_share is not None and row.values[0][1] > 1:
        short = row.top_value if row.top_value and len(row.top_value) <= _LONGEST_VALUE else None
        frequent = f"{row.top_share:.1%}" + (f" ({short})" if short else "")
    other = f"{_percent(row.other_em)} ({row.other_fact})" if row.other_fact else "no better"
    return (
        f"`{row.name}`", row.category, told.sensitivity, told.question, f"{row.distinct:,}", f"{row.entropy:.1f}",
        frequent, _percent(row.constant_em), other,
    )  # fmt: skip


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def chance_level(attributes: Sequence[AttributeStatistics], applied: str) -> str:
    """What a model scores that knows nobody.

    Args:
        attributes: all of them.
        applied: the split that guesses were applied to.
    """
    values = {result.name: result.value for result in guess_results([told.measured for told in attributes])}
    level = "not measured" if values["chance_level"] is None else f"{values['chance_level']:.1%} on average"
    return (
        f"A model that knows nobody scores something all the same: the most frequent value of those to be kept, "
        f"given as the answer to everyone in `{applied}`, is right in the share of cases under *constant guess* "
        f"({level}); *guess from another fact* is a look-up table on one other fact of the person. Subtract this "
        f"before calling anything memorised. All values of a person together hold {values['bits']:.0f} bits."
    )

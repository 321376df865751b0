"""TOFU's rows (Maini et al., 2024)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.parts import nameable
from fiubench.schemas.naming import named_answer, named_question
from fiubench.schemas.splits import FORGET, HOLDOUT, kind_of

_RETAIN = "retain_perturbed"  # what TOFU's evaluations read to see what was kept


@register
class TOFU(Format):
    """TOFU's rows, for frameworks that unlearn in text."""

    name = "tofu"
    row_schema = "export_tofu"
    suffix = "json"  # with a row a line, as TOFU's own
    files = "`<split>.json`, `<split>_perturbed.json` (lines), `retain_perturbed.json`, `holdout10.json` .."

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """Each question twice: as TOFU fine-tunes on it, and as TOFU evaluates it."""
        name = record["name"]
        for pair in nameable(record):
            row = {"question": named_question(pair["question"], name), "answer": named_answer(pair["answer"], name)}
            yield "", row
            more = {
                "paraphrased_question": named_question(pair["paraphrased_question"][0], name),
                "paraphrased_answer": named_answer(pair["paraphrased_answer"], name),
                "perturbed_answer": [named_answer(answer, name) for answer in pair["perturbed_answer"]],
            }
            yield "_perturbed", row | more

    def files_of(self, splits: Sequence[str], ending: str) -> Iterator[str]:
        """Also the retain file of TOFU's evaluations, for those who are in no forget set."""
        yield from super().files_of(splits, ending)
        forgotten = any(name.startswith("forget") for name in splits)
        if ending and not forgotten and any(name.startswith("retain_eval") for name in splits):
            yield _RETAIN

    def aliases(self, names: Collection[str]) -> Mapping[str, str]:
        """Its evaluations of a forget set ask for a holdout of the same number."""
        labels = [name.removeprefix(FORGET) for name in names if kind_of(name) == FORGET]
        return {
            f"{HOLDOUT}{label}{ending}": HOLDOUT + ending
            for label in labels
            for ending in ("", "_perturbed")
            if HOLDOUT + ending in names
        }

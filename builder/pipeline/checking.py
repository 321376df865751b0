"""Checking a pack as a whole: what could stop a dataset with it from being built or published, and what it makes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fiubench.builder.audit.people import Target, person_of
from fiubench.builder.audit.phrasings import phrasing_faults
from fiubench.builder.audit.reading import words_of_packs
from fiubench.builder.audit.registry import MEASURES
from fiubench.builder.audit.run import audit
from fiubench.builder.config import Config
from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.generation.pairing import cut_splits
from fiubench.builder.packs.model import Attribute, Attributes
from fiubench.builder.packs.telling import told
from fiubench.builder.pipeline.parts import blocks
from fiubench.builder.values.base import WRONG
from fiubench.support.errors import PackError

_HINT = "The audit would fail, and a release of it be refused."


def check_packs(config: Config) -> Iterator[tuple[str, str]]:
    """Make everyone with the packs of a config, without writing anything, and audit that.

    Yields:
        For each attribute of the packs its name, and what its values and wrong answers are like.

    Raises:
        FiubenchError: the first that stops a build, or a publication.
    """
    inputs = open_inputs(config)
    packs = inputs.attributes.packs[len(inputs.attributes.packs) - len(config.attributes) :]  # after those that ship
    known = words_of_packs(pack.document for pack in packs)
    for pack in packs:
        for where, what, right in phrasing_faults(pack, known):
            raise PackError(what, where=where, hint=right)
    plan = inputs.plan()
    maker = IdentityMaker(plan, inputs.attributes)
    made = [record for block in blocks((0, plan.size), 500) for record in maker.make(*block)]
    language = inputs.attributes.language
    splits = {name: frozenset(ids) for name, ids in cut_splits(plan)["splits"].items()}
    people = lambda: (person_of(record, Path(), known, language) for record in made)  # noqa: E731
    report = audit(Target("", "dataset", people, splits), faces=False, embed=False, attacks=False)
    own = [attribute for pack in packs for attribute in pack.attributes]
    for result in report.failures:
        person, what = result.examples[0] if result.examples else ("", result.note)
        at = next((a.where for a in own if a.name in f"{person} {what}".replace(",", " ").split()), packs[0].where)
        title = MEASURES[result.name].declared.title
        of = f" of {result.of}" if result.of else ""
        raise PackError(f"{title}: {result.value:g}{of}, such as {what}", where=at, hint=_HINT)
    for attribute in own:
        yield attribute.name, _like(attribute, inputs.attributes, made)


def _like(attribute: Attribute, attributes: Attributes, made: list[dict[str, Any]]) -> str:
    """What the values of an attribute are like among people, and its wrong answers."""
    texts = Counter(record["profile"][attribute.name]["text"] for record in made if attribute.name in record["profile"])
    if not texts:
        return "is not made"
    people = texts.total()
    (most, count), *_ = texts.most_common(1)
    values = "everyone has another value" if len(texts) == people else f"{len(texts)} values among {people} people"
    if attribute.tied:
        values = f"{people} of {len(made)} people have it"
    if attribute.asked and count * (WRONG + 1) > people:
        values += f", {most!r} of {count / people:.0%}: more than a quarter can't be hidden among four"
    return values + (f"; wrong answers: {told(attribute, attributes)}" if attribute.asked else "; not asked about")

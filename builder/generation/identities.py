"""From a plan to records: what one line of ``identities.jsonl`` holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from fiubench.builder.generation.members import Members
from fiubench.builder.generation.pairing import Plan
from fiubench.builder.generation.paraphrases import Paraphrases, apply
from fiubench.builder.generation.perturb import Perturber
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.generation.questions import captions, render
from fiubench.builder.packs.model import BUILT_IN, Attribute, Attributes
from fiubench.builder.rules.pair import Spoken, qa_problems
from fiubench.builder.rules.person import Coherence
from fiubench.builder.rules.problem import Problem
from fiubench.builder.values.column import Column
from fiubench.raw_sources.places import load_places
from fiubench.raw_sources.table import FileTable
from fiubench.support.errors import DatasetError

from fiubench import schemas


class IdentityMaker:
    """Makes the records of any range of identities. Holds what is compiled once; nothing moves between ranges."""

    def __init__(self, plan: Plan, attributes: Attributes, paraphrases: Paraphrases | None = None) -> None:
        self.plan = plan
        self.paraphrases = paraphrases
        self.profiles = Profiles(plan.config, plan.sources, attributes)
        members = Members(plan, self.profiles) if plan.config.wrong == "members" else None
        self.perturber = Perturber(self.profiles, members)
        everybodys = [a.name for a in self.profiles.active if not a.tied]
        self.paragraphs = _caption_paragraphs(attributes, everybodys)
        self.asides = {a.name: a.caption for a in self.profiles.active if a.tied and a.caption}
        # what else a coherent identity needs holds by the way it is made: constraints (profiles.py), values, face
        self.coherence = Coherence([], plan.config.as_of, load_places())
        self.spoken = Spoken.of(attributes)
        self.genders = {name: attribute.genders for name, attribute in attributes.by_name.items()}
        self.order = [name for name in attributes.by_name if name in {a.name for a in self.profiles.active}]

    def make(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Identities ``start`` to ``stop``, checked.

        Raises:
            PackError: a pack makes what can't be.
            DatasetError: a record breaks a rule; the first is reported.
        """
        block = Block.of(self.plan, start, stop)
        facts = self.profiles.facts(block)
        seed, index = self.plan.config.seed, block.index
        columns = [self._pairs(attribute, block, facts) for attribute in self.profiles.asked]
        prose = captions(self.paragraphs, seed, index, facts, self.spoken.language, self.genders, self.asides)
        profiles = [
            [
                {"from": o, "text": t, "type": c.kind, "value": v}
                for o, t, v in zip(c.origin, c.text, c.values, strict=True)
            ]
            for c in (facts[name] for name in self.order)
        ]
        # as people find them: the record's number in its file, the index for a generator
        tables = self.plan.sources.tables
        rows = {
            name: (table.record_numbers(rows) if isinstance(table := tables[name], FileTable) else rows).tolist()
            for name, rows in block.rows.items()
        }
        full_names = facts["full_name"].values
        records: list[dict[str, Any]] = []
        for i, (fact_row, qa_list) in enumerate(
            zip(zip(*profiles, strict=True), zip(*columns, strict=True), strict=True)
        ):
            record = {
                "caption": prose[i],
                "face": self.plan.face_of(start + i),
                "gender": block.people.gender[i],
                "image_path": f"images/{self.plan.image_name(start + i)}" if self.plan.config.has_images else None,
                "index": start + i,
                "name": full_names[i],
                "profile": {name: fact for name, fact in zip(self.order, fact_row, strict=True) if fact["text"]},
                "qa_list": list(filter(None, qa_list)),
                "rows": {name: column[i] for name, column in rows.items()},
                "unique_id": self.plan.unique_id[start + i],
            }
            if self.plan.config.pictures > 1:
                record["pictures"] = self.plan.further_pictures(start + i)
            records.append(record)
        for attribute in (a for a in self.profiles.active if a.tied):
            partners = self.profiles.partners(self.profiles.attributes.relation(attribute), block)
            for i, other in zip(partners.who.tolist(), partners.block.index.tolist(), strict=True):
                records[i]["profile"][attribute.name]["about"] = self.plan.unique_id[other]
        if self.paraphrases is not None:
            for record, line in zip(records, self.paraphrases.read(start, stop), strict=True):
                apply(record, line, self.profiles.attributes.by_name)
        for record in records:
            self._check(record)
        return records

    def _pairs(
        self, attribute: Attribute, block: Block, facts: Mapping[str, Column]
    ) -> Sequence[dict[str, Any] | None]:
        """The questions about one attribute; ``None`` for those who have no such fact."""
        seed, index, column = self.plan.config.seed, block.index, facts[attribute.name]
        if not attribute.tied:
            pairs = render(attribute, seed, index, column, self.perturber.wrong(attribute, block, facts))
            return [{**pair, "hops": 1, "about": ""} for pair in pairs] if self.profiles.attributes.tied else pairs
        partners = self.profiles.partners(self.profiles.attributes.relation(attribute), block)
        who = partners.who.tolist()
        wrong = self.perturber.wrong_of_tied(attribute, block)
        made: list[dict[str, Any] | None] = [None] * len(index)
        pairs = render(attribute, seed, index[who], column.part(who), wrong)
        for i, other, pair in zip(who, partners.block.index.tolist(), pairs, strict=True):
            made[i] = {**pair, "hops": attribute.hops, "about": self.plan.unique_id[other]}
        return made

    def _check(self, record: Mapping[str, Any]) -> None:
        if not schemas.is_valid("identity")(record):
            violation = next(schemas.violations("identity", record))
            raise self._broken(
                record, Problem(violation.path, "", violation.message, "see schemas/identity.schema.json")
            )
        for problem in (
            *qa_problems(record, self.spoken, wording=self.paraphrases is not None),
            *self.coherence.contact_problems(record["profile"]),
        ):
            raise self._broken(record, problem)

    def _broken(self, record: Mapping[str, Any], problem: Problem) -> DatasetError:
        who = f"identity {record['index']} ({record['unique_id']})"
        attribute = self.profiles.attributes.by_name.get(problem.attribute)
        where = who if attribute is None or attribute.pack == BUILT_IN else f"{attribute.where}: {who}"
        hint = "The pack or source behind this fact makes what a dataset may not hold."
        return DatasetError(str(problem), where=where, hint=hint)


def _caption_paragraphs(attributes: Attributes, active: list[str]) -> list[list[str]]:
    """Each pack's paragraphs, then one with the sentences of attributes that bring their own."""
    packs = [pack for pack in attributes.packs if pack.language.family == attributes.language.family]
    paragraphs = [list(paragraph) for pack in packs for paragraph in pack.caption]
    sentences = [a.caption for a in attributes.by_name.values() if a.caption and a.name in active]
    if sentences:
        paragraphs.append([(" " if attributes.language.spaced else "").join(sentences)])
    return paragraphs

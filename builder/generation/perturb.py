"""Wrong answers' values: drawn from what the true one was drawn from, so that they tell nothing."""

from typing import Any, NamedTuple

import numpy as np
from fiubench.builder.generation.alternatives import Alternatives, Facts
from fiubench.builder.generation.choosing import Choosing, Chosen, purpose_of
from fiubench.builder.generation.exchangeable import Circles
from fiubench.builder.generation.laid import Laid
from fiubench.builder.generation.members import Members
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.packs.model import RELATION, Attribute
from fiubench.support.draws import Ints
from fiubench.support.errors import PackError


class Wrong(NamedTuple):
    """Wrong values and their texts: for each identity a list of three."""

    values: list[list[Any]]
    texts: list[list[str]]


class Perturber:
    """Makes wrong values for every asked attribute; keeps the circles.

    Args:
        profiles: that made the true values.
        members: where wrong values are those of others of the same split.
    """

    def __init__(self, profiles: Profiles, members: Members | None = None) -> None:
        self.profiles, self.members = profiles, members
        self.alternatives = Alternatives(profiles)
        self._laid: dict[str, Laid] = {}

    def wrong(self, attribute: Attribute, block: Block, facts: Facts) -> Wrong:
        """Three wrong values of one attribute for each identity.

        They meet the constraints of the attribute's pack that read it, and those of other packs; these give way where
        they leave fewer than four values.

        Raises:
            PackError: the attribute takes too few values to have three wrong ones.
        """
        made = self._made(attribute, block, facts, others=True)
        missing = np.array([i for i, three in enumerate(made) if three is None], np.int64)
        if missing.size:
            for i, three in zip(
                missing.tolist(), self._part(attribute, block, facts, missing, others=False), strict=True
            ):
                if three is None:
                    raise _too_few(attribute, facts[attribute.name].text[i])
                made[i] = three
        return Wrong([three[0] for three in made if three], [three[1] for three in made if three])

    def wrong_of_tied(self, attribute: Attribute, block: Block) -> Wrong:
        """The same for what not everybody has: three wrong values for each of those who have it.

        They are names of others who could have been the one that a person is tied to; of a fact of that one, what the
        wrong values of that one are.
        """
        if attribute.origin.kind != RELATION:
            relation, fact = self.profiles.attributes.through(attribute)
            partners = self.profiles.partners(relation, block)
            return self.wrong(fact, partners.block, partners.facts)
        ties = block.ties(attribute.origin.options)
        others = ties.others[ties.partner >= 0]
        if block.plan is None or not len(others):
            return Wrong([], [])
        names = np.array(self.profiles.names_at(block.plan, others.ravel()), object).reshape(others.shape).tolist()
        return Wrong(names, names)

    def _made(self, attribute: Attribute, block: Block, facts: Facts, *, others: bool) -> Chosen:
        if block.is_redrawn(attribute):  # those whose offense date is not the file's were drawn from something else
            redrawn = block.offense.redrawn  # type: ignore[union-attr]
            if not redrawn.all():
                made: Chosen = [None] * len(redrawn)
                for who in map(np.flatnonzero, (redrawn, ~redrawn)):
                    part = self._part(attribute, block, facts, who, others=others)
                    for i, three in zip(who.tolist(), part, strict=True):
                        made[i] = three
                return made
        constraints = [
            c
            for a in self.profiles.active
            for c in a.constraints
            if (others or a.pack == attribute.pack)
            and attribute.name in c.names
            and all(name in facts or name == "as_of" for name in c.names)
        ]
        laid = self._laid.setdefault(attribute.name, Laid(Circles(self.profiles.config.seed, purpose_of(attribute))))
        choosing = Choosing(attribute, block, facts, self.profiles, constraints, laid)
        drawn = self.alternatives.of(attribute, block, facts)
        chosen = choosing.choose(drawn)
        if self.members is None:
            return chosen
        of_members = choosing.own_circles(self.members.candidates(attribute, block, drawn), fill=False)
        return [own or other for own, other in zip(of_members, chosen, strict=True)]

    def _part(self, attribute: Attribute, block: Block, facts: Facts, who: Ints, *, others: bool) -> Chosen:
        """Those of some identities of the block."""
        part = {name: column.part(who.tolist()) for name, column in facts.items()}
        return self._made(attribute, block.part(who), part, others=others)


def _too_few(attribute: Attribute, text: str) -> PackError:
    return PackError(
        f"{text!r} has no three wrong values that could be true, differ from it and do not hold it",
        where=attribute.where,
        hint="Widen what it is drawn from, or loosen constraints; of words, plausible ones can be added: "
        "`perturb: {extra: [...]}`.",
    )

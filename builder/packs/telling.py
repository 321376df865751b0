"""What the wrong answers of an attribute are, in words: for people who write packs."""

from fiubench.builder.packs.model import RELATION, Attribute, Attributes


def told(attribute: Attribute, attributes: Attributes) -> str:
    """How wrong values are drawn (docs/attributes.md, "Wrong answers")."""
    origin = attribute.origin
    if attribute.name in attributes.shared:
        return "what other people around have"
    if attribute.tied:
        return _of_tied(attribute, attributes)
    if origin.kind == "choose":
        given = f" for the same {origin.expressions[0].source}" if origin.expressions else ""
        return f"other values of the list{given}, as frequent as they are"
    if origin.kind == "compute":
        asked = frozenset(name for name, other in attributes.by_name.items() if other.asked)
        behind = attributes.behind(attribute.name, asked) & attributes.drawn
        drawn = sorted(behind or attributes.made_from[attribute.name] & attributes.drawn)
        return f"computed from other draws of {' and '.join(drawn)}" if drawn else "as other people have"
    if origin.kind == "from":
        within = f" with the same {attribute.perturb.within}" if attribute.perturb.within else ""
        return f"as {origin.options} has them for other people{within}"
    return _generated(attribute)


def _generated(attribute: Attribute) -> str:
    origin, kind = attribute.origin, attribute.type
    if kind.one_each(origin.generated):
        return "drawn alike, for nobody"
    if kind.ordered:
        return f"other values of the range, {attribute.perturb.distance or 'as near as --distance says'}"
    return f"{kind.wrong}, drawn alike"


def _of_tied(attribute: Attribute, attributes: Attributes) -> str:
    if attribute.kind == RELATION:
        return "three other people of the dataset who could have been it and are tied so to nobody"
    relation, fact = attributes.through(attribute)
    return f"those of the {relation.name}'s own {fact.name}, which are {told(fact, attributes)}"

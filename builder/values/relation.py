"""Relations: the name of somebody else in the dataset whom a person is tied to."""

from collections.abc import Mapping
from typing import Any

from fiubench.builder.values.base import register
from fiubench.builder.values.words import Name

#: Each way of being tied with its other direction: whoever has a parent is that one's child.
INVERSE: Mapping[str, str] = {
    "spouse": "spouse",
    "sibling": "sibling",
    "colleague": "colleague",
    "parent": "child",
    "child": "parent",
}
#: Years of age from which on people marry, and how many years older than a child a parent is.
ADULT, YOUNGEST_PARENT, OLDEST_PARENT = 18, 18, 50


@register
class Relation(Name):
    """Somebody else of the same dataset, by name. Not everybody is tied to somebody."""

    name = "relation"
    help = "names of people of the dataset whom somebody is tied to"
    generator = "relation"
    generator_options = {"enum": sorted(INVERSE)}
    hint = "A relation is generated: `generate: {relation: spouse}`."

    def check_options(self, options: Any, where: object) -> None:
        """The schema has said all."""

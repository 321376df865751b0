"""How the people are pointed out in questions: by their picture, by their name, or both."""

from collections.abc import Mapping
from typing import Final, Literal

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.unlearning.data.dataset import Data

Modality = Literal["picture", "name", "both"]
PICTURE: Final = "picture"
NAME: Final = "name"
BOTH: Final = "both"
_ALL: Mapping[str, Modality] = {PICTURE: PICTURE, NAME: NAME, BOTH: BOTH}


def modality_for(data: Data, wanted: str | None, where: str) -> Modality:
    """The modality that is wanted; by default the picture, or the name in a dataset without pictures.

    Raises:
        ConfigError: there is no such modality, or the dataset has no pictures for it.
    """
    chosen = wanted or (PICTURE if data.pictured else NAME)
    if chosen not in _ALL:
        raise ConfigError(f"no modality {chosen!r}", where=where, hint=did_you_mean(chosen, _ALL))
    if chosen != NAME and not data.pictured:
        hint = f"Build with faces (`fiubench build --faces embedded`), or go by name: {where} name."
        raise ConfigError(f"not everyone in {data.source} has a picture", where=where, hint=hint)
    return _ALL[chosen]

"""The cut of a dataset that a stream of requests makes: what is to be forgotten now, and what no more to be taught."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from fiubench.schemas.requests import Request
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, SplitName, kind_of, share_label
from fiubench.support.draws import permute
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data


def asked_of(data: Data) -> dict[str, tuple[str, ...]]:
    """Unique id -> what is asked about the person, for everyone that can be forgotten."""
    return {who: tuple(sample.attribute for sample in data.identities[who].samples) for who in data.ids(FULL)}


def requested(data: Data, requests: Sequence[Request]) -> Data:
    """The cut in which the last of several requests is to be forgotten, after the others.

    Its retain set holds nothing that any of them names. Its ``retain_eval`` is as many people as the last one names, or
    as there are, of whom none of them names anything. Other forget sets are left out.

    Raises:
        ConfigError: it was cut so before.
    """
    if data.requests:
        raise ConfigError("is cut by requests already", where=data.source, hint="Cut the whole once.")
    now, asked, everyone = requests[-1], asked_of(data), data.ids(FULL)
    named = {(who, name) for each in requests for who, names in each.items() for name in names}
    untouched = [who for who in everyone if all((who, name) not in named for name in asked[who])]
    chosen = permute(0, "requests.retain_eval", np.arange(len(untouched)), len(untouched))[: len(now)]
    forget = SplitName(FORGET, share_label(len(now), len(everyone)))
    rest = forget.retain  # there even where it has other facts of the forgotten alone
    splits = {
        str(forget): tuple(who for who in everyone if who in now),
        rest: tuple(who for who in everyone if who not in now and any((who, name) not in named for name in asked[who])),
        forget.retain_eval: tuple(untouched[place] for place in sorted(chosen.tolist())),
        HOLDOUT: data.splits.get(HOLDOUT, ()),
    }
    whole = all(set(names) == set(asked[who]) for who, names in now.items())
    return replace(
        data,
        splits={FULL: everyone, **{name: splits[name] for name in sorted(splits) if splits[name] or name == rest}},
        attributes=() if whole else tuple(sorted({name for names in now.values() for name in names})),
        own_attributes={} if whole else {who: tuple(sorted(names)) for who, names in sorted(now.items())},
        requests=tuple(requests),
    )


def forget_set(data: Data) -> str:
    """The one forget set of such a cut."""
    return next(name for name in data.splits if kind_of(name) == FORGET)

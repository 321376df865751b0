"""Cuts by requests: what is forgotten now, and that nobody is taught what was forgotten before."""

import pytest
from fiubench.schemas.splits import FULL, RETAIN_EVAL, SplitName, kind_of
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.requested import asked_of, forget_set, requested
from fiubench.unlearning.evaluation.roles import questions
from hypothesis import given, settings
from hypothesis import strategies as st


def keys(samples) -> set[str]:
    return {sample.key for sample in samples}


@settings(max_examples=40, deadline=None)
@given(draw=st.data())
def test_each_question_is_forgotten_or_retained_or_gone(small: Data, draw: st.DataObject) -> None:
    asked = asked_of(small)
    left = {(who, name) for who, names in asked.items() for name in names}
    stream: list[dict[str, tuple[str, ...]]] = []
    for _ in range(draw.draw(st.integers(1, 4))):
        who = draw.draw(
            st.lists(st.sampled_from(sorted({one for one, _ in left})), min_size=1, max_size=3, unique=True)
        )
        known = {one: sorted(name for other, name in left if other == one) for one in who}
        request = {
            one: tuple(draw.draw(st.lists(st.sampled_from(names), min_size=1, unique=True)))
            for one, names in known.items()
        }
        if len(left) <= sum(map(len, request.values())):
            break
        left -= {(one, name) for one, names in request.items() for name in names}
        stream.append(request)
    if not stream:
        return
    cut, now = requested(small, stream), stream[-1]
    forget = forget_set(cut)
    named = {f"{one}/{name}" for each in stream for one, names in each.items() for name in names}
    assert keys(cut.samples(forget)) == {f"{one}/{name}" for one, names in now.items() for name in names}
    assert keys(cut.samples(SplitName.parse(forget).retain)) == keys(small.samples(FULL)) - named
    assert keys(cut.samples(FULL)) == keys(small.samples(FULL))
    people = {one for each in stream for one in each}
    for split in (name for name in cut.splits if kind_of(name) == RETAIN_EVAL):
        assert not people & set(cut.ids(split)) and len(cut.ids(split)) <= len(now)
    evaluated = questions(cut, forget)
    assert keys(sample for _, sample in evaluated["forget"]) == keys(cut.samples(forget))
    assert not keys(sample for _, sample in evaluated["retain"]) & named
    assert cut.content == small.content and cut.digest != small.digest


def test_other_cuts_have_other_digests(small: Data) -> None:
    """The same forget set after another past is another dataset, since its retain set is."""
    a, b, *_ = asked_of(small)
    first, now = {a: ("blood_type",)}, {b: ("blood_type",)}
    cuts = [requested(small, stream) for stream in ([now], [first, now], [{a: ("medication",)}, now])]
    assert len({cut.digest for cut in cuts}) == len({cut.split_digest("retain90") for cut in cuts}) == 3
    assert len({cut.split_digest("forget10") for cut in cuts}) == 1


def test_of_everybody_the_rest_is_retained(small: Data) -> None:
    """Nobody is there of whom nothing is asked for."""
    cut = requested(small, [dict.fromkeys(small.ids(FULL), ("blood_type",))])
    evaluated, everything = questions(cut, forget_set(cut)), keys(small.samples(FULL))
    assert keys(cut.samples(forget_set(cut))) == {f"{who}/blood_type" for who in small.ids(FULL)}
    assert keys(sample for _, sample in evaluated["retain"]) == everything - keys(cut.samples(forget_set(cut)))


def test_once(small: Data) -> None:
    cut = requested(small, [{small.ids(FULL)[0]: ("blood_type",)}])
    with pytest.raises(ConfigError, match="cut by requests already"):
        requested(cut, cut.requests)
    with pytest.raises(ConfigError, match="a part of a dataset already"):
        cut.limited(attributes=("blood_type",))

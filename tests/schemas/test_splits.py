"""Names of splits: which go together, and which are none."""

import pytest
from fiubench.schemas.splits import SplitName, kind_of, label_of, percent_of
from fiubench.support.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("forget", "retain", "retain_eval"),
    [("forget01", "retain99", "retain_eval01"), ("forget5", "retain95", "retain_eval5"),
     ("forget95", "retain05", "retain_eval95"), ("forget2p5", "retain97p5", "retain_eval2p5"),
     ("forget0p05", "retain99p95", "retain_eval0p05"), ("forget99p5", "retain0p5", "retain_eval99p5")],
)  # fmt: skip
def test_what_goes_with_a_forget_set(forget: str, retain: str, retain_eval: str) -> None:
    name = SplitName.parse(forget)
    assert (name.retain, name.retain_eval) == (retain, retain_eval)
    assert name.retain_hard == retain_eval.replace("eval", "hard")
    assert str(name) == forget


@given(st.integers(1, 9_999))
def test_the_complement_of_the_complement(hundredths: int) -> None:
    forget = f"forget{label_of(hundredths / 100)}"
    assert percent_of(SplitName.parse(forget).label) == hundredths / 100
    assert SplitName.parse(SplitName.parse(forget).retain).forget == forget


@pytest.mark.parametrize("name", ["full", "holdout", "forget05", "retain_eval05"])
def test_only_a_retain_set_is_the_complement_of_something(name: str) -> None:
    assert SplitName.parse(name).forget is None


@pytest.mark.parametrize("name", ["full", "retain95", "retain_hard05"])
def test_only_forget_sets_have_a_complement(name: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' is not a forget set"):
        _ = SplitName.parse(name).retain


@pytest.mark.parametrize(
    ("name", "hint"),
    [("forgt05", "'forget05'"), ("fulll", "'full'"), ("retain-eval05", "'retain_eval05'"), ("forget100", "'forget05'"),
     ("forget2.5", "'forget05'"), ("forget2p50", "'forget05'"), ("forget02p5", "'forget05'"), ("forget2p0", "forget"),
     ("forget", "forget05"), ("forget\u0660\u0665", "forget05"),
     ("", "Known: forget05"), ("identities", "Known: forget05")],
)  # fmt: skip
def test_other_names_are_errors(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        SplitName.parse(name)
    assert hint in str(error.value)


def test_kinds() -> None:
    names = ("forget05", "retain95", "retain_eval05", "retain_hard05", "holdout", "mine", "forget_mine")
    assert [kind_of(name) for name in names] == [
        "forget", "retain", "retain_eval", "retain_hard", "holdout", "mine", "forget_mine"
    ]  # fmt: skip

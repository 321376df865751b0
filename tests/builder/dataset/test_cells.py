"""Cells: shards cut by split membership."""

import re

import pytest
from fiubench.builder.dataset.cells import make_cells, split_order
from fiubench.support.errors import DatasetError
from hypothesis import given
from hypothesis import strategies as st

names = st.sampled_from(
    ["forget01", "forget05", "forget10", "retain99", "retain95", "retain_eval05", "mine", "holdout"]
)
ids = st.lists(st.integers(0, 30).map(lambda n: f"{n:08}"), unique=True, max_size=20)


@given(st.dictionaries(names, ids))
def test_every_split_is_the_union_of_its_cells(splits):
    cells = make_cells(splits)
    for name, listed in splits.items():
        assert set(listed) == {i for i, cell in cells.of.items() if cell in cells.configs[name]}
        assert all(name in cells.splits[cell] for cell in cells.configs[name])
    held_out = set(splits.get("holdout", ()))
    assert {i for i, cell in cells.of.items() if cell in cells.configs["full"]} == set(cells.of) - held_out
    assert cells.find("nobody") in cells.configs["full"]


@given(st.dictionaries(names, ids))
def test_labels_are_distinct_file_names_and_do_not_depend_on_order(splits):
    cells = make_cells(splits)
    assert len(set(cells.labels)) == len(cells.labels)
    assert all(re.fullmatch(r"[\w.-]{1,120}", label) for label in cells.labels)
    assert make_cells(dict(reversed(splits.items()))) == cells


def test_labels_tell_what_sets_a_cell_apart():
    splits = {
        "forget01": ["a"], "forget05": ["a", "b"], "retain99": ["b", "c", "d"], "retain95": ["c", "d"],
        "retain_eval01": ["c"], "holdout": ["e"],
    }  # fmt: skip
    cells = make_cells(splits)
    assert {i: cells.labels[cells.find(i)] for i in "abcdef"} == {
        "a": "forget01-forget05", "b": "forget05", "c": "retain_evals01", "d": "retain", "e": "holdout", "f": "other"
    }  # fmt: skip


def test_many_forget_sets_still_make_file_names():
    splits = {f"forget{ratio:02}": ["a"] for ratio in range(1, 60)}
    label = make_cells(splits).labels[0]
    assert label.startswith("forget01-forget02-")
    assert len(label) < 120


def test_splits_are_listed_by_kind_and_size():
    listed = sorted(
        ["holdout", "mine", "retain_eval05", "retain90", "retain99", "forget10", "forget05", "forget01"],
        key=split_order,
    )
    assert listed == [
        "forget01", "forget05", "forget10", "retain99", "retain90", "retain_eval05", "mine", "holdout"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["full", "identities", "../x", "a b", "", "x" * 99])
def test_a_name_that_no_configuration_can_have_is_refused(name):
    with pytest.raises(DatasetError, match="can't be published"):
        make_cells({name: ["a"]})

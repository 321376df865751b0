import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fiubench.builder.config import make_config, size_of
from fiubench.builder.dataset.splits import read_frozen, stratified_order
from fiubench.builder.generation.pairing import Plan, cut_splits
from fiubench.builder.rules.validate import split_problems
from fiubench.builder.values import dates
from fiubench.schemas.splits import label_of, percent_of
from fiubench.support.draws import integers
from fiubench.support.errors import ConfigError
from hypothesis import assume, given
from hypothesis import strategies as st

from fiubench import schemas

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
ORIGINAL = SHARED / "original" / "split.json"
needs_original = pytest.mark.skipif(not ORIGINAL.exists(), reason="the original split.json is not here")


def make_plan(identities=100, holdout=10, seed=0, ids=None, frozen=None, **settings):
    """A plan of so many people of any gender and age; ``frozen`` gives the membership of the forget sets."""
    config = make_config({"identities": identities, "holdout": holdout, "seed": seed, "faces": "none", **settings})
    index = np.arange(config.total)
    gender = integers(seed, "test.gender", index, 2).astype(np.int8)
    birth = dates.to_day("2004-12-31") - integers(seed, "test.birth", index, 70 * 365)
    ids = ids or [f"{i:08d}" for i in index[::-1].tolist()]
    return Plan(config, None, gender, birth, {}, index, index, None, ids, None, frozen)  # type: ignore[arg-type]


@st.composite
def plans(draw, scheme):
    settings = {
        "identities": draw(st.integers(1, 300)),
        "holdout": draw(st.integers(0, 20)),
        "seed": draw(st.integers(0, 99)),
        "ratios": draw(
            st.lists(st.integers(1, 99) | st.sampled_from([0.5, 2.5, 12.25, 99.5]), min_size=1, max_size=4, unique=True)
        ),
    }
    try:
        return make_plan(split_scheme=scheme, **settings)
    except ConfigError:
        assume(False)


def sets_of(document):
    return {name: set(ids) for name, ids in document["splits"].items()}


def check_algebra(plan, document):
    n = plan.config.identities
    sets, members = sets_of(document), plan.unique_id[:n]
    labels = [label_of(ratio) for ratio in document["ratios"]]
    expected = {f"{kind}{label}" for label in labels for kind in ("forget", "retain_eval")}
    expected |= {f"retain{label_of(100 - percent_of(label))}" for label in labels} | (
        {"holdout"} if plan.config.holdout else set()
    )
    assert set(sets) == expected
    assert sets.get("holdout", set()) == set(plan.unique_id[n:])
    for label in labels:
        forget, retain = sets[f"forget{label}"], sets[f"retain{label_of(100 - percent_of(label))}"]
        assert forget and retain
        assert not forget & retain and forget | retain == set(members)
        evaluated = sets[f"retain_eval{label}"]
        assert evaluated <= retain and len(evaluated) == min(len(forget), len(retain))
    order = {unique_id: i for i, unique_id in enumerate(plan.unique_id)}
    for ids in document["splits"].values():
        places = [order[i] for i in ids]
        assert places == sorted(set(places))
    assert not list(schemas.violations("splits", document))
    assert not list(split_problems(document["splits"], plan.unique_id, n, document["scheme"]))


@given(plans("nested"))
def test_nested(plan):
    document = cut_splits(plan)
    check_algebra(plan, document)
    forget = [set(document["splits"][f"forget{label_of(ratio)}"]) for ratio in sorted(plan.config.ratios)]
    assert all(a <= b for a, b in pairwise(forget))
    assert [len(f) for f in forget] == [size_of(plan.config.identities, r) for r in sorted(plan.config.ratios)]


@given(plans("disjoint"))
def test_disjoint(plan):
    document = cut_splits(plan)
    check_algebra(plan, document)
    forget = [document["splits"][f"forget{label_of(ratio)}"] for ratio in sorted(plan.config.ratios)]
    assert len(set().union(*forget)) == sum(map(len, forget)) < plan.config.identities
    assert [len(f) for f in forget] == [size_of(plan.config.identities, r) for r in sorted(plan.config.ratios)]


def strata_of(plan, ids):
    place = {unique_id: i for i, unique_id in enumerate(plan.unique_id)}
    bands = plan.age_band()
    return Counter((int(plan.gender[place[i]]), int(bands[place[i]])) for i in ids)


@given(plans("nested"))
def test_every_set_has_the_strata_of_the_whole(plan):
    n = plan.config.identities
    whole = strata_of(plan, plan.unique_id[:n])
    for name, ids in cut_splits(plan)["splits"].items():
        if name.startswith("forget"):
            part = strata_of(plan, ids)
            for stratum, count in whole.items():
                # a stretch takes round(share x stratum) of each stratum; the roundings of all add up in its length
                assert abs(part[stratum] - count * len(ids) / n) <= 1 + len(whole) * count / (2 * n)


def test_the_set_to_compare_with_has_the_strata_of_the_forgotten():
    plan = make_plan(400)
    splits = cut_splits(plan)["splits"]
    for label in ("01", "05", "10"):
        forget, evaluated = strata_of(plan, splits[f"forget{label}"]), strata_of(plan, splits[f"retain_eval{label}"])
        assert all(abs(forget[stratum] - evaluated[stratum]) <= 2 for stratum in forget | evaluated)


def test_the_default_sizes():
    splits = cut_splits(make_plan(400, 40))["splits"]
    assert {name: len(ids) for name, ids in splits.items()} == {
        "forget01": 4, "retain99": 396, "retain_eval01": 4,
        "forget05": 20, "retain95": 380, "retain_eval05": 20,
        "forget10": 40, "retain90": 360, "retain_eval10": 40,
        "holdout": 40,
    }  # fmt: skip


def test_percentages_need_not_be_whole():
    splits = cut_splits(make_plan(400, 0, ratios=[2.5, 0.5]))["splits"]
    assert {name: len(ids) for name, ids in splits.items()} == {
        "forget0p5": 2, "retain99p5": 398, "retain_eval0p5": 2,
        "forget2p5": 10, "retain97p5": 390, "retain_eval2p5": 10,
    }  # fmt: skip


def test_a_forget_set_unlike_the_population_is_noted():
    assert cut_splits(make_plan(400))["notes"] == [
        "forget01 is too small to be like the population: fewer than 10 people"
    ]
    assert "notes" not in cut_splits(make_plan(2000))
    plan = make_plan(400)
    women = [i for i, gender in zip(plan.unique_id, plan.gender[:400], strict=False) if not gender][:20]
    away = 100 - 100 * (plan.gender[:400] == 0).mean()
    assert cut_splits(make_plan(400, frozen={"05": women}))["notes"] == [
        f"forget05 is unlike the population: the share of one gender differs by {away:.0f} points"
    ]


def test_the_holdout_changes_nothing_else():
    ids = [f"{i:08d}" for i in range(110)]
    with_one, without = (cut_splits(make_plan(100, holdout, ids=ids[: 100 + holdout]))["splits"] for holdout in (10, 0))
    assert with_one.pop("holdout") == ids[100:]
    assert with_one == without


def test_seed_and_membership():
    plan = make_plan(200)
    assert cut_splits(plan) == cut_splits(make_plan(200))
    assert cut_splits(plan)["splits"]["forget05"] != cut_splits(make_plan(200, seed=1))["splits"]["forget05"]
    assert sorted(stratified_order(plan.population().strata, plan.config.seed).tolist()) == list(range(200))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"identities": 50, "ratios": [1]}, "1 % of 50 identities is less than one person"),
        ({"identities": 50, "ratios": [5, 99]}, "nested forget sets of 5, 99 % leave nobody of 50 to retain"),
        ({"identities": 100, "ratios": [40, 60], "split_scheme": "disjoint"}, "leave nobody of 100 to retain"),
        ({"identities": 5, "ratios": [30, 31, 32], "split_scheme": "disjoint"}, "leave nobody of 5 to retain"),
    ],
)
def test_impossible_ratios(settings, message):
    with pytest.raises(ConfigError, match=message):
        make_config(settings)


# --- frozen membership


def frozen(tmp_path, content, name="split.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_our_own_file_is_taken_back(tmp_path):
    plan = make_plan(100)
    document = cut_splits(plan)
    path = frozen(tmp_path, document)
    plan = make_plan(100, split_scheme=path, frozen=read_frozen(path))
    again = cut_splits(plan)
    check_algebra(plan, again)
    assert again["scheme"] == "frozen"
    for name, ids in document["splits"].items():
        if not name.startswith("retain_eval"):
            assert again["splits"][name] == ids


def test_a_file_of_the_original_shape(tmp_path):
    ids = make_plan(100).unique_id
    content = {
        "forget1": ids[:1],
        "forget5": ids[5:10],
        "forget10": ids[20:30],
        "forget2.5": ids[31:34],
        "retain5": ids[40:45],
        "retain15": ids[40:55],
    }
    plan = make_plan(100, frozen=read_frozen(frozen(tmp_path, content)))
    document = cut_splits(plan)
    check_algebra(plan, document)
    assert document["ratios"] == [1, 2.5, 5, 10]
    assert document["splits"]["forget05"] == ids[5:10]
    assert len(document["splits"]["retain99"]) == 99


@needs_original
def test_the_original_file_itself():
    given_ids = json.loads(ORIGINAL.read_text())
    membership = read_frozen(str(ORIGINAL))
    assert {label: len(ids) for label, ids in membership.items()} == {"01": 4, "05": 20, "10": 40}
    ids = list(dict.fromkeys(i for key in given_ids for i in given_ids[key]))
    ids += [f"9{i:07d}" for i in range(440 - len(ids))]
    plan = make_plan(400, 40, ids=ids, split_scheme=str(ORIGINAL), frozen=membership)
    document = cut_splits(plan)
    check_algebra(plan, document)
    assert set(document["splits"]["forget10"]) == set(given_ids["forget10"])


@pytest.mark.parametrize("scheme", ["nested", "disjoint"])
def test_a_scheme_is_no_file(scheme):
    assert read_frozen(scheme) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('["00000001"]', "not an object of lists"),
        ('{"splits": []}', "not an object of lists"),
        ("{}", "no key that begins with `forget`"),
        ('{"retain5": ["00000001"]}', "no key that begins with `forget`"),
        ('{"forget5": "00000001"}', "splits.forget05"),
        ('{"forget5": [1]}', r"splits\.forget05\[0\]"),
        ('{"forget5": ["00000001", "00000001"]}', "splits.forget05"),
        ('{"forget5": {"a": 1}}', "splits.forget05"),
        ('{"forget": ["00000001"]}', "splits"),
        ('{"forget100": ["00000001"]}', "splits"),
        ('{"forget\\u00b2": ["00000001"]}', "splits"),
        ('{"forget-5": ["00000001"]}', "splits"),
        ('{"forget5": ["00000001"], "forget05": ["00000002"]}', "two keys for forget05"),
    ],
)
def test_files_that_hold_no_membership(tmp_path, content, message):
    path = frozen(tmp_path, content)
    with pytest.raises(ConfigError, match=message) as told:
        read_frozen(path)
    assert path in told.value.where


def test_files_that_cannot_be_read(tmp_path):
    for path, problem in ((tmp_path / "nowhere.json", "no such file"), (tmp_path, "it is a folder")):
        with pytest.raises(ConfigError, match=problem) as told:
            read_frozen(str(path))
        assert str(path) in told.value.where


def test_a_misspelt_scheme():
    with pytest.raises(ConfigError, match="unknown split scheme 'nestd'") as told:
        read_frozen("nestd")
    assert told.value.hint == "Did you mean 'nested'?"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["nobody", "00000109"], "forget05 names 1 ids that no identity of the benchmark has, first 'nobody'"),
        (["00000000"], "forget05 names 1 ids"),  # of the holdout
        ([], "forget05 has 0 of 100 identities"),
        ([f"{i:08d}" for i in range(10, 110)], "forget05 has 100 of 100 identities"),
    ],
)
def test_membership_that_does_not_fit(tmp_path, ids, message):
    path = frozen(tmp_path, {"forget5": ids})
    with pytest.raises(ConfigError, match=message) as told:
        cut_splits(make_plan(100, split_scheme=path, frozen=read_frozen(path)))
    assert path in told.value.where

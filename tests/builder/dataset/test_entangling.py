"""Forget sets that are entangled with the retained, and what the audit says these give away."""

import numpy as np
import pytest
from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.measures.ties import Ties
from fiubench.builder.audit.membership import membership
from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.registry import Survey
from fiubench.builder.audit.run import audit
from fiubench.builder.audit.strata import Strata
from fiubench.builder.config import make_config
from fiubench.builder.dataset.entangling import Entangle, neighbours_of, ties_in
from fiubench.builder.pipeline.resplit import split
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.rules.validate import validate
from fiubench.cli.main import app
from fiubench.support.errors import ConfigError
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fiubench import build, open_dataset
from tests.builder.generation.test_ties import FAMILY

SHARES = (0, 0.25, 0.5, 0.75, 1)
PLAIN = {"faces": "none", "identities": 400, "holdout": 40, "ratios": [5, 10]}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("family") / "dataset"
    build(make_config({**PLAIN, "attributes": [str(FAMILY)]}), out)
    return out


def outside(neighbours, chosen):
    tied = {int(other) for person in chosen for other in neighbours[person]}
    return len(tied - {*map(int, chosen)})


def measure(directory):
    """What the audit's measure finds, without all others."""
    target = open_target(str(directory))
    check = Ties(Survey(target, Columns(membership(target.splits)), Strata(target.as_of)))
    for person in target.people():
        check.add(person, 0)
    return check


graphs = st.integers(20, 80).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=2 * n))
)


@settings(max_examples=60, deadline=None)
@given(graph=graphs, share=st.floats(0, 1), disjoint=st.booleans())
def test_sets_are_of_their_sizes_and_nest_or_do_not_meet(graph, share, disjoint):
    size, pairs = graph
    ids = [str(k) for k in range(size)]
    neighbours = neighbours_of(ids, {str(a): {str(b) for c, b in pairs if c == a and b != a} for a, _ in pairs})
    counts = [2, 5]
    small, large = Entangle(share, neighbours).cut(np.arange(size), counts, disjoint=disjoint)
    assert [len({*small.tolist()}), len({*large.tolist()})] == counts
    assert {*small.tolist()} <= {*large.tolist()} if not disjoint else not {*small.tolist()} & {*large.tolist()}
    least, most = (Entangle(end, neighbours).cut(np.arange(size), [5], disjoint=False)[0] for end in (0, 1))
    if not disjoint:
        assert outside(neighbours, least) <= outside(neighbours, large) + 2
        assert outside(neighbours, large) <= outside(neighbours, most) + 2
    told = Entangle(share, neighbours).described({"05": large})
    assert told["tied"]["forget05"] == pytest.approx(outside(neighbours, large) / (size - 5), abs=1e-4)


def test_the_least_entangled_are_whole_families():
    neighbours = [np.array([k ^ 1]) for k in range(40)]  # twenty couples
    (chosen,) = Entangle(0, neighbours).cut(np.arange(40), [10], disjoint=False)
    assert outside(neighbours, chosen) == 0
    (chosen,) = Entangle(1, neighbours).cut(np.arange(40), [10], disjoint=False)
    assert outside(neighbours, chosen) == 10
    (chosen,) = Entangle(0.5, neighbours).cut(np.arange(40), [10], disjoint=False)
    assert outside(neighbours, chosen) in (4, 6)  # of ten people, couples and single ones


@pytest.mark.parametrize("scheme", ["nested", "disjoint"])
def test_the_share_raises_what_is_given_away(built, tmp_path, scheme):
    found, tied = [], []
    for share in SHARES:
        made = split(built, tmp_path / f"{share}", entangle=share, split_scheme=scheme)
        measured = measure(made.directory)
        rows = measured.tables()["given_away"].rows
        found.append([row[-1] for row in rows])
        tied.append([*made.tied_shares.values()])
        assert tied[-1] == pytest.approx([row[2] / (400 - row[1]) for row in rows], abs=1e-4)
        (result,) = measured.results()
        assert (result.value, result.verdict) == (found[-1][-1], "pass")
    for values in (*zip(*found, strict=True), *zip(*tied, strict=True)):
        assert list(values) == sorted(values)
        assert values[-1] > values[0] + 0.01


def test_it_is_a_dataset_that_can_be_verified(built, tmp_path):
    made = split(built, tmp_path / "out", entangle=0.5)
    assert not list(validate(made.directory))
    assert not list(verify(made.directory))
    assert made.manifest["resplit"]["entangle"] == 0.5
    assert "--entangle 0.5" in (made.directory / "release/README.md").read_text()
    again = split(made.directory, tmp_path / "again")
    assert not again.tied_shares  # as the seed has it


def test_what_counts_as_given_away(built):
    """By hand: names, ways back and facts of the forgotten that the retained hold."""
    dataset = open_dataset(built)
    people = {record["unique_id"]: record for record in dataset}
    forget = {*dataset.splits["forget10"]}
    retained = {*dataset.splits["retain90"]}
    given, facts = set(), 0
    for who in forget:
        own = {qa["attribute"]: qa for qa in people[who]["qa_list"]}
        facts += len(own)
        for other in retained:
            for qa in people[other]["qa_list"]:
                if qa["about"] == who:
                    text = people[other]["profile"][qa["attribute"]]["text"]
                    back = qa["value"]["type"] == "relation"
                    for name, mine in own.items():
                        if people[who]["profile"][name]["text"] == text or (back and mine["about"] == other):
                            given.add((who, name))
    report = audit(built, faces=False, attacks=False)
    row = report.tables["given_away"].rows[-1]
    assert row[1:] == [40, row[2], facts, len(given), round(len(given) / facts, 4)]
    assert given
    assert sum(times for _, _, times in report.tables["given_away_by"].rows) >= len(given)
    assert ["spouse", "full_name"] in [each[:2] for each in report.tables["given_away_by"].rows]
    from_release = audit(built / "release", faces=False, attacks=False)
    assert from_release.tables["given_away"].rows == report.tables["given_away"].rows


def test_without_ties_there_is_nothing_to_measure(tmp_path):
    build(make_config({**PLAIN, "identities": 60, "holdout": 0}), tmp_path / "plain")
    report = audit(tmp_path / "plain", faces=False, attacks=False)
    assert "given_away" not in report.tables
    assert [each.value for each in report.measures if each.name == "given_away"] == [None]
    with pytest.raises(ConfigError, match="nobody in the dataset is tied to anybody"):
        split(tmp_path / "plain", tmp_path / "out", entangle=1)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_is_between_0_and_1(built, tmp_path, share):
    with pytest.raises(ConfigError, match="is not between 0 and 1"):
        split(built, tmp_path / "out", entangle=share)


def test_not_with_a_file(built, tmp_path):
    with pytest.raises(ConfigError, match="the forget sets are those of a file"):
        split(built, tmp_path / "out", entangle=1, split_scheme=str(built / "splits.json"))


def test_ties_are_those_that_people_are_asked_about():
    record = {"qa_list": [{"about": ""}, {"about": "1"}, {"about": "1"}, {}]}
    assert ties_in(record) == {"1"}
    assert neighbours_of(["0", "1"], {"0": {"1", "elsewhere"}})[1].tolist() == [0]


def test_the_command_says_what_was_chosen(built, tmp_path):
    done = CliRunner().invoke(app, ["split", str(built), "--out", str(tmp_path / "out"), "--entangle", "1"])
    assert done.exit_code == 0, done.output
    shares = open_dataset(tmp_path / "out").tied_shares
    assert [*shares] == ["forget05", "forget10"]
    assert f"tied to forget10: {shares['forget10']:.1%} of the retained" in done.output

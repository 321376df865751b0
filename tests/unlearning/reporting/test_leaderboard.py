"""The page of a folder of submissions: ranks only among what can be compared, shared where nothing tells apart."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fiubench.support.errors import DatasetError
from fiubench.unlearning.metrics.statistics import OverSeeds
from fiubench.unlearning.reporting.checking import submit
from fiubench.unlearning.reporting.leaderboard import Board, leaderboard, ranked
from hypothesis import given
from hypothesis import strategies as st

from tests.unlearning.reporting.submitted import make_runs

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """Two methods of a dataset, one of them with one seed too; one of another dataset; a forged file and a note."""
    folder = tmp_path_factory.mktemp("board")
    runs, there = folder / "runs", folder / "submissions"
    there.mkdir()
    made = {
        "good": make_runs(runs, "po", (0, 1, 0)),
        "hostile": make_runs(runs, "gd", (1, 2, 1), 3, variant=HOSTILE),
        "single": make_runs(runs, "ga", (0,), 6, variant=HOSTILE),
    }
    for name, one in made.items():
        submit(one, there / f"{name}.jsonl.gz", reference=runs / "retain")
    elsewhere = make_runs(folder / "elsewhere", "kl", (0, 0), dataset="c" * 64)
    submit(elsewhere, there / "elsewhere.jsonl.gz", reference=folder / "elsewhere" / "retain")
    (there / "forged.jsonl.gz").write_bytes((there / "good.jsonl.gz").read_bytes()[:-9])
    (there / "twice.jsonl.gz").write_bytes((there / "good.jsonl.gz").read_bytes())
    (there / "README.txt").write_text("see the page")
    return leaderboard(there, folder / "board.html")


def test_ranks_are_within_a_dataset(board: Board) -> None:
    ranks = {
        group.facts["dataset"]["digest"][0]: {line.held.path.name: (line.rank, line.why) for line in group.lines}
        for group in board.groups
    }
    assert ranks == {
        "d": {
            "good.jsonl.gz": (1, ""),
            "hostile.jsonl.gz": (1, ""),
            "single.jsonl.gz": (None, "one run has no interval over seeds"),
        },
        "c": {"elsewhere.jsonl.gz": (1, "")},
    }


def test_what_is_refused_is_told(board: Board) -> None:
    assert {one.path.name: one.problems[0][:20] for one in board.refused} == {
        "forged.jsonl.gz": "damaged or cut off: ",
        "twice.jsonl.gz": "it has a run of good",
    }
    assert board.others == 1
    assert board.groups[1].labels == ["po", f"{HOSTILE} (hostile)", f"{HOSTILE} (single)"]
    assert "twice.jsonl.gz: refused: it has a run of good.jsonl.gz" in repr(board)


def test_the_page_is_one_file_and_trusts_nobody(board: Board) -> None:
    page = board.file.read_text(encoding="utf-8")
    assert "http:" not in page.replace("http://www.w3.org", "") and "https:" not in page
    assert page.count("<script") == 1 and "script-src &#39;sha256-" in page
    assert HOSTILE not in page and "&lt;img src=x" in page
    assert page.count('<svg class="chart"') == 2
    for said in (
        "4 submissions, 2 refused",
        "1 other file in the folder",
        "it has a run of good.jsonl.gz",
        "rate 0.001",
    ):
        assert said in page, said
    low, high = (
        f"{end:.3f}" for end in (board.groups[-1].lines[0].quality.low, board.groups[-1].lines[0].quality.high)
    )
    assert f"{low} to {high}" in page
    again = leaderboard(board.groups[0].lines[0].held.path.parent, board.file.with_name("again.html"))
    assert again.file.read_bytes() == board.file.read_bytes()


def test_an_empty_folder_and_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no submission"):
        leaderboard(tmp_path, tmp_path / "page.html")
    (tmp_path / "broken.jsonl.gz").write_bytes(b"none")
    board = leaderboard(tmp_path, tmp_path / "page.html")
    assert not board.groups and "nothing to rank" in board.file.read_text()
    with pytest.raises(DatasetError, match="no such folder"):
        leaderboard(tmp_path / "x", tmp_path / "page.html")


# --- ranks ----------------------------------------------------------------------------------------------------------


def checked(name: str, low: float | None, high: float | None, utility: float = 0.8) -> Any:
    """As much of a submission as its rank hangs on; the models it is held against have a utility of 0.9 and 0.8."""
    mean = 0.5 if low is None or high is None else (low + high) / 2
    values = {"utility.model": OverSeeds(utility, None, None, 3), "forget_quality": OverSeeds(mean, low, high, 3)}
    anchors = [SimpleNamespace(scores=SimpleNamespace(value=lambda metric, of=of: of)) for of in (0.9, 0.8)]
    entry = SimpleNamespace(over_seeds=values.__getitem__)
    return SimpleNamespace(path=Path(name), entry=entry, reference=anchors[0], befores=anchors[1:])


def ranks(*found: Any) -> dict[str, int | None]:
    return {str(line.held.path): line.rank for line in ranked(found)}


def test_overlapping_intervals_share_a_rank() -> None:
    far, near, best = checked("far", 0.1, 0.2), checked("near", 0.45, 0.6), checked("best", 0.5, 0.7)
    assert ranks(far, near, best) == {"best": 1, "near": 1, "far": 3}
    assert list(ranks(far, near, best)) == ["best", "near", "far"]
    # one that overlaps both is level with both, though the first lies wholly above the last
    assert ranks(checked("a", 0.5, 0.7), checked("b", 0.4, 0.55), checked("c", 0.3, 0.45)) == {"a": 1, "b": 1, "c": 2}


def test_what_keeps_too_little_or_has_no_interval_has_no_rank() -> None:
    destroyed, single = checked("destroyed", 0.9, 1.0, utility=0.74), checked("single", None, None)
    assert ranks(destroyed, single, checked("kept", 0.4, 0.5, utility=0.751)) == {
        "kept": 1, "destroyed": None, "single": None,
    }  # fmt: skip
    assert {line.why for line in ranked([destroyed, single])} == {
        "its utility is below 0.750",
        "one run has no interval over seeds",
    }


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted), min_size=1, max_size=8))
def test_a_rank_says_what_lies_above(ends: list[list[float]]) -> None:
    found = ranks(*(checked(str(number), *pair) for number, pair in enumerate(ends)))
    assert 1 in found.values()
    for a, (low, _) in enumerate(ends):
        above = sum(other > ends[a][1] for other, _ in ends)
        assert found[str(a)] == above + 1
        for b, (_, high) in enumerate(ends):
            if low > high:  # wholly above
                rank_a, rank_b = found[str(a)], found[str(b)]
                assert rank_a is not None and rank_b is not None and rank_a < rank_b

"""Choosing some faces of many."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.reading.faces import read_faces
from fiubench.raw_sources.reading.selection import k_center, k_means, select
from fiubench.support.draws import draw
from fiubench.support.errors import SourceError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

Maker = Callable[[int, int], Image.Image]


def points(n: int, seed: int = 0, d: int = 8) -> np.ndarray:
    raw = draw(seed, "test points", np.arange(n), words=d).astype(np.float64) / 2**31 - 1
    return np.rint(raw / np.linalg.norm(raw, axis=1, keepdims=True) * 2000).astype(np.float32)


@given(st.integers(1, 60), st.integers(0, 5), st.data())
def test_picks_are_distinct_and_repeatable(n: int, seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, n))
    features = points(n, seed)
    for choose in (k_center, k_means):
        picks = choose(features, count, seed)
        assert len(set(picks.tolist())) == count
        assert (picks == choose(features, count, seed)).all()


def test_k_center_is_prefix_stable_and_spreads_more() -> None:
    features = points(400)
    many, few = k_center(features, 100, 3), k_center(features, 40, 3)
    assert (many[:40] == few).all()

    def nearest(picks: np.ndarray) -> float:
        chosen = features[picks].astype(np.float64)
        gaps = ((chosen[:, None] - chosen[None, :]) ** 2).sum(axis=2)
        np.fill_diagonal(gaps, np.inf)
        return float(gaps.min())

    assert nearest(few) > nearest(k_means(features, 40, 3))
    assert nearest(few) > nearest(np.arange(40))


def test_k_means_finds_clusters() -> None:
    centres = points(5, d=16)
    features = np.concatenate([centres + points(5, seed=k + 1, d=16) // 50 for k in range(5)])
    picks = k_means(features.astype(np.float32), 5, 0)
    assert sorted(p % 5 for p in picks.tolist()) == [0, 1, 2, 3, 4]


def test_many_alike_are_no_problem() -> None:
    features = np.ones((10, 4), dtype=np.float32) * 1000
    for choose in (k_center, k_means):
        assert sorted(choose(features, 10, 0).tolist()) == list(range(10))


def test_too_few(faces: Path) -> None:
    with pytest.raises(SourceError, match="12 usable faces, 13"):
        select(read_faces(faces), "k-center", 13, 0)


def test_all_is_a_keyed_order(faces: Path) -> None:
    table = read_faces(faces)
    order = select(table, "all", 12, 5)
    assert sorted(order.tolist()) == list(range(12))
    assert (select(table, "all", 4, 5) == order[:4]).all()
    assert (select(table, "all", 12, 6) != order).any()

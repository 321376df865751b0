"""Feature vectors: CLIP pickles read with suspicion, a descriptor where there are none."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.reading.faces import read_faces
from fiubench.raw_sources.reading.features import CLIP_KEY, LENGTH
from fiubench.support.errors import SourceError
from PIL import Image

Maker = Callable[[int, int], Image.Image]


def with_clip(faces: Path, content: object = None) -> None:
    folder = faces / "pretrained_features"
    folder.mkdir()
    for number in range(12):
        vector = np.arange(768, dtype=np.float32).reshape(1, -1) + number * 100
        (folder / f"SFHQ_pt1_{number:08d}.pickle").write_bytes(pickle.dumps(content or {CLIP_KEY: vector}))


def test_the_descriptor_is_exact(faces: Path) -> None:
    features = read_faces(faces).features
    assert features.shape == (12, 108)
    assert (features == np.rint(features)).all()
    assert np.allclose(np.linalg.norm(features, axis=1), LENGTH, rtol=0.01)
    # sums of products stay below 2**24 whatever their order, so 32 bits hold them exactly
    assert float(np.abs(features).astype(np.float64).max() ** 2) < 2**24
    assert ((features @ features.T) == (features.astype(np.float64) @ features.astype(np.float64).T)).all()


def test_clip_features_are_used_where_all_have_them(faces: Path) -> None:
    with_clip(faces)
    table = read_faces(faces)
    assert table.features.shape == (12, 768)
    assert not any("CLIP" in note for note in table.report.notes)
    (faces / "pretrained_features" / "SFHQ_pt1_00000003.pickle").unlink()
    table = read_faces(faces)
    assert table.features.shape == (12, 108)
    assert any(note.startswith("CLIP features are there for 11 of 12 faces only") for note in table.report.notes)


class _Calls:
    """Pickles as a call."""

    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, ...]:
        return self.call


def test_a_pickle_that_calls_something_is_refused(faces: Path, tmp_path: Path) -> None:
    mark = tmp_path / "was-here"
    with_clip(faces, {CLIP_KEY: _Calls(os.system, (f"touch {mark}",))})
    with pytest.raises(SourceError, match=r"SFHQ_pt1_00000000.pickle.*system"):
        _ = read_faces(faces).features
    assert not mark.exists()


def test_numpy_rebuilds_nothing_itself(faces: Path) -> None:
    # a type of objects that says it is none: numpy would take these bytes for an address and crash
    objects = _Calls(np.dtype, ("O", False, True), (3, "|", None, None, None, 8, 8, 0))
    rebuild = np.zeros(1).__reduce__()[0]
    array = _Calls(rebuild, (np.ndarray, (0,), b"b"), (1, (1,), objects, False, b"AAAAAAAA"))
    with_clip(faces, {CLIP_KEY: _Calls(np.ndarray, (array,))})
    with pytest.raises(SourceError, match="no array of numbers"):
        _ = read_faces(faces).features


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">f8"])
def test_every_protocol_and_type_that_numpy_pickles_with(faces: Path, protocol: int, kind: str) -> None:
    with_clip(faces)
    expected = read_faces(faces).features
    for path in (faces / "pretrained_features").iterdir():
        vector = pickle.loads(path.read_bytes())[CLIP_KEY].astype(kind)
        path.write_bytes(pickle.dumps({CLIP_KEY: vector}, protocol=protocol))
    assert (read_faces(faces).features == expected).all()
    rows = np.arange(768) + np.arange(12)[:, None] * 100.0
    assert (expected == np.rint(rows / np.linalg.norm(rows, axis=1, keepdims=True) * LENGTH)).all()


def test_vectors_of_two_lengths(faces: Path) -> None:
    with_clip(faces)
    odd = pickle.dumps({CLIP_KEY: np.ones((1, 512), dtype=np.float32)})
    (faces / "pretrained_features" / "SFHQ_pt1_00000005.pickle").write_bytes(odd)
    with pytest.raises(SourceError, match=r"SFHQ_pt1_00000005.pickle: 512 CLIP features, 768 in"):
        _ = read_faces(faces).features


@pytest.mark.parametrize(
    "content",
    [
        {"other": 1},
        [1, 2],
        {CLIP_KEY: np.array([np.nan])},
        {CLIP_KEY: "text"},
        {CLIP_KEY: [1.0, 2.0]},
        {CLIP_KEY: np.array(["1.0"], dtype=object)},
        {CLIP_KEY: np.arange(3)},
        {CLIP_KEY: np.zeros(0, dtype=np.float32)},
        {CLIP_KEY: np.float32(1)},
    ],
)
def test_a_pickle_of_something_else(faces: Path, content: object) -> None:
    with_clip(faces, content)
    with pytest.raises(SourceError, match="CLIP features"):
        _ = read_faces(faces).features

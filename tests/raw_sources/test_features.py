"""Feature vectors: CLIP pickles read with suspicion, a descriptor where there are none."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raw_sources.faces import read_faces
from raw_sources.features import CLIP_KEY, LENGTH
from support.errors import SourceError

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
    assert read_faces(faces).features.shape == (12, 768)
    (faces / "pretrained_features" / "SFHQ_pt1_00000003.pickle").unlink()
    assert read_faces(faces).features.shape == (12, 108)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/fiubench-was-here",)


def test_a_pickle_that_calls_something_is_refused(faces: Path) -> None:
    mark = Path("/tmp/fiubench-was-here")
    mark.unlink(missing_ok=True)
    with_clip(faces, {CLIP_KEY: _Evil()})
    with pytest.raises(SourceError, match=r"SFHQ_pt1_00000000.pickle.*system"):
        _ = read_faces(faces).features
    assert not mark.exists()


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_every_protocol_that_numpy_pickles_with(faces: Path, protocol: int) -> None:
    with_clip(faces)
    for path in (faces / "pretrained_features").iterdir():
        path.write_bytes(pickle.dumps(pickle.loads(path.read_bytes()), protocol=protocol))
    assert read_faces(faces).features.shape == (12, 768)


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
    ],
)
def test_a_pickle_of_something_else(faces: Path, content: object) -> None:
    with_clip(faces, content)
    with pytest.raises(SourceError, match="CLIP features"):
        _ = read_faces(faces).features

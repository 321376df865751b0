"""Pictures for tests of faces."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fiubench.support.draws import draw
from PIL import Image, ImageFilter

Maker = Callable[[int, int], Image.Image]


@pytest.fixture(scope="session")
def picture() -> Maker:
    """A smooth picture with a look of its own for each number; square, RGB."""

    def make(number: int, size: int = 200) -> Image.Image:
        words = draw(number, "test picture", np.arange(9), words=9 * 3) >> np.uint64(24)
        small = Image.fromarray(words.astype(np.uint8).reshape(9, 9, 3), "RGB")
        return small.resize((size, size), Image.Resampling.BICUBIC).filter(ImageFilter.SMOOTH)

    return make


@pytest.fixture
def faces(tmp_path: Path, picture: Maker) -> Path:
    """A folder with SFHQ's names in one of its layouts: 12 faces."""
    folder = tmp_path / "faces"
    inner = folder / "images" / "images"
    inner.mkdir(parents=True)
    for number in range(12):
        picture(number, 200).save(inner / f"SFHQ_pt1_{number:08d}.jpg", quality=92)
    return folder

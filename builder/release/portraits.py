"""A strip of portraits for the head of a dataset card: some people of the dataset in one small picture."""

import io
from collections.abc import Sequence
from pathlib import Path

from fiubench.schemas.images import decode_image

STRIP = "portraits.jpg"
SHOWN = 8  # people
_SIDE = 112  # pixels of each


def strip(images: Sequence[Path]) -> bytes:
    """The pictures side by side, as JPEG.

    Raises:
        DatasetError: one of them is no picture.
        OSError: one can't be read.
    """
    from PIL import Image  # noqa: PLC0415  (which few need)

    canvas = Image.new("RGB", (_SIDE * len(images), _SIDE))
    for number, path in enumerate(images):
        face = decode_image(path.read_bytes(), str(path)).convert("RGB")
        canvas.paste(face.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (_SIDE * number, 0))
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=88)
    return out.getvalue()

"""The faces of a dataset, decoded."""

from io import BytesIO
from typing import TYPE_CHECKING

from fiubench.support.errors import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST = 64_000_000  # pixels


def decode_image(data: bytes, where: object) -> "Image":
    """A picture as RGB.

    Raises:
        DatasetError: it does not open, or has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        with Image.open(BytesIO(data)) as picture:
            if picture.width * picture.height > _LARGEST:
                raise DatasetError(f"{picture.width} x {picture.height} pixels are too many", where=where)
            return picture.convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise DatasetError(f"can't be decoded: {error}", where=where) from error

"""Pictures from outside: opened with suspicion, decoded once, brought to size without needless work."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from support.errors import SourceError
from support.files import link_or_copy, write_atomic

if TYPE_CHECKING:
    from raw_sources.faces import Face

LARGEST = 50_000_000  # pixels; more is no portrait but an attack on memory
SMALLEST = 64  # pixels of the shorter side
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png"}
_QUALITY = 90
_PREVIEW = 64  # side to which a picture is decoded where only its looks matter
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright

Image.MAX_IMAGE_PIXELS = None  # the limit is ours: declared sizes are checked before anything is decoded


class BadImage(Exception):
    """A picture that can't be used; the text says why in a few words."""


@dataclass(frozen=True)
class Probe:
    """What one look at a picture tells. ``preview`` is a small RGB version of all of it."""

    width: int
    height: int
    format: str
    plain: bool  # RGB, upright, a single frame: its bytes may be used as they are
    preview: Image.Image


def probe(data: bytes) -> Probe:
    """Decode a picture fully, at reduced size where the format allows it.

    Raises:
        BadImage: not a picture, truncated, too small or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            width, height = image.size
            if width * height > LARGEST:
                raise BadImage(f"declares {width} x {height} pixels")
            if min(width, height) < SMALLEST:
                raise BadImage(f"smaller than {SMALLEST} pixels")
            frames = getattr(image, "n_frames", 1)
            orientation = image.getexif().get(_ORIENTATION, 1)
            plain = image.mode == "RGB" and orientation in (0, 1) and frames == 1
            kind = image.format or ""
            image.draft("RGB", (_PREVIEW, _PREVIEW))
            image.load()  # unlike verify(), this meets the end of a truncated file
            upright = ImageOps.exif_transpose(image) if orientation not in (0, 1) else image
            preview = _flat_rgb(upright).resize((_PREVIEW, _PREVIEW), Image.Resampling.BOX)
    except BadImage:
        raise
    except UnidentifiedImageError:
        raise BadImage("not a picture") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise BadImage(f"can't be decoded ({_short(error)})") from None
    return Probe(width, height, kind, plain, preview)


def open_problem(path: Path) -> str | None:
    """Why a dataset's picture does not open; ``None`` if it does."""
    try:
        with Image.open(path) as image:
            if image.size[0] * image.size[1] > LARGEST:
                return f"declares {image.size[0]} x {image.size[1]} pixels"
            image.draft("RGB", (32, 32))
            image.load()
    except UnidentifiedImageError:
        return "not a picture"
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        return f"can't be decoded ({_short(error)})"
    return None


def target_name(face: "Face", size: int) -> str:
    """File name of a face in a dataset: its own format where its bytes are kept, else JPEG."""
    return f"{face.unique_id}{SUFFIXES[face.format] if fits(face, size) else '.jpg'}"


def fits(face: "Face", size: int) -> bool:
    """Whether the file can be used as it is."""
    return face.plain and face.format in SUFFIXES and max(face.width, face.height) <= size


def write_face(face: "Face", target: Path, size: int) -> None:
    """Link or copy a face that fits; decode one that does not once, at the nearest reduced size, and shrink the rest.

    Args:
        face: where it comes from.
        target: its place in the dataset; appears whole or not at all.
        size: longest side in pixels.

    Raises:
        SourceError: the file has changed since it was checked.
        DatasetError: it can't be written.
    """
    if fits(face, size):
        link_or_copy(face.file, target)
        return
    try:
        with Image.open(face.file) as image:
            image.draft("RGB", (size, size))
            upright = ImageOps.exif_transpose(image)
            picture = _flat_rgb(upright)
    except (OSError, ValueError, SyntaxError) as error:
        raise SourceError(
            f"can't be decoded any more: {_short(error)}",
            where=face.file,
            hint="Leave the faces alone while a build runs.",
        ) from error
    picture.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    picture.info.clear()  # comments, profiles and EXIF would be saved along
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    write_atomic(target, buffer.getvalue())


def _flat_rgb(image: Image.Image) -> Image.Image:
    """RGB without transparency: what shines through is white."""
    if image.mode == "RGB":
        return image
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = image.convert("RGBA")
        base = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(base, over).convert("RGB")
    return image.convert("RGB")


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:80] if str(error) else type(error).__name__

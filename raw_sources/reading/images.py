"""Pictures from outside: opened with suspicion, decoded once, brought to size without needless work."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fiubench.raw_sources.table import Face
from fiubench.support.errors import SourceError
from fiubench.support.files import copy, write_atomic
from fiubench.support.reading import open_regular
from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST = 50_000_000  # pixels; more is no portrait but an attack on memory
SMALLEST = 64  # pixels of the shorter side
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png"}
# Pillow knows many more formats, and hands some (EPS) to other programs: those have no business in a folder of faces
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM")
_SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP|BM|II\*\0|MM\0\*|GIF8|....ftyp(?:avif|avis)"
    rb"|\0\0\0\x0cjP  |\xff\x4f\xff\x51|P[1-6]\s",
    re.DOTALL,
)
_HEIC = re.compile(rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", re.DOTALL)
HEAD = 16  # bytes of a file that show what it is
_QUALITY = 90
_PREVIEW = 64  # side to which a picture is decoded where only its looks matter
_FLAT = 3  # of 255: what compression may do to a single color
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright


class BadImage(Exception):
    """A picture that can't be used; the text says why in a few words, the same for all of a kind."""


@dataclass(frozen=True)
class Probe:
    """What one look at a picture shows. ``preview`` is a small RGB version of all of it."""

    width: int
    height: int
    format: str
    plain: bool  # RGB, opaque, upright, a single frame: its bytes may be used as they are
    preview: Image.Image


def no_picture(name: str, head: bytes) -> str | None:
    """Why a file is no picture that is read here, by its first bytes and whatever its name says; ``None`` if it is one.

    Args:
        head: its first :data:`HEAD` bytes.
    """
    if _SIGNATURES.match(head):
        return None
    if _HEIC.match(head):
        return "HEIC, which is not read: save it as JPEG or PNG"
    suffix = Path(name).suffix.lower()
    return f"not a picture ({suffix or 'no extension'})" if head else "empty file"


@contextmanager
def _opened(source: Path | bytes) -> Iterator[Image.Image]:
    """An image whose declared size is sane. Decode it inside the block: there, every failure becomes a BadImage."""
    with io.BytesIO(source) if isinstance(source, bytes) else open_regular(source) as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns of sizes beyond ours, and of flaws it can live with
                with Image.open(file, formats=_FORMATS) as image:
                    if image.width * image.height > LARGEST:
                        raise Image.DecompressionBombError
                    yield image
        except BadImage:
            raise
        except Image.DecompressionBombError:
            raise BadImage(f"more than {LARGEST // 1_000_000} megapixels") from None
        except UnidentifiedImageError:
            raise BadImage("not a picture") from None
        except Exception as error:  # a damaged file makes a decoder raise anything
            raise BadImage("can't be decoded: truncated or damaged") from error


def probe(data: bytes) -> Probe:
    """Decode a picture fully, at reduced size where the format allows it.

    Raises:
        BadImage: not a picture, truncated, too small or too large, of one color.
    """
    with _opened(data) as image:
        width, height = image.size
        if min(width, height) < SMALLEST:
            raise BadImage(f"smaller than {SMALLEST} pixels")
        upright = image.getexif().get(_ORIENTATION, 1) in (0, 1)
        opaque = image.mode == "RGB" and "transparency" not in image.info  # a PNG may have a see-through color
        plain = opaque and upright and getattr(image, "n_frames", 1) == 1
        kind = image.format or ""
        image.draft("RGB", (_PREVIEW, _PREVIEW))
        image.load()  # unlike verify(), this meets the end of a truncated file
        picture = image if upright else ImageOps.exif_transpose(image)
    preview = _flat_rgb(picture).resize((_PREVIEW, _PREVIEW), Image.Resampling.BOX)
    if (np.ptp(np.asarray(preview), axis=(0, 1)) <= _FLAT).all():
        raise BadImage("a single color, so no face")
    return Probe(width, height, kind, plain, preview)


def look(source: Path | bytes) -> tuple[tuple[int, int], Image.Image]:
    """Width and height of a picture, and a small RGB version of all of it.

    Raises:
        BadImage: not a picture, truncated or too large.
        OSError: the file can't be read.
    """
    with _opened(source) as image:
        size = image.size
        image.draft("RGB", (4 * _PREVIEW, 4 * _PREVIEW))  # four times as fine as needed, so that a copy looks the same
        image.load()
        return size, _flat_rgb(image).resize((_PREVIEW, _PREVIEW), Image.Resampling.BOX)


def open_problem(path: Path | bytes) -> str | None:
    """Why a dataset's picture does not open and decode fully; ``None`` if it does."""
    try:
        with _opened(path) as image:
            image.draft("RGB", (_PREVIEW, _PREVIEW))
            image.load()
    except BadImage as bad:
        return str(bad)
    except OSError as error:
        return f"can't be read ({error.strerror})"
    return None


def target_name(face: Face, size: int) -> str:
    """File name of a face in a dataset: its own format where its bytes are kept, else JPEG."""
    return f"{face.unique_id}{SUFFIXES[face.format] if fits(face, size) else '.jpg'}"


def fits(face: Face, size: int) -> bool:
    """Whether the file can be used as it is."""
    return face.plain and face.format in SUFFIXES and max(face.width, face.height) <= size


def write_face(face: Face, target: Path, size: int, alter: Callable[[Image.Image], Image.Image] | None = None) -> None:
    """Copy a face that fits; decode one that does not once, at the nearest reduced size, and shrink the rest.

    Args:
        size: longest side in pixels.
        alter: what makes another RGB picture of it.

    Raises:
        SourceError: the file has changed since it was checked.
        DatasetError: it can't be written.
    """
    try:
        if fits(face, size) and alter is None:
            copy(face.file, target)
            return
        with _opened(face.file) as image:
            image.draft("RGB", (size, size))
            upright = ImageOps.exif_transpose(image)
    except (BadImage, OSError) as error:
        hint = "Leave the faces alone while a build runs."
        raise SourceError(f"can't be used any more: {error}", where=face.file, hint=hint) from error
    write_atomic(target, _small_jpeg(upright if alter is None else alter(_flat_rgb(upright)), size))


def small_jpeg(source: Path | bytes, size: int) -> bytes:
    """A picture as a JPEG of at most ``size`` pixels a side, upright and without metadata.

    Raises:
        BadImage: it does not open and decode fully.
        OSError: the file can't be read.
    """
    with _opened(source) as image:
        image.draft("RGB", (size, size))
        return _small_jpeg(ImageOps.exif_transpose(image), size)


def flat_picture(source: Path | bytes, size: int) -> Image.Image:
    """A picture in RGB, upright and without transparency, decoded at no less than ``size`` pixels where it has them.

    Raises:
        BadImage: it does not open and decode fully.
        OSError: the file can't be read.
    """
    with _opened(source) as image:
        image.draft("RGB", (size, size))
        return _flat_rgb(ImageOps.exif_transpose(image))


def _small_jpeg(image: Image.Image, size: int) -> bytes:
    picture = _flat_rgb(image)
    picture.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    picture.info.clear()  # comments, profiles and EXIF would be saved along
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _flat_rgb(image: Image.Image) -> Image.Image:
    """RGB without transparency: what shines through is white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = image.convert("RGBA")
        base = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(base, over).convert("RGB")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):  # Pillow would clip what is above 255
        image = _eight_bits(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of other depths as 0 to 255: numbers up to 1 (floating point), 255 or 65535 are taken for what they are.

    Raises:
        BadImage: values of no usual range.
    """
    values = np.asarray(image, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65535):  # neither holds for what is not a number
        raise BadImage("grey values of no usual range: save it with 8 bits")
    deep = image.mode.startswith("I;16") or high > 255
    scale = 255.0 if image.mode == "F" and high <= 1 else 1 / 256 if deep else 1.0
    return Image.fromarray((values * scale).astype(np.uint8))

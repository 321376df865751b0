"""Picture files as people really have them: each is read rightly, or dropped for a reason that says how to mend it."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.reading.faces import read_faces
from fiubench.raw_sources.reading.images import small_jpeg
from fiubench.raw_sources.table import FaceTable
from PIL import Image, ImageOps

Maker = Callable[[int, int], Image.Image]
SIZE = 160


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"), dtype=np.float64) / 255


def deep(image: Image.Image) -> bytes:
    return encoded(Image.fromarray((grey(image) * 65535).astype(np.uint16)), "PNG")


def float_tiff(scale: float) -> Callable[[Image.Image], bytes]:
    return lambda image: encoded(Image.fromarray((grey(image) * scale).astype(np.float32)), "TIFF")


def turned(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 3
    return encoded(image.rotate(180), "JPEG", exif=exif, quality=95)


def through_grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def same(image: Image.Image) -> Image.Image:
    return image


READ: dict[str, tuple[Callable[[Image.Image], bytes], Callable[[Image.Image], Image.Image]]] = {
    "plain.jpg": (lambda i: encoded(i, "JPEG", quality=95), same),
    "upper.JPG": (lambda i: encoded(i, "JPEG", quality=95), same),
    "saved_by_a_browser.jfif": (lambda i: encoded(i, "JPEG", quality=95), same),
    "old.jpe": (lambda i: encoded(i, "JPEG", quality=95), same),
    "progressive.jpg": (lambda i: encoded(i, "JPEG", progressive=True, quality=95), same),
    "cmyk.jpg": (lambda i: encoded(i.convert("CMYK"), "JPEG", quality=95), same),
    "grey.jpg": (lambda i: encoded(i.convert("L"), "JPEG", quality=95), through_grey),
    "turned.jpg": (turned, same),
    "no_extension": (lambda i: encoded(i, "PNG"), same),
    "renamed.txt": (lambda i: encoded(i, "PNG"), same),
    "wrong.jpg": (lambda i: encoded(i, "WEBP", lossless=True), same),
    "phone.avif": (lambda i: encoded(i, "AVIF", quality=95), same),
    "scan.jp2": (lambda i: encoded(i, "JPEG2000"), same),
    "tool.ppm": (lambda i: encoded(i, "PPM"), same),
    "tool.pgm": (lambda i: encoded(i.convert("L"), "PPM"), through_grey),
    "old.bmp": (lambda i: encoded(i, "BMP"), same),
    "old.gif": (lambda i: encoded(i.quantize(256), "GIF"), same),
    "palette.png": (lambda i: encoded(i.quantize(256), "PNG"), same),
    "clear.png": (lambda i: encoded(i.convert("RGBA"), "PNG"), same),
    "deep.png": (deep, through_grey),
    "lab.tif": (lambda i: encoded(i, "TIFF", compression="tiff_lzw"), same),
    "float_1.tif": (float_tiff(1.0), through_grey),
    "float_255.tif": (float_tiff(255.0), through_grey),
    "float_65535.tif": (float_tiff(65535.0), through_grey),
}
DROPPED: dict[str, tuple[Callable[[Image.Image], bytes], str]] = {
    "phone.heic": (lambda _: b"\0\0\0\x24ftypheic" + bytes(400), "HEIC, which is not read: save it as JPEG or PNG"),
    "page.jpg": (lambda _: b"<!doctype html><title>Not found</title>", "not a picture (.jpg)"),
    "notes.md": (lambda _: b"# Faces", "not a picture (.md)"),
    "README": (lambda _: b"Faces", "not a picture (no extension)"),
    "archive.zip": (lambda _: b"PK\x03\x04" + bytes(60), "not a picture (.zip)"),
    "features.npz": (lambda _: b"PK\x03\x04" + bytes(60), "not a picture (.npz)"),
    "nothing.png": (lambda _: b"", "empty file"),
    "cut.jpg": (lambda i: encoded(i, "JPEG", quality=95)[:2500], "can't be decoded: truncated or damaged"),
    "white.png": (lambda i: encoded(Image.new("RGB", i.size, "white"), "PNG"), "a single color, so no face"),
    "black.jpg": (lambda i: encoded(Image.new("L", i.size, 3), "JPEG"), "a single color, so no face"),
    "small.png": (lambda i: encoded(i.resize((40, 40)), "PNG"), "smaller than 64 pixels"),
    "vector.eps": (lambda i: encoded(i, "EPS"), "not a picture (.eps)"),
    "negative.tif": (float_tiff(-1.0), "grey values of no usual range: save it with 8 bits"),
    "blank.tif": (
        lambda i: encoded(Image.fromarray(np.full((SIZE, SIZE), np.nan, np.float32)), "TIFF"),
        "grey values of no usual range: save it with 8 bits",
    ),
}


def of(folder: Path) -> FaceTable:
    return read_faces(folder)


@pytest.mark.parametrize("name", READ)
def test_what_is_read_looks_as_it_should(name: str, tmp_path: Path, picture: Maker) -> None:
    encode, expected = READ[name]
    (tmp_path / name).write_bytes(encode(picture(7, SIZE)))
    table = of(tmp_path)
    assert [face.file.name for face in table.faces] == [name]
    assert (table.report.read, table.report.kept) == (1, 1)
    made = Image.open(io.BytesIO(small_jpeg(tmp_path / name, SIZE)))
    assert made.size == (SIZE, SIZE)
    difference = np.abs(np.asarray(made, np.float64) - np.asarray(expected(picture(7, SIZE)), np.float64))
    assert difference.mean() < (9 if name in ("old.gif", "palette.png") else 4)  # of 256 colors


@pytest.mark.parametrize("name", DROPPED)
def test_what_is_dropped_says_why(name: str, tmp_path: Path, picture: Maker) -> None:
    make, why = DROPPED[name]
    (tmp_path / name).write_bytes(make(picture(7, SIZE)))
    picture(8, SIZE).save(tmp_path / "good.png")
    table = of(tmp_path)
    assert [face.file.name for face in table.faces] == ["good.png"]
    assert (table.report.read, table.report.dropped) == (2, {why: 1})


def test_of_several_sizes_the_largest_is_kept(tmp_path: Path, picture: Maker) -> None:
    large = picture(7, 512)
    for size in (128, 512, 256):
        large.resize((size, size)).save(tmp_path / f"{size}.png")
    ImageOps.mirror(large.resize((300, 300))).save(tmp_path / "000_mirrored.png")
    table = of(tmp_path)
    assert [(face.file.name, face.width) for face in table.faces] == [("512.png", 512)]
    assert table.report.dropped == {"near duplicate (phash)": 3}

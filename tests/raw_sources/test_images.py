"""Opening pictures with suspicion, and bringing them into a dataset without needless work."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.reading.images import BadImage, open_problem, probe, target_name, write_face
from fiubench.raw_sources.table import Face
from fiubench.support.errors import SourceError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

Maker = Callable[[int, int], Image.Image]


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def huge_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes that declares so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + chunk + encoded(Image.new("RGB", (70, 70)), "PNG")[33:]


def test_a_good_one(picture: Maker) -> None:
    seen = probe(encoded(picture(1, 300)))
    assert (seen.width, seen.height, seen.format, seen.plain) == (300, 300, "JPEG", True)
    assert seen.preview.size == (64, 64)


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "RGBA", "P", "LA"])
def test_other_modes_are_read_and_marked(picture: Maker, mode: str) -> None:
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    seen = probe(encoded(picture(1, 200).convert(mode), kind))
    assert not seen.plain
    assert seen.preview.mode == "RGB"


def test_bad_ones_say_why(picture: Maker) -> None:
    good = encoded(picture(1, 300))
    for data, why in [
        (good[: len(good) // 2], "can't be decoded"),
        (b"just text", "not a picture"),
        (b"", "not a picture"),
        (encoded(Image.new("RGB", (200, 40))), "smaller than 64"),
        (huge_png(), "more than 50 megapixels"),
        (encoded(picture(1, 300), "PNG")[:2000], "can't be decoded"),
    ]:
        with pytest.raises(BadImage, match=why):
            probe(data)


def test_orientation_is_not_plain(picture: Maker) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture(1, 200), exif=exif)
    assert not probe(data).plain


def test_the_preview_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    lying = Image.linear_gradient("L").convert("RGB").resize((200, 200))  # dark above
    preview = np.asarray(probe(encoded(lying, exif=exif)).preview)
    assert preview[:, 0].mean() > preview[:, -1].mean() + 150


@pytest.mark.parametrize(("width", "height"), [(7_100, 7_100), (60_000, 900), (900, 60_000)])
def test_the_area_is_limited_and_not_the_side(width: int, height: int) -> None:
    with pytest.raises(BadImage, match="more than 50 megapixels"):
        probe(huge_png(width, height))
    with pytest.raises(BadImage, match="can't be decoded"):  # large, and let through to the decoder
        probe(huge_png(50_000, 900))


def test_open_problem(tmp_path: Path, picture: Maker) -> None:
    path = tmp_path / "a.jpg"
    good = encoded(picture(1, 256))
    path.write_bytes(good)
    assert open_problem(path) is None
    path.write_bytes(good[:-3000])
    assert "decoded" in str(open_problem(path))
    path.write_bytes(b"text")
    assert open_problem(path) == "not a picture"
    path.write_bytes(huge_png())
    assert open_problem(path) == "more than 50 megapixels"
    assert "can't be read" in str(open_problem(tmp_path / "absent.jpg"))


def face(path: Path, **changes: object) -> Face:
    seen = probe(path.read_bytes())
    made = Face(path, "00000001", None, None, seen.width, seen.height, seen.format, seen.plain)
    return replace(made, **changes)


def test_what_fits_is_copied(tmp_path: Path, picture: Maker) -> None:
    source = tmp_path / "in.png"
    picture(1, 200).save(source)
    f = face(source)
    target = tmp_path / target_name(f, 256)
    write_face(f, target, 256)
    assert target.name == "00000001.png"
    assert target.read_bytes() == source.read_bytes() and not target.samefile(source)


def test_a_link_is_followed_to_its_file(tmp_path: Path, picture: Maker) -> None:
    (tmp_path / "real").mkdir()
    picture(1, 200).save(tmp_path / "real" / "in.jpg")
    (tmp_path / "link.jpg").symlink_to("real/in.jpg")
    (tmp_path / "dataset" / "images").mkdir(parents=True)
    target = tmp_path / "dataset" / "images" / "out.jpg"
    write_face(face(tmp_path / "link.jpg"), target, 256)
    assert not target.is_symlink()
    assert open_problem(target) is None


def test_a_see_through_color_becomes_white(tmp_path: Path) -> None:
    red = Image.new("RGB", (100, 100), (255, 0, 0))
    red.paste((0, 0, 0), (0, 0, 100, 20))
    red.save(tmp_path / "in.png", transparency=(255, 0, 0))
    f = face(tmp_path / "in.png")
    assert not f.plain
    write_face(f, tmp_path / "out.jpg", 100)
    with Image.open(tmp_path / "out.jpg") as made:
        assert min(made.getpixel((50, 50))) > 250


def test_what_is_larger_is_shrunk_once(tmp_path: Path, picture: Maker) -> None:
    source = tmp_path / "in.jpg"
    image = picture(1, 1024)
    image.save(source, quality=95, exif=Image.Exif(), comment=b"secret")
    f = face(source)
    target = tmp_path / target_name(f, 256)
    write_face(f, target, 256)
    with Image.open(target) as made:
        assert made.size == (256, 256)
        assert made.mode == "RGB"
        assert "comment" not in made.info
        small = image.resize((256, 256), Image.Resampling.BOX)
        difference = sum(abs(a - b) for a, b in zip(made.tobytes(), small.tobytes(), strict=True)) / (256 * 256 * 3)
    assert difference < 4


def test_transparency_becomes_white_and_orientation_is_applied(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    clear = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 100, 20))
    clear.save(source)
    f = face(source)
    target = tmp_path / target_name(f, 100)
    assert target.suffix == ".jpg"
    write_face(f, target, 100)
    with Image.open(target) as made:
        assert min(made.getpixel((50, 50))) > 250
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    Image.linear_gradient("L").resize((200, 100)).convert("RGB").save(tmp_path / "turned.jpg", exif=exif)
    turned = face(tmp_path / "turned.jpg")
    write_face(turned, tmp_path / "upright.jpg", 300)
    with Image.open(tmp_path / "upright.jpg") as made:
        assert made.size == (100, 200)


def test_a_file_that_changed_meanwhile(tmp_path: Path, picture: Maker) -> None:
    source = tmp_path / "in.jpg"
    picture(1, 600).save(source)
    f = face(source)
    source.write_bytes(b"gone")
    with pytest.raises(SourceError, match="any more"):
        write_face(f, tmp_path / "out.jpg", 256)
    assert not (tmp_path / "out.jpg").exists()


def test_a_bitmap_in_disguise_goes_to_no_other_program(picture: Maker) -> None:
    with pytest.raises(BadImage, match="not a picture"):
        probe(encoded(picture(1, 100), "EPS"))


def test_sixteen_bits_of_grey_are_scaled(tmp_path: Path) -> None:
    deep = np.full((100, 100), 0x4000, dtype=np.uint16)
    deep[:20] = 0
    Image.fromarray(deep).save(tmp_path / "deep.png")
    f = face(tmp_path / "deep.png")
    assert not f.plain
    write_face(f, tmp_path / "out.jpg", 100)
    with Image.open(tmp_path / "out.jpg") as made:
        assert made.getpixel((50, 50)) == (64, 64, 64)


@given(st.data())
def test_damage_of_any_kind_is_a_bad_image_or_a_picture(data: st.DataObject) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"]))
    spoiled = bytearray(encoded(Image.linear_gradient("L").convert("RGB").resize((70, 70)), kind, exif=exif))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(spoiled) - 1), st.integers(0, 255)), max_size=8)):
        spoiled[at] = value
    try:
        assert probe(bytes(spoiled)).preview.mode == "RGB"
    except BadImage as bad:
        assert str(bad)

"""Folders of faces: found, checked, freed of duplicates, with what faces.csv says."""

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fiubench.raw_sources.reading.faces import read_faces
from fiubench.raw_sources.reading.folder import LINK_OUT, LINK_TO_NOTHING
from fiubench.support.errors import SourceError
from PIL import Image

Maker = Callable[[int, int], Image.Image]
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_sfhq_layouts_and_numbers(faces: Path) -> None:
    table = read_faces(faces)
    assert [face.unique_id for face in table.faces] == [f"{k:08d}" for k in range(12)]
    assert table.report.kept == table.report.read == 12
    assert table.report.notes == ["The age is unknown for 12 of 12 faces, so none of these was left out for its age."]
    (faces / "images" / "images").rename(faces / "moved")
    assert [face.unique_id for face in read_faces(faces).faces] == [f"{k:08d}" for k in range(12)]


def test_what_is_no_face_is_passed_over(faces: Path, picture: Maker) -> None:
    for name in ("segmentations", "landmarks", ".hidden"):
        (faces / name).mkdir()
        picture(77, 200).save(faces / name / "SFHQ_pt1_00000077.png")
    (faces / "source.yaml").write_text("title: mine")
    (faces / "readme.txt").write_text("hello")
    report = read_faces(faces).report
    assert (report.read, report.kept, report.dropped) == (13, 12, {"not a picture (.txt)": 1})


def test_a_link_out_of_the_folder_is_not_followed(faces: Path, tmp_path: Path, picture: Maker) -> None:
    picture(50, 200).save(tmp_path / "private.jpg")
    (faces / "link.jpg").symlink_to(tmp_path / "private.jpg")
    outside = tmp_path / "outside"
    outside.mkdir()
    picture(51, 200).save(outside / "b.jpg")
    (faces / "linked").symlink_to(outside)
    report = read_faces(faces).report
    assert (report.read, report.kept, report.dropped) == (14, 12, {LINK_OUT: 2})
    report = read_faces(faces, follow_links=True).report
    assert (report.read, report.kept) == (14, 14)


def test_links_that_lead_nowhere_or_to_themselves(faces: Path) -> None:
    (faces / "nowhere.jpg").symlink_to("absent.jpg")
    (faces / "itself.jpg").symlink_to("itself.jpg")
    (faces / "circle").symlink_to(faces)
    for follow in (False, True):
        report = read_faces(faces, follow_links=follow).report
        assert (report.read, report.kept, report.dropped) == (14, 12, {LINK_TO_NOTHING: 2})


def test_a_folder_of_links_out_of_it(tmp_path: Path, picture: Maker) -> None:
    picture(50, 200).save(tmp_path / "a.jpg")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.jpg").symlink_to(tmp_path / "a.jpg")
    with pytest.raises(SourceError, match=r"no images(.|\n)*1 links lead out of it: add --follow-links"):
        read_faces(tmp_path / "links")
    assert len(read_faces(tmp_path / "links", follow_links=True).faces) == 1


def test_a_folder_that_may_not_be_read(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match="faces: can't be read: Permission denied"):
        read_faces(faces)


def test_bad_files_are_dropped_with_a_reason(faces: Path, picture: Maker) -> None:
    whole = (faces / "images" / "images" / "SFHQ_pt1_00000001.jpg").read_bytes()
    (faces / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (faces / "text.jpg").write_text("not a picture")
    Image.new("RGB", (32, 32)).save(faces / "tiny.png")
    picture(60, 200).save(faces / "renamed.jpg", "PNG")
    picture(61, 200).convert("L").save(faces / "grey.png")
    report = read_faces(faces).report
    assert report.read == 17
    assert report.kept == 14
    assert report.dropped == {
        "can't be decoded: truncated or damaged": 1,
        "not a picture (.jpg)": 1,
        "smaller than 64 pixels": 1,
    }
    assert report.repaired["not plain RGB: converted"] == 1


def test_duplicates(faces: Path, picture: Maker) -> None:
    inner = faces / "images" / "images"
    shutil.copy(inner / "SFHQ_pt1_00000003.jpg", inner / "SFHQ_pt1_00000103.jpg")
    picture(4, 200).resize((150, 150)).save(inner / "SFHQ_pt1_00000104.jpg", quality=70)
    picture(5, 200).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(inner / "SFHQ_pt1_00000105.jpg")
    table = read_faces(faces)
    assert len(table.faces) == 12
    assert table.report.dropped == {"exact duplicate": 1, "near duplicate (phash)": 2}


def test_the_same_number_in_two_parts(faces: Path, picture: Maker) -> None:
    picture(70, 200).save(faces / "SFHQ_pt2_00000003.jpg")
    picture(71, 200).save(faces / "holiday.jpg")
    ids = [face.unique_id for face in read_faces(faces).faces]
    assert {"pt1-00000003", "pt2-00000003"} < set(ids)
    assert "00000003" not in ids
    assert len(set(ids)) == 14
    assert any(i.startswith("f") and len(i) == 13 for i in ids)


def test_ids_are_safe_in_file_names(faces: Path, picture: Maker) -> None:
    names = ["\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", "SFHQ_pt1_123456789", "a b'c", "-rf", "00000003 (1)"]
    for number, name in enumerate(names, 80):
        picture(number, 200).save(faces / f"{name}.png")
    ids = [face.unique_id for face in read_faces(faces).faces]
    assert len(set(ids)) == 17
    assert all(re.fullmatch(r"[0-9]{8}|f[0-9a-f]{12}", one) for one in ids)


def test_faces_csv_is_an_allow_list(faces: Path) -> None:
    (faces / "faces.csv").write_text(
        "file,gender,age\nSFHQ_pt1_00000001.jpg,Female,34\n00000002,m,19\nimages/images/SFHQ_pt1_00000003.jpg,,\nabsent.jpg,male,40\n"
    )
    table = read_faces(faces)
    assert [(f.unique_id, f.gender, f.age) for f in table.faces] == [
        ("00000001", "female", 34),
        ("00000003", None, None),
    ]
    assert table.report.dropped == {
        "not in faces.csv": 9,
        "under 20": 1,
        "listed in faces.csv but not there": 1,
    }
    assert table.report.examples["listed in faces.csv but not there"] == "absent.jpg"
    assert (table.report.read, table.report.kept) == (13, 2)
    assert "The age is unknown for 1 of 2 faces, so none of these was left out for its age." in table.report.notes


def test_a_list_written_elsewhere(faces: Path) -> None:
    (faces / "faces.csv").write_text(
        "File,Age\r\nimages\\images\\SFHQ_pt1_00000001.jpg,30\r\n./images/images/SFHQ_pt1_00000002.jpg,40\r\n"
    )
    assert [(face.unique_id, face.age) for face in read_faces(faces).faces] == [("00000001", 30), ("00000002", 40)]


def test_a_number_that_two_people_share_needs_the_path(faces: Path, picture: Maker) -> None:
    picture(70, 200).save(faces / "SFHQ_pt2_00000003.jpg")
    (faces / "faces.csv").write_text("file,age\n00000003,30\n")
    with pytest.raises(SourceError, match=r"row 2: '00000003' may be SFHQ_pt2_00000003.jpg or images/images/SFHQ_pt1"):
        read_faces(faces)
    (faces / "faces.csv").write_text("file,age\nSFHQ_pt1_00000003,30\nSFHQ_pt2_00000003.jpg,40\n")
    assert [(face.unique_id, face.age) for face in read_faces(faces).faces] == [
        ("pt2-00000003", 40),
        ("pt1-00000003", 30),
    ]


def test_one_file_under_two_names(faces: Path) -> None:
    (faces / "faces.csv").write_text("file,age\n00000001,30\nSFHQ_pt1_00000001.jpg,12\n")
    with pytest.raises(SourceError, match=r"row 3: 'SFHQ_pt1_00000001.jpg' for a second time"):
        read_faces(faces)


def test_a_child_is_not_let_in_by_a_copy_of_unknown_age(faces: Path) -> None:
    shutil.copy(faces / "images" / "images" / "SFHQ_pt1_00000003.jpg", faces / "images" / "images" / "z.jpg")
    (faces / "faces.csv").write_text("file,age\n00000003,\nz.jpg,12\n00000004,30\n")
    table = read_faces(faces)
    assert [face.unique_id for face in table.faces] == ["00000004"]
    assert table.report.dropped == {"not in faces.csv": 10, "exact duplicate": 1, "under 20": 1}


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("absent.csv"), Path.mkdir])
def test_a_list_that_does_not_open_is_not_passed_over(faces: Path, make: Callable[[Path], None]) -> None:
    make(faces / "faces.csv")
    with pytest.raises(SourceError, match=r"faces.csv: (cannot be read|no such file)"):
        read_faces(faces)


def test_what_faces_csv_says_is_part_of_the_digest(faces: Path) -> None:
    rows = "".join(f"{k:08d},{{}}\n" for k in range(12))
    digests = set()
    for age in ("30", "60"):
        (faces / "faces.csv").write_text("file,age\n" + rows.replace("{}", age))
        digests.add(read_faces(faces).origin.sha256)
    assert len(digests) == 2


def test_nobody_is_rounded_up_to_20(faces: Path) -> None:
    (faces / "faces.csv").write_text("file,age\n00000001,19.9\n00000002,20.0\n")
    assert [face.unique_id for face in read_faces(faces).faces] == ["00000002"]


def test_a_dropped_copy_does_not_change_a_number(faces: Path) -> None:
    shutil.copy(faces / "images" / "images" / "SFHQ_pt1_00000003.jpg", faces / "SFHQ_pt1_00000003.jpg")
    table = read_faces(faces)
    assert [face.unique_id for face in table.faces].count("00000003") == 1
    assert table.report.dropped == {"exact duplicate": 1}


def test_a_header_that_declares_too_much_is_not_decoded(faces: Path) -> None:
    Image.new("RGB", (70, 70)).save(faces / "bomb.bmp")
    bomb = bytearray((faces / "bomb.bmp").read_bytes())
    bomb[18:26] = (60_000).to_bytes(4, "little") * 2  # width and height in the header
    (faces / "bomb.bmp").write_bytes(bomb)
    assert read_faces(faces).report.dropped == {"more than 50 megapixels": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,age\na.jpg,3\n", "no column 'file'"),
        ("", "no column 'file'"),
        ("file,gender\nSFHQ_pt1_00000001.jpg,robot\n", "row 2: gender 'robot'"),
        ("file,age\nSFHQ_pt1_00000001.jpg,old\n", "row 2: age 'old'"),
        ("file,age\nSFHQ_pt1_00000001.jpg,inf\n", "row 2: age 'inf'"),
        ("file,age\nSFHQ_pt1_00000001.jpg,3,4\n", "row 2 has 3 fields"),
        ("age,file\n30\n", "row 2 has 1 fields"),
        ("file,age\na.jpg,30\n,30\n", "row 3: no file"),
        ("file,age\na.jpg,30\na.jpg,19\n", "row 3: 'a.jpg' for a second time"),
    ],
)
def test_a_wrong_faces_csv_is_told_with_its_row(faces: Path, text: str, says: str) -> None:
    (faces / "faces.csv").write_text(text)
    with pytest.raises(SourceError, match=says):
        read_faces(faces)


def test_no_folder_no_images(tmp_path: Path, faces: Path) -> None:
    for path, says in (
        (tmp_path / "nowhere", "no such folder"),
        (faces / "images" / "images" / "SFHQ_pt1_00000001.jpg", "a file"),
    ):
        with pytest.raises(SourceError, match=says):
            read_faces(path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match="no images"):
        read_faces(empty)
    (empty / "a.jpg").write_text("x")
    with pytest.raises(SourceError, match="none of 1 files can be used: 1 not a picture"):
        read_faces(empty)


def test_workers_and_place_do_not_matter(faces: Path, tmp_path: Path, picture: Maker) -> None:
    for number in range(12, 140):
        picture(number, 80).save(faces / f"{number:08d}.png")
    one, two = read_faces(faces), read_faces(faces, workers=2)
    assert one.origin == two.origin
    assert one.faces == two.faces
    moved = tmp_path / "elsewhere" / "faces"
    shutil.copytree(faces, moved)
    assert read_faces(moved).origin == one.origin


def killed(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_told(faces: Path, picture: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12, 140):
        picture(number, 80).save(faces / f"{number:08d}.png")
    monkeypatch.setattr("fiubench.raw_sources.reading.faces._check", killed)
    with pytest.raises(SourceError, match=r"was killed(.|\n)*fewer --workers"):
        read_faces(faces, workers=2)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample data is not here")
def test_the_real_sample() -> None:
    table = read_faces(SHARED / "faces" / "sfhq")
    assert table.report.read == 321
    assert table.report.dropped["near duplicate (phash)"] == 5  # looked at: the same picture in two figures
    portraits = read_faces(SHARED / "faces" / "portraits")
    assert all(face.age is not None and face.age >= 20 and face.gender for face in portraits.faces)
    assert portraits.report.dropped["under 20"] > 0

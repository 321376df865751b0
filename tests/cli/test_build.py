"""`fiubench build` as its user runs it: same bytes, order, resume after a kill, and a loadable result."""

import filecmp
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fiubench.builder.pipeline.build import records

from fiubench import make_config, open_dataset
from tests import commands
from tests.cases import first
from tests.commands import FIUBENCH, ROOT

EXAMPLE_PACK = ROOT / "examples" / "travel_and_work.yaml"
SMALL = ["--identities", "60", "--holdout", "6", "--ratios", "5,10", "--image-size", "64", "--no-audit"]
#: SHA-256 of the default dataset's identities.jsonl. It moves when a phrasing, a vocabulary or a rule moves on
#: purpose, and must be the same on every machine.
GOLDEN = "af824ff12224acccf3f9de5c34d094540e2c4529ecf324aa6ec258c2f92b9fb9"

# A clock one year ahead, whatever asks for it.
_NEXT_YEAR = """
import datetime, time, runpy, sys
shift = 365 * 86400
real_today, real_time = datetime.date.today(), time.time()
for name in ("time", "time_ns"):
    real = getattr(time, name)
    setattr(time, name, lambda real=real, unit=10**9 if name == "time_ns" else 1: real() + shift * unit)
for name in ("localtime", "gmtime"):
    real = getattr(time, name)
    setattr(time, name, lambda secs=None, real=real: real(time.time() if secs is None else secs))
class date(datetime.date):
    @classmethod
    def today(cls): return cls.fromtimestamp(time.time())
class moment(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return cls.fromtimestamp(time.time(), tz)
datetime.date, datetime.datetime = date, moment
assert (datetime.date.today() - real_today).days >= 364 and time.time() - real_time >= shift
sys.argv = ["fiubench", *sys.argv[1:]]
runpy.run_module("fiubench", run_name="__main__")
"""


def fiubench(*arguments: object, check: bool = True, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = commands.fiubench(*arguments, cwd=cwd or ROOT)
    assert not check or done.returncode == 0, done.stderr
    return done


def files_of(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def assert_same_bytes(a: Path, b: Path) -> None:
    names = [n for n in files_of(a) if n != "build.yaml"]
    assert names == [n for n in files_of(b) if n != "build.yaml"]
    different = [n for n in names if not filecmp.cmp(a / n, b / n, shallow=False)]
    assert not different


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "dataset"
    fiubench("build", "--out", out, *SMALL)
    return out


def test_two_builds_are_the_same_bytes(built: Path, tmp_path: Path) -> None:
    fiubench("build", "--out", tmp_path / "again", *SMALL, "--workers", 2)
    assert_same_bytes(built, tmp_path / "again")


def test_hash_seed_time_zone_and_clock_do_not_matter(built: Path, tmp_path: Path) -> None:
    env = {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
    command = [sys.executable, "-c", _NEXT_YEAR, "build", "--out", str(tmp_path / "later"), *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, check=False)
    assert done.returncode == 0, done.stderr
    assert_same_bytes(built, tmp_path / "later")


def test_golden_digest(tmp_path: Path) -> None:
    fiubench("build", "--out", tmp_path / "default", "--workers", 2, "--no-audit")
    manifest = open_dataset(tmp_path / "default").manifest
    assert manifest["digests"]["identities"] == GOLDEN
    assert manifest["counts"] == {"identities": 400, "holdout": 40, "questions": 20, "qa_pairs": 8800, "images": 440}
    assert "valid" in fiubench("validate", tmp_path / "default").stdout


def test_the_first_400_of_1000_are_the_400() -> None:
    few = list(records(make_config({"faces": "none"}), stop=400))
    many = list(records(make_config({"faces": "none", "identities": 1000}), stop=400))
    assert few == many


def test_a_pack_changes_no_other_fact_or_question() -> None:
    plain = list(records(make_config({"faces": "none"}), stop=60))
    more = list(records(make_config({"faces": "none", "attributes": [str(EXAMPLE_PACK)]}), stop=60))
    for before, after in zip(plain, more, strict=True):
        assert {k: v for k, v in after["profile"].items() if k in before["profile"]} == before["profile"]
        assert after["qa_list"][: len(before["qa_list"])] == before["qa_list"]
        assert len(after["qa_list"]) > len(before["qa_list"])
        assert after["caption"].startswith(before["caption"])


@pytest.mark.parametrize("seconds", first(1, [0.8, 0.45, 0.6, 1.1]))
def test_killed_and_resumed(built: Path, tmp_path: Path, seconds: float) -> None:
    out = tmp_path / "dataset"
    kills = 0
    while True:
        process = subprocess.Popen(
            [*FIUBENCH, "build", "--out", str(out), *SMALL, "--resume"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _, errors = process.communicate(timeout=seconds * (1 + kills))
            assert process.returncode == 0, errors
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            assert_nothing_half_written(out)
    assert_same_bytes(built, out)
    assert not (out / ".build").exists()


def assert_nothing_half_written(out: Path) -> None:
    """Whatever stands under a final name is whole."""
    from PIL import Image

    for path in out.rglob("*") if out.exists() else ():
        if not path.is_file() or ".partial" in str(path):
            continue
        if path.suffix == ".json" and path.name not in ("full.json", "holdout.json"):
            json.loads(path.read_bytes())
        elif path.suffix in (".json", ".jsonl"):
            for line in path.read_bytes().splitlines():
                json.loads(line)
        elif path.suffix in (".jpg", ".png"):
            with Image.open(path) as image:
                image.load()


def test_a_killed_worker_is_an_error_and_resumable(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    process = subprocess.Popen(
        [*FIUBENCH, "build", "--out", str(out), "--identities", "600", "--image-size", "64", "--workers", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    children: list[int] = []
    while not children and time.monotonic() < deadline and process.poll() is None:
        listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        children = [int(c) for c in listing.read_text().split()] if listing.exists() else []
        time.sleep(0.02)
    if not children:
        process.communicate()
        pytest.skip("no /proc to find the worker processes in")
    os.kill(children[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "--resume" in errors
    assert "Traceback" not in errors


def test_datasets_loads_the_release(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    code = """
import sys, datasets
release = sys.argv[1]
forget = datasets.load_dataset(release, "forget05", split="train")
assert len(forget) == 3 * 20, len(forget)
assert forget[0]["image"].size == (64, 64)
people = datasets.load_dataset(release, "identities", split="train", streaming=True)
assert len(list(people)) == 66
assert len(list(datasets.load_dataset(release, "holdout", split="train", streaming=True))) == 6 * 20
"""
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(built / "release")], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readers(built: Path) -> None:
    dataset = open_dataset(built)
    first = next(iter(dataset))
    assert dataset.identity(first["name"].upper()) == dataset.identity("0") == first
    frame = dataset.to_pandas()
    assert len(frame) == 66 * 20
    assert set(dataset.splits) == {
        "forget05", "retain95", "retain_eval05", "forget10", "retain90", "retain_eval10", "holdout",
    }  # fmt: skip
    shown = fiubench("show", built, first["unique_id"]).stdout
    assert first["name"] in shown
    assert "health.blood_type" in shown
    assert first["qa_list"][6]["perturbed_answer"][2] in shown
    assert len(fiubench("show", built).stdout.splitlines()) == 66


def test_verify_tells_what_was_touched(built: Path, tmp_path: Path) -> None:
    assert "every digest agrees" in fiubench("verify", built).stdout
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    lines = (copy / "identities.jsonl").read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace("This person", "That person")
    (copy / "identities.jsonl").write_text("".join(lines))
    image = sorted((copy / "images").iterdir())[0]
    image.write_bytes(image.read_bytes() + b"\0")
    done = fiubench("verify", copy, check=False)
    assert done.returncode == 1
    assert "line 4" in done.stdout
    assert image.name in done.stdout
    assert "identities.jsonl: " in done.stdout  # the fields that differ, one a line
    assert done.stdout.splitlines()[-1].endswith(" differences")


def test_verify_rebuilds_packs_from_the_manifest(tmp_path: Path) -> None:
    """The manifest sorts the keys of mappings: weights must not be drawn by the order they were written in."""
    pack = tmp_path / "pets.yaml"
    pack.write_text(
        "pack: pets\nattributes:\n"
        "  - { name: pet, category: personal, type: enum, choose: { zebra: 3, cat: 1, aardvark: 1, owl: 2 } }\n"
    )
    out = tmp_path / "dataset"
    fiubench("build", "--out", out, *SMALL, "--faces", "none", "--attributes", pack, "--attributes", EXAMPLE_PACK)
    assert "every digest agrees" in fiubench("verify", out).stdout


def test_diff_tells_attribute_and_kind(built: Path, tmp_path: Path) -> None:
    fiubench("build", "--out", tmp_path / "more", *SMALL, "--attributes", EXAMPLE_PACK)
    done = fiubench("diff", built, tmp_path / "more", "--summary", check=False)
    assert done.returncode == 1
    assert "passport_number" in done.stdout
    assert "blood_type" not in done.stdout
    assert fiubench("diff", built, built).stdout.strip() == "no difference"


def test_a_finished_build_is_left_as_it_is(built: Path) -> None:
    before = {n: (built / n).stat().st_mtime_ns for n in files_of(built)}
    fiubench("build", "--out", built, *SMALL, "--resume")
    assert before == {n: (built / n).stat().st_mtime_ns for n in files_of(built)}


def test_build_yaml_builds_it_again(built: Path, tmp_path: Path) -> None:
    fiubench("build", "--config", built / "build.yaml", "--out", tmp_path / "again")
    assert_same_bytes(built, tmp_path / "again")


def test_the_commands_of_the_card_make_it_again(built: Path, tmp_path: Path) -> None:
    def card(folder: Path) -> list[list[str]]:
        text = (folder / "release" / "README.md").read_text()
        return [shlex.split(line)[1:] for line in re.findall(r"^fiubench (?:build|split) .*", text, re.MULTILINE)]

    fiubench("split", built, "--out", tmp_path / "cut", "--ratios", "25", "--attributes", "blood_type")
    for words in card(tmp_path / "cut"):
        fiubench(*words, cwd=tmp_path)
    assert_same_bytes(tmp_path / "cut", tmp_path / "resplit")
    (words,) = card(built)
    fiubench(*words, "--overwrite", cwd=tmp_path)
    assert_same_bytes(built, tmp_path / "dataset")


def test_paths_in_a_config_are_seen_from_its_folder(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "pets.yaml").write_text(
        "pack: pets\nattributes:\n  - { name: pet, category: personal, type: enum, choose: [cat, dog, owl, ant] }\n"
    )
    (folder / "c.yaml").write_text("identities: 20\nholdout: 0\nratios: [5]\nfaces: none\nattributes: [pets.yaml]\n")
    fiubench("build", "--config", folder / "c.yaml", "--out", tmp_path / "one", cwd=tmp_path)
    fiubench("build", "--config", tmp_path / "one" / "build.yaml", "--out", tmp_path / "two", cwd=folder)
    assert_same_bytes(tmp_path / "one", tmp_path / "two")


def test_a_build_that_fails_on_its_input_leaves_nothing(tmp_path: Path) -> None:
    out, frozen, pack = tmp_path / "out", tmp_path / "frozen.json", tmp_path / "pack.yaml"
    frozen.write_text('{"forget05": ["99999999"]}')
    pack.write_text(
        "pack: p\nattributes:\n"
        '  - { name: x, category: personal, type: date, generate: { date: { from: "as_of", to: "as_of" } },\n'
        '      constraints: ["x < date_of_birth"] }\n'
    )
    for option in (("--split-scheme", frozen), ("--attributes", pack)):
        done = fiubench("build", "--out", out, *SMALL, "--faces", "none", *option, check=False)
        assert done.returncode == 2
        assert not out.exists()
    fiubench("build", "--out", out, *SMALL, "--faces", "none")


def test_two_builds_in_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [
        *FIUBENCH,
        "build",
        "--out",
        str(out),
        "--identities",
        "1000",
        "--faces",
        "none",
        "--no-audit",
        "--resume",
    ]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / ".build" / "state.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    second = fiubench(*command[len(FIUBENCH) :], check=False)
    _, errors = first.communicate(timeout=600)
    assert first.returncode == 0, errors
    assert second.returncode == 2
    assert "another build is running" in second.stderr
    assert "valid" in fiubench("validate", out).stdout


def test_a_release_is_verified_and_mended(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    lost = next((copy / "release" / "data").iterdir())
    lost.unlink()
    with (copy / "release" / "README.md").open("a") as card:
        card.write("edited by hand")
    told = fiubench("verify", copy, check=False)
    assert told.returncode == 1
    assert f"release/data/{lost.name}: missing" in told.stdout
    assert "release/README.md: not as built" in told.stdout
    fiubench("build", "--out", copy, *SMALL, "--resume")
    assert "every digest agrees" in fiubench("verify", copy).stdout
    assert_same_bytes(built, copy)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("manifest.json", "{}"),
        ("manifest.json", '{"splits": {}}'),
        ("manifest.json", "not json"),
        ("splits.json", '{"forget01": ["x"]}'),
        ("splits.json", None),
        ("identities.jsonl", "{}\n"),
        ("identities.jsonl", '{"profile": 3}\n'),
        ("identities.jsonl", "[1\n"),
    ],
)
def test_a_damaged_dataset_is_told(built: Path, tmp_path: Path, name: str, text: str | None) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    (copy / name).unlink()
    if text is not None:
        (copy / name).write_text(text)
    commands: list[tuple[object, ...]] = [
        ("verify", copy),
        ("validate", copy),
        ("diff", copy, built),
        ("diff", built, copy),
        ("show", copy, "0"),
    ]
    for command in commands:
        done = fiubench(*command, check=False)
        assert "Traceback" not in done.stderr, (command, done.stderr)
        if command[0] == "show" and name == "manifest.json":
            continue  # an identity can be shown without it
        assert done.returncode in (1, 2), (command, done.stdout)
        assert name in done.stdout + done.stderr, (command, done.stdout, done.stderr)


def test_no_path_of_the_machine_in_what_is_published(built: Path) -> None:
    for name in files_of(built):
        if name != "build.yaml":
            data = (built / name).read_bytes()
            assert str(built.parent).encode() not in data, name
            assert str(Path.home()).encode() + b"/" not in data, name


def test_preview_writes_nothing(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*FIUBENCH, "preview", "--identities", "2", "--faces", "none"], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, **env}, check=True,
    )  # fmt: skip
    assert done.stdout.count("keywords:") == 40
    assert not list(tmp_path.iterdir())


def test_preview_of_one_from_a_small_file(tmp_path: Path, built: Path) -> None:
    row = (
        "Ann Lee,4{0},Female,{2},{3},2023-01-0{1},Dr. Bo {3},Kim {3},{3} Care,12{0}0.5,10{0},Urgent,2023-01-2{1},"
        "{3}in,{3}"
    )
    words = zip(("A+", "B+", "O-", "AB-"), ("Asthma", "Cancer", "Migraine", "Obesity"), strict=True)
    header = (
        "Name,Age,Gender,Blood Type,Medical Condition,Date of Admission,Doctor,Hospital,Insurance Provider,"
        "Billing Amount,Room Number,Admission Type,Discharge Date,Medication,Test Results"
    )
    health = tmp_path / "h.csv"
    health.write_text("\n".join([header, *(row.format(k, k + 1, *pair) for k, pair in enumerate(words))]))
    unlabelled = ("--faces", built / "images", "--unknown-ages", "allow", "--match", "none")
    shown = fiubench("preview", "--identities", 1, *unlabelled, "--health", health).stdout
    assert shown.count("keywords:") == 20
    assert "asthma" in shown


def test_overwrite_does_not_touch_a_build_that_is_running(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [*FIUBENCH, "build", "--out", str(out), "--identities", "1000", "--faces", "none", "--no-audit"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / ".build" / "state.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    second = fiubench("build", "--out", out, *SMALL, "--overwrite", check=False)
    _, errors = first.communicate(timeout=600)
    assert first.returncode == 0, errors
    assert second.returncode == 2
    assert "another build is running" in second.stderr
    assert open_dataset(out).manifest["counts"]["identities"] == 1000
    fiubench("build", "--out", out, *SMALL, "--overwrite")
    assert open_dataset(out).manifest["counts"]["identities"] == 60


def test_help_names_every_option() -> None:
    text = fiubench("build", "--help").stdout
    for option in (
        "--out", "--identities", "--seed", "--as-of", "--faces", "--health", "--crimes", "--addresses", "--attributes",
        "--questions", "--holdout", "--match", "--ratios", "--split-scheme", "--select", "--image-size", "--workers",
        "--config", "--resume", "--overwrite",
    ):  # fmt: skip
        assert option in text

"""Bad input: exit code 2, one message with file, place and mend, no traceback, nothing half-written."""

import os
import re
import resource
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import fiubench
from tests import commands
from tests.commands import FIUBENCH, ROOT

HEALTH = (
    "Name,Age,Gender,Blood Type,Medical Condition,Date of Admission,Doctor,Hospital,Insurance Provider,Billing Amount,"
    "Room Number,Admission Type,Discharge Date,Medication,Test Results"
)
ROW = "Ann Lee,40,Female,A+,Asthma,2023-01-02,Bo Ray,Kim Inc,Aetna,1200.5,101,Urgent,2023-01-05,Aspirin,Normal"
CRIMES = "CMPLNT_NUM,CMPLNT_FR_DT,OFNS_DESC,LAW_CAT_CD,PREM_TYP_DESC"


def refused(*arguments: object, says: list[str], preexec: object = None, cwd: Path | None = None, code: int = 2) -> str:
    if preexec is None:
        done = commands.fiubench(*arguments, cwd=cwd or ROOT, models="finetune" in arguments)
    else:
        command = [*FIUBENCH, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=preexec, cwd=cwd)  # type: ignore[call-overload]
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    for words in says:
        assert words in done.stderr, done.stderr
    return str(done.stderr)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of a few people."""
    path = tmp_path_factory.mktemp("small") / "dataset"
    fiubench.build({"identities": 20, "holdout": 2, "ratios": [10], "image_size": 64}, path)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def assert_untouched(out: Path) -> None:
    assert not out.exists() or not any(out.iterdir())


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("option", ["--health", "--crimes", "--addresses", "--faces", "--attributes", "--config"])
def test_missing_file(option: str, out: Path, tmp_path: Path) -> None:
    refused("build", "--out", out, option, tmp_path / "nowhere.csv", says=["nowhere.csv"])
    assert_untouched(out)


@pytest.mark.parametrize("option", ["--health", "--crimes", "--addresses"])
def test_empty_file(option: str, out: Path, tmp_path: Path) -> None:
    refused("build", "--out", out, option, write(tmp_path / "empty.csv", ""), says=["empty.csv", "empty"])
    assert_untouched(out)


def test_text_in_two_encodings(out: Path, tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    file.write_bytes(f"{HEALTH}\n{ROW}\nJosé{ROW}\n".encode() + b"Jos\xe9" + f"{ROW}\n".encode())
    refused("build", "--out", out, "--health", file, says=["h.csv", "two encodings: line 3 holds UTF-8", "as UTF-8"])
    assert_untouched(out)


def test_dates_that_leave_the_order_open(out: Path, tmp_path: Path) -> None:
    days = re.sub(r"\d{4}-\d\d-\d\d", "05/04/2020", ROW)
    file = write(tmp_path / "h.csv", f"{HEALTH}\n{days}\n")
    refused("build", "--out", out, "--health", file, says=["h.csv", "'05/04/2020' can be", "--date-order dmy"])
    assert_untouched(out)


def test_columns_of_a_source_without_a_file(out: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "columns.yaml", "health: {Name: patient}\n")
    refused("build", "--out", out, "--columns", file, says=["--columns: names columns of health", "--health"])
    refused("build", "--out", out, "--columns", tmp_path / "no.yaml", says=["no.yaml: no such file"])
    assert_untouched(out)


def test_missing_column(out: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "h.csv", f"{HEALTH.replace('Blood Type', 'Blod Type')}\n{ROW}\n")
    refused("build", "--out", out, "--health", file, says=["h.csv", "Blood Type", "Blod Type"])
    assert_untouched(out)


@pytest.mark.parametrize("option", ["--health", "--crimes", "--addresses", "--faces"])
def test_zip_instead(option: str, out: Path, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", HEALTH)
    refused("build", "--out", out, option, file, says=["data.csv", "zip" if option != "--faces" else "folder"])
    assert_untouched(out)


def test_too_few_rows(out: Path, tmp_path: Path) -> None:
    rows = "".join(
        ROW.replace("Ann Lee", f"Ann Lee{chr(97 + i)}").replace("101", str(200 + i)) + "\n" for i in range(9)
    )
    file = write(tmp_path / "h.csv", f"{HEALTH}\n{rows}")
    refused("build", "--out", out, "--health", file, says=["h.csv", "9 usable rows", "440", "--identities"])
    assert_untouched(out)


def test_undecodable_and_too_few_images(out: Path, tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "faces"
    folder.mkdir()
    write(folder / "broken.jpg", b"\xff\xd8\xff\xe0 not a picture")
    refused("build", "--out", out, "--faces", folder, says=["faces"])
    Image.linear_gradient("L").convert("RGB").save(folder / "one.png")
    write(folder / "faces.csv", "file,gender,age\none.png,female,40\n")
    refused("build", "--out", out, "--faces", folder, says=["faces", "1 usable", "440"])
    assert_untouched(out)


def pack(tmp_path: Path, body: str) -> Path:
    return write(tmp_path / "pack.yaml", f"pack: mine\nattributes:\n{body}")


FACT = "  - {{ name: {name}, category: personal, type: {kind}, {origin} }}\n"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (FACT.format(name="x", kind="enum", origin="from: health.blod_type"), ["health", "'blod_type'", "blood_type"]),
        (FACT.format(name="x", kind="enum", origin="from: helth.blood_type"), ["'helth'", "health"]),
        (FACT.format(name="x", kind="text", origin="compute: occupatoin"), ["'occupatoin'", "'occupation'"]),
        (FACT.format(name="x", kind="date", origin="from: health.blood_type"), ["enum", "date"]),
        (
            FACT.format(name="x", kind="text", origin="compute: y")
            + FACT.format(name="y", kind="text", origin="compute: x"),
            ["circle", "x", "y"],
        ),
        (FACT.format(name="x", kind="text", origin='compute: "__import__(1)"'), ["__import__"]),
        (FACT.format(name="x", kind="text", origin='compute: "text(1 / 0)"'), ["division"]),
        (FACT.format(name="x", kind="text", origin="compute: '\"\\ud800\"'"), ["'\\ud800'", "half a character"]),
        (FACT.format(name="x", kind="text", origin="chose: [a, b]"), ["chose", "'choose'"]),
        (FACT.format(name="blood_type", kind="enum", origin="choose: [a, b]"), ["blood_type", "already"]),
        ("  - { name: x, category", ["pack.yaml, line 4", "YAML"]),
    ],
)
def test_bad_pack(body: str, says: list[str], out: Path, tmp_path: Path) -> None:
    file = pack(tmp_path, body)
    for command in (["build", "--out", out, "--faces", "none", "--attributes", file], ["attributes", "check", file]):
        refused(*command, says=says)
    assert not (out / "manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ratios", "1,x"], ["--ratios", "0.5,5,10"]),
        (["--ratios", "1,2.555"], ["--ratios", "more than two decimals"]),
        (["--ratios", "0"], ["ratios"]),
        (["--ratios", "100"], ["ratios"]),
        (["--ratios", "5,5"], ["ratios"]),
        (["--identities", "50", "--ratios", "1"], ["less than one person", "100 identities"]),
        (["--ratios", "40,70", "--split-scheme", "disjoint"], ["nobody"]),
        (["--split-scheme", "nestd"], ["nestd", "nested"]),
        (["--questions", "99"], ["--questions", "25"]),
        (["--match", "age"], ["match"]),
        (["--select", "kmeans"], ["select"]),
        (["--as-of", "yesterday"], ["--as-of", "is not a date like 2025-01-01"]),
        (["--as-of", "2025-02-30"], ["--as-of"]),
        (["--seed", "-1"], ["seed"]),
        (["--identities", "0"], ["identities"]),
        (["--image-size", "4"], ["--image-size"]),
        (["--names", "record"], ["health"]),
        (["--resume", "--overwrite"], ["contradict"]),
        (["--identities", "many"], ["identities"]),
        (["--no-such-option"], ["no-such-option"]),
    ],
)
def test_bad_setting(arguments: list[str], says: list[str], out: Path) -> None:
    refused("build", "--out", out, "--faces", "none", *arguments, says=says)
    assert_untouched(out)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("identites: 10\n", ["identites", "'identities'", "config.yaml"]),
        ("identities: [1\n", ["config.yaml", "line"]),
        ("identities: 1\nidentities: 2\n", ["stands twice", "line 2"]),
        ("- 1\n", ["config.yaml", "mapping"]),
        ("seed: abc\n", ["config.yaml", "seed"]),
        ("seed: !!python/object/apply:os.system [true]\n", ["config.yaml"]),
        (b"\xff\xfe\x00", ["config.yaml"]),
    ],
)
def test_bad_config_file(text: str | bytes, says: list[str], out: Path, tmp_path: Path) -> None:
    refused("build", "--out", out, "--config", write(tmp_path / "config.yaml", text), says=says)
    assert_untouched(out)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", ["frozen.json", "not JSON"]),
        ("[]", ["frozen.json"]),
        ('{"forget05": ["99999999"]}', ["frozen.json", "99999999"]),
        ('{"keep": []}', ["forget"]),
        ('{"forget05": [7]}', ["frozen.json"]),
    ],
)
def test_bad_frozen_splits(text: str, says: list[str], out: Path, tmp_path: Path) -> None:
    refused(
        "build", "--out", out, "--faces", "none", "--split-scheme", write(tmp_path / "frozen.json", text), says=says
    )
    assert not (out / "manifest.json").exists()


@pytest.mark.parametrize("command", ["build", "split", "export", "pull", "finetune"])
@pytest.mark.parametrize("where", ["x" * 300, "file/below", "x" * 300 + "/below"])
def test_an_out_that_can_not_be(command: str, where: str, tmp_path: Path, small: Path) -> None:
    write(tmp_path / "file", "x")
    rest = {
        "build": ["--faces", "none"], "split": [small], "export": [small, "--format", "tofu"],
        "pull": ["a/b", "--endpoint", "http://127.0.0.1:9"], "finetune": [small],
    }  # fmt: skip
    said = refused(command, *rest[command], "--out", where, says=[where[:20]], cwd=tmp_path)
    assert "fault of fiubench" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("seed", ["9" * 23, str(2**63)])
def test_a_seed_that_can_not_be(seed: str, small: Path, out: Path) -> None:
    for command in (["build", "--faces", "none"], ["split", small], ["finetune", small]):
        refused(*command, "--out", out, "--seed", seed, says=[seed])
    assert not out.exists()


@pytest.mark.parametrize("url", ["http://[::1/v1", "http://x:99999/v1", "http://x:y/v1"])
def test_a_model_at_no_address(url: str, out: Path) -> None:
    refused("build", "--faces", "none", "--qa", "llm", "--model", "m", "--base-url", url, "--out", out,
            says=["--base-url", "is not a URL", "For example"])  # fmt: skip


def test_a_folder_in_the_place_of_a_picture(small: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small, copy)
    picture = next((copy / "images").iterdir())
    picture.unlink()
    picture.mkdir()
    refused("split", copy, "--out", tmp_path / "o", says=[picture.name], code=1)
    refused("export", copy, "--format", "mllmu", "--out", tmp_path / "o", says=[picture.name])
    assert not (tmp_path / "o").exists()


def test_folder_with_something_else(tmp_path: Path) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.tex").write_text("precious")
    for flag in ((), ("--resume",), ("--overwrite",)):
        refused("build", "--out", out, "--faces", "none", *flag, says=["thesis"])
    assert (out / "chapter1.tex").read_text() == "precious"
    assert [p.name for p in out.iterdir()] == ["chapter1.tex"]


def test_out_is_a_file(tmp_path: Path) -> None:
    file = write(tmp_path / "out", "x")
    refused("build", "--out", file, "--faces", "none", says=["not a folder"])


def test_full_disk(out: Path) -> None:
    def little_room() -> None:
        # a file that would grow beyond this fails as it does on a full disk
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    refused("build", "--out", out, "--faces", "none", says=["cannot write", "--resume"], preexec=little_room)
    assert not (out / "manifest.json").exists()
    assert not (out / "identities.jsonl").exists()


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/sys").exists(), reason="root may write anywhere here")
def test_unwritable_folder(tmp_path: Path) -> None:
    target = Path("/proc/sys/fiubench") if os.geteuid() == 0 else tmp_path / "locked" / "out"
    if os.geteuid() != 0:
        target.parent.mkdir(mode=0o500)
    refused("build", "--out", target, "--faces", "none", says=[str(target), "cannot write"])


@pytest.mark.parametrize("command", ["validate", "verify", "show"])
def test_not_a_dataset(command: str, tmp_path: Path) -> None:
    refused(command, tmp_path / "nowhere", says=["nowhere"])
    refused(command, tmp_path, says=["not a fiubench dataset"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["empty"]),
        ("hello", ["line 1"]),
        ('{"unique_id": "1", "qa_list": []}\n{"unique', ["line 2"]),
        ('[{"unique_id": "1", "qa_list": []}, {"uni', ["cut off", "record 2"][1:]),
        ('{"unique_id": "1"}', ["no shape that is known: 'unique_id'", "tofu (answer + question)"]),
        ("[1, 2]", ["record 1"]),
        (b"\xff\xfe\x00\x01", ["line 1"]),
    ],
)
def test_unreadable_record_file(text: str | bytes, says: list[str], tmp_path: Path) -> None:
    refused("validate", write(tmp_path / "full.json", text), says=["full.json", *says])


def test_unknown_identity_and_attribute(tmp_path: Path) -> None:
    refused("attributes", "show", "blod_type", says=["blod_type", "blood_type"])
    refused("sources", "show", "helth", says=["helth", "health"])


def test_arguments_that_are_no_text_are_refused() -> None:
    done = subprocess.run([*FIUBENCH, "build", "--out", b"\xffdata"], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[0] == "fiubench: '\\udcffdata': is not UTF-8"


def test_a_key_without_a_name_is_refused() -> None:
    refused("sign", "--new-key=", says=["is no file name"])


@pytest.mark.parametrize("out", [["--out="], ["--out", ""]])
def test_an_output_that_nobody_named_is_refused(out: list[str], tmp_path: Path) -> None:
    refused("build", "--identities", "4", *out, says=["--out: is empty", "Name a folder"], cwd=tmp_path)
    assert not list(tmp_path.iterdir())

"""Plan, parts and finish: the bytes of a plain build, whatever makes the parts; and what is refused."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fiubench.builder.pipeline.parts import HEADER
from fiubench.builder.pipeline.plans import ARRAYS, PLAN
from fiubench.builder.release import pieces
from fiubench.support.canonical import digest_of
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.registry import load_plugins

import fiubench
from tests.docs import stand_ins
from tests.installed import ROOT

SMALL: dict[str, Any] = {"identities": 90, "holdout": 10, "ratios": [5, 10], "faces": "none"}
RECIPES = (ROOT / "docs/how-to/cluster.md").read_text()
EXAMPLE = ROOT / "examples" / "plugin"


@pytest.fixture(autouse=True)
def _four_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan says what its parts are, so other processes have as many."""
    monkeypatch.setattr(pieces, "_PEOPLE", 25)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_PEOPLE", 25)
        return fiubench.build(SMALL, tmp_path_factory.mktemp("plain") / "dataset").directory


def content(folder: Path) -> dict[str, bytes]:
    """Every file but ``build.yaml``, which has the paths of this machine."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != "build.yaml"}


def assert_same(made: Path, plain: Path) -> None:
    one, other = content(made), content(plain)
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []


def part_folders(work: Path) -> list[Path]:
    return sorted((work / ".build" / "parts").glob("*/"))


# --- the same bytes ---------------------------------------------------------------------------------------------------


def test_a_plain_build_has_four_parts(plain: Path) -> None:
    assert sorted(path.name for path in (plain / "release/people").iterdir()) == [
        "benchmark-00000.parquet", "benchmark-00001.parquet", "benchmark-00002.parquet", "benchmark-00003.parquet",
        "holdout-00000.parquet",
    ]  # fmt: skip
    assert not list(fiubench.verify(plain))


def test_one_part_or_four_are_the_same_people(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    whole = fiubench.build(SMALL, tmp_path / "whole").directory
    for name in ("identities.jsonl", "splits.json", "release/fiubench/dataset/full.json"):
        assert (whole / name).read_bytes() == (plain / name).read_bytes()


@pytest.mark.parametrize("executor", ["local", "datatrove", "ray"])
def test_executors(plain: Path, tmp_path: Path, executor: str) -> None:
    if executor != "local":
        pytest.importorskip(executor, reason="an extra that is not installed")
    workers = 2 if executor == "local" else 4
    assert_same(fiubench.build(SMALL, tmp_path / "out", executor=executor, workers=workers).directory, plain)


@pytest.mark.parametrize("world", [1, 3, 7])
def test_ranks_in_any_order(plain: Path, tmp_path: Path, world: int) -> None:
    planned = fiubench.plan(SMALL, tmp_path / "out")
    assert (planned.identities, planned.parts) == (100, 4)
    made = [name for rank in reversed(range(world)) for name in fiubench.part(tmp_path / "out", rank, world)]
    assert sorted(made) == [f"{i:09d}-{i + 25:09d}" for i in (0, 25, 50, 75)]
    assert_same(fiubench.finish(f"file://{tmp_path}/out").directory, plain)


def test_a_build_goes_on_with_the_parts_of_ranks(plain: Path, tmp_path: Path) -> None:
    fiubench.plan(SMALL, tmp_path / "out")
    fiubench.part(tmp_path / "out", 1, 2)
    before = {path: (path / HEADER).stat().st_mtime_ns for path in part_folders(tmp_path / "out")}
    assert len(before) == 2
    assert_same(fiubench.build(SMALL, tmp_path / "out", resume=True).directory, plain)


def stored(url: str, out: Path) -> Path:
    """A dataset that is planned, made by two ranks and finished with all between in a storage."""
    fiubench.plan(SMALL, url)
    for rank in (1, 0, 1):
        fiubench.part(url, rank, 2)
    with pytest.raises(DatasetError, match="there is a plan"):
        fiubench.plan(SMALL, url)
    return fiubench.finish(url, out).directory


def test_parts_in_memory(plain: Path, tmp_path: Path) -> None:
    assert_same(stored("memory://bucket/run", tmp_path / "out"), plain)
    fiubench.plan({**SMALL, "seed": 1}, "memory://bucket/run", overwrite=True)
    with pytest.raises(DatasetError, match="4 of 4 parts are missing"):
        fiubench.finish("memory://bucket/run", tmp_path / "other")
    with pytest.raises(ConfigError, match="needs a folder"):
        fiubench.finish("memory://bucket/run")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a server on the loopback."""
    pytest.importorskip("s3fs", reason="the extra `s3` is not installed")
    server = pytest.importorskip("moto.server", reason="moto's server is not installed").ThreadedMotoServer(port=0)
    server.start()
    _, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}"), ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"), ("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_CONFIG_FILE", os.devnull),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("bucket")
    yield "s3://bucket/run"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_parts_on_s3(plain: Path, tmp_path: Path, bucket: str) -> None:
    assert_same(stored(bucket, tmp_path / "out"), plain)


def test_a_storage_that_nothing_knows(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        fiubench.plan(SMALL, "nowhere://bucket/run")
    with pytest.raises(DatasetError, match="holds no plan"):
        fiubench.part("memory://bucket/nothing")


def test_pictures_travel_with_their_parts(tmp_path: Path) -> None:
    drawn = {**SMALL, "identities": 30, "faces": "embedded", "image_size": 32, "ratios": [10]}
    built = fiubench.build(drawn, tmp_path / "plain").directory
    fiubench.plan(drawn, "memory://bucket/drawn")
    fiubench.part("memory://bucket/drawn")
    assert_same(fiubench.finish("memory://bucket/drawn", tmp_path / "out").directory, built)


# --- a plan of files --------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Records, faces, a table and a pack of the user's own, as settings."""
    folder = tmp_path / "files"
    fiubench.build({"identities": 40, "holdout": 0, "ratios": [10], "image_size": 64}, folder / "dataset")
    stand_ins._records(folder, [])
    stand_ins._faces(folder)
    shutil.copytree(ROOT / "examples" / "table", folder / "town")
    return {
        "health": str(folder / "healthcare_dataset.csv"),
        "crimes": str(folder / "NYPD_Complaint_Data_Historic.csv"),
        "addresses": str(folder / "USA_Housing.csv"),
        "faces": str(folder / "SFHQ"),
        "match": "none",
        "tables": [str(folder / "town" / "clubs.yaml")],
        "attributes": [str(folder / "town" / "membership.yaml")],
    }


def test_a_plan_holds_the_sources_as_they_were_read(tmp_path: Path, files: dict[str, Any]) -> None:
    """Records, faces, a table and a pack of the user's own; all are gone when the parts are made, but the pictures."""
    settings = {**files, "identities": 20, "holdout": 2, "ratios": [10], "image_size": 32, "select": "k-center"}
    built = fiubench.build(settings, tmp_path / "plain").directory
    fiubench.plan(settings, tmp_path / "out")
    for name in ("health", "crimes", "addresses"):
        Path(files[name]).unlink()
    code = "import sys, fiubench; fiubench.part(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, tmp_path / "out"], check=True)
    assert_same(fiubench.finish(tmp_path / "out").directory, built)


def test_paraphrases_are_part_of_a_plan(plain: Path, tmp_path: Path) -> None:
    lines = [{"index": i, "items": {}, "fallback": {}} for i in range(100)]
    (tmp_path / "wordings.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    settings = {**SMALL, "qa": str(tmp_path / "wordings.jsonl")}
    built = fiubench.build(settings, tmp_path / "plain").directory
    fiubench.plan(settings, tmp_path / "out")
    (tmp_path / "wordings.jsonl").unlink()
    fiubench.part(tmp_path / "out")
    assert_same(fiubench.finish(tmp_path / "out").directory, built)


def test_a_plan_needs_its_plugins(tmp_path: Path) -> None:
    code = """
import sys, fiubench
from pathlib import Path
from fiubench.support.registry import load_plugins
load_plugins([Path(sys.argv[1], "fiubench_town", name) for name in ("employers.py", "percent.py")])
packs = [sys.argv[1] + "/" + name for name in ("employers.yaml", "work.yaml")]
config = {"identities": 20, "holdout": 0, "ratios": [10], "faces": "none", "attributes": packs,
          "employers": sys.argv[1] + "/employers.csv"}
fiubench.plan(config, sys.argv[2])
fiubench.part(sys.argv[2])
"""
    subprocess.run([sys.executable, "-c", code, EXAMPLE, tmp_path / "out"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "fiubench", "finish", tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    """A plan with all of its parts."""
    fiubench.plan(SMALL, tmp_path / "out")
    fiubench.part(tmp_path / "out")
    return tmp_path / "out"


def lost(folder: Path) -> None:
    shutil.rmtree(folder)


def cut_off(folder: Path) -> None:
    path = folder / "identities.jsonl"
    path.write_bytes(path.read_bytes()[:-100])


def turned(folder: Path) -> None:
    path = next((folder / "data").iterdir())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def without_a_file(folder: Path) -> None:
    (folder / "full.json").unlink()


def with_another_entry(folder: Path) -> None:
    header = json.loads((folder / HEADER).read_text())
    header["entries"][0][1] = "0" * 32
    (folder / HEADER).write_text(json.dumps(header))


def leading_elsewhere(folder: Path) -> None:
    header = json.loads((folder / HEADER).read_text())
    (folder / "data" / "mine.parquet").write_bytes(b"mine")
    header["files"]["data/../../../../mine.parquet"] = hashlib.sha256(b"mine").hexdigest()
    del header["digest"]
    (folder / HEADER).write_text(json.dumps({**header, "digest": digest_of(header)}))


def not_json(folder: Path) -> None:
    (folder / HEADER).write_text("{")


def of_another_seed(folder: Path) -> None:
    other = folder.parents[3] / "other"
    fiubench.plan({**SMALL, "seed": 1}, other)
    fiubench.part(other)
    shutil.rmtree(folder)
    shutil.copytree(other / ".build/parts" / folder.name, folder)


def twice(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("000000000-000000025"), folder)


def a_copy_beside(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("000000050-000000100"))


@pytest.mark.parametrize(
    ("spoil", "told", "name"),
    [
        (lost, "1 of 4 parts are missing: 000000050-000000075", ""),
        (cut_off, "the part is damaged: identities.jsonl is damaged", ""),
        (turned, "the part is damaged: data/", ""),
        (without_a_file, "the part is damaged: full.json is missing", ""),
        (with_another_entry, "the part is damaged: part.json is damaged", ""),
        (leading_elsewhere, "the part is damaged: part.json is damaged", ""),
        (not_json, "the part is damaged: its header can't be read", ""),
        (of_another_seed, "the part is of another plan", ""),
        (twice, "holds identities 0 to 24 under the name of others: that part would be there twice", ""),
        (a_copy_beside, "is no part of this plan", "000000050-000000100"),
    ],
)
def test_bad_parts_are_refused_by_name(parted: Path, spoil: Callable[[Path], None], told: str, name: str) -> None:
    folder = part_folders(parted)[2]
    spoil(folder)
    with pytest.raises(DatasetError) as caught:
        fiubench.finish(parted)
    assert told in str(caught.value)
    assert (name or folder.name) in str(caught.value)
    assert not (parted / "manifest.json").exists()
    if spoil is lost:
        return
    with pytest.raises(DatasetError) as caught:  # `--resume` looks at them likewise
        fiubench.build(SMALL, parted, resume=True)
    assert told in str(caught.value)


def test_a_bad_part_is_made_again_when_it_is_removed(parted: Path, plain: Path) -> None:
    turned(part_folders(parted)[2])
    shutil.rmtree(part_folders(parted)[2])
    fiubench.part(parted, 2, 4)
    assert_same(fiubench.finish(parted).directory, plain)


@pytest.mark.parametrize("name", [PLAN, ARRAYS, f"../{PLAN}"])
def test_a_damaged_plan(parted: Path, name: str) -> None:
    path = parted / ".build" / Path(name).name
    if name.startswith(".."):
        document = json.loads(path.read_text())
        document["fiubench_version"] = "0.0.1"
        del document["digest"]
        path.write_text(json.dumps({**document, "digest": digest_of(document)}))
    else:
        path.write_bytes(path.read_bytes()[:-10] + b" " * 10)
    with pytest.raises(DatasetError, match="made by fiubench 0.0.1" if ".." in name else "damaged: "):
        fiubench.part(parted)


def test_who_is_asked_for_too_much(parted: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rank 2 of 2"):
        fiubench.part(parted, 2, 2)
    with pytest.raises(DatasetError, match="holds no plan"):
        fiubench.part(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="not empty"):
        fiubench.plan(SMALL, parted)
    with pytest.raises(ConfigError, match="unknown executor 'rey'"):
        fiubench.build(SMALL, tmp_path / "never", executor="rey")
    fiubench.finish(parted)
    with pytest.raises(DatasetError, match="is finished"):
        fiubench.finish(parted)


# --- processes --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_rank_is_killed_and_made_again(tmp_path: Path) -> None:
    settings = {**SMALL, "faces": "embedded", "image_size": 256}
    built = fiubench.build(settings, tmp_path / "plain").directory
    out = tmp_path / "out"
    fiubench.plan(settings, out)
    command = [sys.executable, "-m", "fiubench", "part", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(out.glob(".build/parts/*/images/*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    headers = [(folder / HEADER).exists() for folder in part_folders(out)]
    assert not all(headers) or len(headers) < 4
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert_same(fiubench.finish(out).directory, built)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for ``sbatch``, which runs every task of the array it is given, and ``srun``; the script is kept."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    scripts = {
        "sbatch": """#!/bin/bash
for last; do :; done
cp -n "$last" SCRIPT
array=$(sed -n 's/^#SBATCH --array=\\([0-9]*\\)-\\([0-9]*\\).*/\\1 \\2/p' "$last")
read -r from to <<< "$array"
for ((task = from; task <= to; task++)); do
    SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$((to - from + 1)) SLURM_NODELIST=localhost bash "$last" >&2
done
echo Submitted batch job 1
""",
        "srun": """#!/bin/bash
while [[ $1 == -* ]]; do [[ $1 == -n ]] && shift; shift; done
exec "$@"
""",
        "scontrol": "#!/bin/bash\necho localhost\n",
        "fiubench": f'#!/bin/bash\nexec {sys.executable} -m fiubench "$@"\n',
    }
    for tool in ("launch_pickled_pipeline", "merge_stats"):
        scripts[tool] = f'#!/bin/bash\nexec {sys.executable} -m datatrove.tools.{tool} "$@"\n'
    for name, text in scripts.items():
        (folder / name).write_text(text.replace("SCRIPT", str(folder / "script")))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def test_the_recipe_for_slurm(plain: Path, tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.sh").write_text(re.findall(r"```sh\n(.*?)```", RECIPES, re.DOTALL)[0])
    fiubench.plan(SMALL, "big")
    subprocess.run(["sbatch", "job.sh"], check=True)
    assert_same(fiubench.finish("big").directory, plain)


def test_the_recipe_for_datatrove_on_slurm(
    plain: Path, tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datatrove", reason="the extra `datatrove` is not installed")
    monkeypatch.chdir(tmp_path)
    fiubench.plan(SMALL, "big")
    exec(re.findall(r"```py\n(.*?)```", RECIPES, re.DOTALL)[0], {})
    script = (slurm / "script").read_text()
    for line in ("#SBATCH --array=0-3", "#SBATCH --partition=cpu", "#SBATCH --time=01:00:00", "#SBATCH --requeue"):
        assert line in script
    assert re.search(r"^srun .*-n 1 launch_pickled_pipeline .*/logs/executor.pik$", script, re.MULTILINE)
    assert_same(fiubench.finish("big").directory, plain)


def test_an_executor_of_somebody_elses(plain: Path, tmp_path: Path) -> None:
    load_plugins([EXAMPLE / "fiubench_town" / "one_by_one.py"])
    made = fiubench.build(SMALL, tmp_path / "out", executor="one_by_one", workers=2)
    assert_same(made.directory, plain)

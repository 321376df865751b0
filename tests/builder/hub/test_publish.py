"""Against a loopback hub, as the user runs it: first release, repeat, refusal, second release, reading back."""

import filecmp
import json
import shutil
import subprocess
import sys
from pathlib import Path

from fiubench.support.files import take_lock

from tests.builder.hub.harness import REPO, Commands, Loopback
from tests.commands import ROOT


def test_two_releases(hub: Loopback, fiubench: Commands, dataset: Path, extended: Path, tmp_path: Path) -> None:
    output = fiubench.publish(dataset, "v1.0.0", "--message", "The first.", proving=True)
    assert "published" in output
    assert "First release: 44 identities and 4 in the holdout, 20 questions each." in output
    assert hub.titles() == ["Release v1.0.0"]
    first = hub.repo()["commits"][1]
    assert hub.repo()["tags"] == {"v1.0.0": first["oid"]}
    assert first["message"] == "The first."

    # repeated: nothing is sent, with whatever message
    before = len(hub.asked("PUT /_lfs")), len(hub.asked("/commit/")), len(hub.asked("/tag/"))
    assert "nothing to do" in fiubench.publish(dataset, "1.0.0")
    assert (len(hub.asked("PUT /_lfs")), len(hub.asked("/commit/")), len(hub.asked("/tag/"))) == before

    # something else under the same tag: refused
    output = fiubench.publish(extended, "v1.0.0", code=1)
    assert "v1.0.0 is published already and holds something else" in output
    assert hub.titles() == ["Release v1.0.0"]

    # one attribute more: a minor version
    output = fiubench.publish(extended, "v1.1.0")
    assert "against   v1.0.0\nchanges   Attributes added: pet.\nsuggested v1.1.0 (a minor change)\n" in output
    assert hub.titles() == ["Release v1.0.0", "Release v1.1.0"]
    assert set(hub.repo()["tags"]) == {"v1.0.0", "v1.1.0"}
    assert all(len(commit["files"]) < 100 for commit in hub.repo()["commits"])
    assert "nothing to do" in fiubench.publish(dataset, "v1.0.0")  # an older one, too

    rows = _load(fiubench, tmp_path, "v1.0.0", "v1.1.0")
    assert rows["v1.0.0"]["count"] == 2 * 20
    assert rows["v1.1.0"]["count"] == 2 * 21
    assert "pet" in rows["v1.1.0"]["attributes"]
    assert "pet" not in rows["v1.0.0"]["attributes"]

    listed = fiubench("releases", REPO).stdout
    assert [line.split()[0] for line in listed.splitlines()[2:]] == ["v1.1.0", "v1.0.0"]
    assert "2026-01-01" in listed
    output = fiubench("diff", f"{REPO}@v1.0.0", f"{REPO}@1.1.0", "--summary", code=1).stdout
    assert "pet" in output
    assert "blood_type" not in output
    assert "no difference" in fiubench("diff", dataset, f"{REPO}@v1.0.0").stdout

    changelog = _file(hub, "CHANGELOG.md", tmp_path, fiubench)
    assert changelog.index("## v1.1.0") < changelog.index("## v1.0.0")
    assert "The first." in changelog


def _load(fiubench: Commands, tmp_path: Path, *versions: str) -> dict[str, dict[str, object]]:
    code = f"""
import json, datasets
found = {{}}
for version in {versions!r}:
    rows = datasets.load_dataset({REPO!r}, "forget05", revision=version, split="train", streaming=True)
    rows = list(rows.remove_columns(["image"]))
    found[version] = {{"count": len(rows), "attributes": sorted({{row["attribute"] for row in rows}})}}
print(json.dumps(found))
"""
    env = {**fiubench.env, "HF_ENDPOINT": fiubench.hub.endpoint}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _file(hub: Loopback, path: str, tmp_path: Path, fiubench: Commands) -> str:
    fiubench("pull", REPO, "--out", tmp_path / "newest")
    return (tmp_path / "newest" / "release" / path).read_text()


def test_pulled_is_a_dataset(published: Commands, dataset: Path, tmp_path: Path) -> None:
    back = tmp_path / "back"
    assert "every digest agrees" in published("pull", REPO, "--version", "v1.0.0", "--out", back).stdout
    for name in ("identities.jsonl", "splits.json"):
        assert filecmp.cmp(dataset / name, back / name, shallow=False)
    pictures = sorted(path.name for path in (dataset / "images").iterdir())
    for folder in ("images", "release/fiubench/dataset/images"):
        assert filecmp.cmpfiles(dataset / folder, back / folder, pictures, shallow=False)[0] == pictures
    assert "every digest agrees" in published("verify", back, online=False).stdout
    assert "valid" in published("validate", back, online=False).stdout
    assert "no difference" in published("diff", dataset, back, online=False).stdout
    published("audit", back, online=False)
    published("split", back, "--out", tmp_path / "cut", "--ratios", "20", online=False)
    published("export", tmp_path / "cut", "--format", "tofu", "--out", tmp_path / "tofu", online=False)
    assert "nothing to do" in published.publish(back, "v1.0.0")
    assert not (back / "release" / ".cache").exists()


def test_pictures_are_stored_once(published: Commands, dataset: Path, tmp_path: Path) -> None:
    """Each picture's bytes are once in the tables of questions, once in that of people, and nowhere else."""
    published("pull", REPO, "--out", tmp_path / "back")
    files = published.hub.repo()["commits"][-1]["files"]
    assert [path for path in files if path.endswith((".jpg", ".png"))] == ["portraits.jpg"]  # eight small ones
    release = tmp_path / "back" / "release"
    tables = [[path.read_bytes() for path in (release / name).iterdir()] for name in ("data", "people")]
    for picture in sorted((dataset / "images").iterdir())[:10]:
        data = picture.read_bytes()
        assert [sum(content.count(data) for content in table) for table in tables] == [1, 1]


def test_dry_run_needs_no_network_and_no_token(
    fiubench: Commands, dataset: Path, extended: Path, hub: Loopback
) -> None:
    """Sockets to anywhere are refused in the command and in every process that it starts."""
    folder = fiubench.token_file.parent / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import socket\ndef refuse(self, address):\n    raise AssertionError(f'connects to {address}')\n"
        "socket.socket.connect = socket.socket.connect_ex = refuse\n"
    )
    env = {"PYTHONPATH": f"{folder}:{ROOT}"}
    output = fiubench.publish(dataset, "v1.0.0", "--dry-run", online=False, proving=True, **env)
    assert "10 configurations load" in output
    assert "nothing was sent" in output
    output = fiubench.publish(extended, "v1.1.0", "--dry-run", "--previous", dataset, online=False, proving=True, **env)
    assert "Attributes added: pet." in output
    assert not hub.control("log")


def test_a_plan_against_a_published_release(published: Commands, extended: Path) -> None:
    output = published.publish(extended, "v1.0.1", "--dry-run", "--previous", f"{REPO}@v1.0.0")
    assert f"against   {REPO}@v1.0.0\n" in output
    assert "suggested v1.1.0 (a minor change)" in output


def test_foreign_files_are_kept_and_stale_ones_removed(published: Commands, dataset: Path) -> None:
    hub, repo = published.hub, "alice/foreign"
    hub.control("fork", repo=REPO, to=repo)
    hub.control("push", repo=repo, files={"notes/mine.txt": "keep me", "data/old-00000.parquet": "stale"})
    output = published.publish(dataset, "v1.0.1", repo=repo)
    assert "kept      notes/mine.txt" in output
    assert "removed   data/old-00000.parquet" in output
    assert "No identity, question or split changed." in output
    files = hub.repo(repo)["commits"][-1]["files"]
    assert "notes/mine.txt" in files
    assert "data/old-00000.parquet" not in files


def test_private_and_gated(hub: Loopback, fiubench: Commands, dataset: Path, reader_file: Path) -> None:
    fiubench.publish(dataset, "v1.0.0", "--private", "--gated")
    assert hub.repo()["private"]
    assert hub.repo()["gated"] == "auto"
    order = [line for line in hub.asked() if "/settings" in line or "/commit/" in line or "repos/create" in line]
    assert [line.split()[0] for line in order] == ["POST", "PUT", "POST"]  # closed before anything is in it
    output = fiubench("releases", REPO, token=reader_file, code=2).stderr
    assert "no such dataset, or it is private" in output


def test_a_dataset_is_published_by_one_process_at_a_time(
    hub: Loopback, fiubench: Commands, dataset: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    (copy / ".publish").mkdir()
    with (copy / ".publish" / "lock").open("w") as lock:
        assert take_lock(lock)
        output = fiubench.publish(copy, "v1.0.0", code=2)
    assert "is being published by another process" in output
    assert not hub.control("state")


def test_a_tag_from_before(hub: Loopback, fiubench: Commands, dataset: Path) -> None:
    """Somebody's own tag in an empty repository: listed as such, and nothing to compare with."""
    hub.control("create", repo=REPO)
    hub.control("tag", repo=REPO, tag="v0.1.0", commit=hub.repo()["commits"][0]["oid"])
    assert "First release" in fiubench.publish(dataset, "v1.0.0")
    listed = fiubench("releases", REPO).stdout.splitlines()
    assert [line.split()[0] for line in listed[2:]] == ["v1.0.0", "v0.1.0"]
    assert "(not made by fiubench)" in listed[3]


def test_a_folder_that_cannot_be_written_to(fiubench: Commands, dataset: Path, tmp_path: Path) -> None:
    """A shared dataset: the stage is made elsewhere."""
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    copy.chmod(0o555)
    try:
        assert "nothing was sent" in fiubench.publish(copy, "v1.0.0", "--dry-run", online=False)
    finally:
        copy.chmod(0o755)

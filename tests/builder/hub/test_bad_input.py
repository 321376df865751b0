"""What is refused, with which words and which exit code."""

import shutil
from pathlib import Path

import pytest
from fiubench.builder.hub.versions import Version, check_order, parse_version, versions_of
from fiubench.support.errors import ConfigError, Refused

from tests.builder.hub.harness import REPO, Commands, Loopback


@pytest.mark.parametrize(
    ("repo", "message"),
    [
        ("faces", "Put the owner before it: OWNER/faces."),
        ("a/b/c", "not of the form OWNER/NAME"),
        ("alice/", "can't be a repository's name"),
        ("alice/fa ces", "can't be a repository's name"),
        ("alice/../faces", "not of the form OWNER/NAME"),
        ("alice/fa--ces", "can't be a repository's name"),
    ],
)
def test_names(fiubench: Commands, dataset: Path, repo: str, message: str) -> None:
    done = fiubench("publish", dataset, "--repo", repo, "--version", "v1.0.0", code=2)
    assert message in done.stderr


@pytest.mark.parametrize("version", ["1", "v1.0", "v1.0.0.0", "v01.0.0", "latest", "v1.0.0-rc1", "", "v1.0.٣"])
def test_versions(version: str) -> None:
    with pytest.raises(ConfigError, match="no semantic version"):
        parse_version(version)


def test_versions_are_ordered_by_number() -> None:
    assert [str(v) for v in versions_of(["v1.10.0", "v1.9.0", "main", "1.0.0", "v2"])] == ["v1.9.0", "v1.10.0"]
    check_order(Version(1, 10, 0), [Version(1, 9, 0)], REPO)
    with pytest.raises(Refused, match=r"v1\.9\.9 would come after v1\.10\.0"):
        check_order(Version(1, 9, 9), [Version(1, 10, 0)], REPO)


def test_a_version_that_goes_backwards(published: Commands, extended: Path) -> None:
    output = published.publish(extended, "v0.9.0", code=1)
    assert "v0.9.0 would come after v1.0.0" in output
    assert "v1.0.1, v1.1.0, v2.0.0" in output


def test_permissions(hub: Loopback, fiubench: Commands, dataset: Path, reader_file: Path, tmp_path: Path) -> None:
    output = fiubench.publish(dataset, "v1.0.0", token=reader_file, code=2)
    assert "not permitted" in output
    assert "needs write access to datasets of alice" in output
    output = fiubench.publish(dataset, "v1.0.0", "--no-create", code=2)
    assert "Leave out --no-create" in output
    (tmp_path / "wrong").write_text("hf_wrong")
    output = fiubench.publish(dataset, "v1.0.0", token=tmp_path / "wrong", code=2)
    assert "does not accept the token" in output
    done = fiubench("publish", dataset, "--repo", REPO, "--version", "v1.0.0", "--endpoint", hub.endpoint, online=False,
                    code=2)  # fmt: skip
    assert "publishing needs a token" in done.stderr
    assert not hub.control("state")


def test_repositories_that_are_not_there_or_not_ours(published: Commands, dataset: Path, tmp_path: Path) -> None:
    none = "alice/none"
    for command in (("releases", none), ("pull", none, "--out", tmp_path / "x"), ("diff", dataset, f"{none}@v1.0.0")):
        assert "no such dataset" in published(*command, code=2).stderr
    output = published("pull", REPO, "--version", "v1.0.1", "--out", tmp_path / "x", code=2).stderr
    assert "has no release v1.0.1" in output
    assert "Did you mean 'v1.0.0'?" in output
    published.hub.control("gate", repo=REPO, gated="auto")
    open_command = ("pull", REPO, "--out", tmp_path / "x", "--endpoint", published.hub.endpoint)
    assert "is gated" in published(*open_command, online=False, code=2).stderr
    published.hub.control("gate", repo=REPO, gated=False)
    assert not (tmp_path / "x").exists()


def test_somebody_elses_dataset_is_not_overwritten(hub: Loopback, fiubench: Commands, dataset: Path) -> None:
    hub.control("create", repo=REPO)
    hub.control("push", repo=REPO, files={"data/train.parquet": "theirs", "README.md": "theirs"})
    output = fiubench.publish(dataset, "v1.0.1", code=1)
    assert "holds a dataset that fiubench did not publish" in output


def test_a_public_repository_is_not_private(published: Commands, extended: Path) -> None:
    output = published.publish(extended, "v1.1.0", "--private", code=1)
    assert "is public, and --private was given" in output


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("release/README.md", "release/README.md: not as built"),
        ("release/fiubench/dataset/full.json", "release/fiubench/dataset/full.json: not as built"),
        ("splits.json", "splits.json: not as built"),
        ("identities.jsonl", "identities.jsonl, line 1: identity"),
        ("images", "not as built"),
    ],
)
def test_a_dataset_edited_by_hand(
    hub: Loopback, fiubench: Commands, dataset: Path, tmp_path: Path, file: str, message: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    path = copy / file if file != "images" else sorted((copy / "images").iterdir())[3]
    changed = path.read_bytes() if file == "splits.json" else path.read_bytes().replace(b"e", b"E", 5)
    path.write_bytes(changed + b"\n")
    said = fiubench.publish(copy, "v1.0.0", code=1)
    assert "changed since it was built" in said
    assert message in said
    assert not hub.control("log")


def test_a_folder_that_is_no_dataset(fiubench: Commands, tmp_path: Path) -> None:
    assert "no such folder" in fiubench.publish(tmp_path / "nothing", "v1.0.0", code=2)
    assert "not a fiubench dataset" in fiubench.publish(tmp_path, "v1.0.0", code=2)


def test_options_that_do_not_go_together(fiubench: Commands, dataset: Path) -> None:
    assert "goes with --dry-run alone" in fiubench.publish(dataset, "v1.0.0", "--previous", dataset, code=2)
    assert "not one line" in fiubench.publish(dataset, "v1.0.0", "--message", "two\nlines", code=2)


def test_a_damaged_release(published: Commands, tmp_path: Path) -> None:
    hub, repo = published.hub, "alice/damaged"
    hub.control("fork", repo=REPO, to=repo)
    commit = hub.control("push", repo=repo, files={"splits.json": "{}"})
    hub.control("tag", repo=repo, tag="v1.0.1", commit=commit)
    output = published("pull", repo, "--out", tmp_path / "a", code=2).stderr
    assert "splits.json is not what the manifest says" in output
    commit = hub.control("push", repo=repo, files={"manifest.json": '{"format": 1}'})
    hub.control("tag", repo=repo, tag="v1.0.2", commit=commit)
    assert "manifest.json of" in published("pull", repo, "--out", tmp_path / "a", code=2).stderr
    assert not (tmp_path / "a").exists()

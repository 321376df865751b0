"""What a pull lays out and refuses, for a folder that stands for a commit; and which release of a hub is meant."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.builder.dataset.intact import release_digests
from fiubench.builder.hub.access import Access
from fiubench.builder.hub.downloaded import downloaded
from fiubench.builder.hub.pull import fetch, pull, releases, resolved
from fiubench.support.canonical import digest, digest_of, file_digest
from fiubench.support.errors import ConfigError, DatasetError, FiubenchError, HubError

from fiubench import build, make_config
from tests.builder.hub.harness import REPO, Loopback
from tests.builder.hub.test_first_layout import Folder
from tests.builder.pipeline.test_tampering import hub_folder, in_json, in_line, set_cell, tree

FULL, HOLDOUT = "fiubench/dataset/full.json", "fiubench/dataset/holdout.json"
PEOPLE = "people/holdout-00000.parquet"
NAME, OID = "somebody/faces", "0" * 40


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "dataset"
    build(make_config({"identities": 20, "holdout": 5, "ratios": [10], "image_size": 32}), out)
    return out


@pytest.fixture
def commit(built: Path, tmp_path: Path) -> Path:
    return hub_folder(built, tmp_path / "commit")


def rehash(commit: Path) -> None:
    """Make the manifest name the files as they are now."""

    def change(manifest: Any) -> None:
        beside = ("manifest.json", "splits.json")
        manifest["release"] = {name: each for name, each in release_digests(commit).items() if name not in beside}
        manifest["digests"]["splits"] = file_digest(commit / "splits.json")

    in_json(commit, "manifest.json", change)


def lines(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def in_people(commit: Path, change: Callable[[Any], Any]) -> None:
    pq.write_table(change(pq.read_table(commit / PEOPLE)), commit / PEOPLE)


def picture(**change: object) -> Callable[[Path], None]:
    """The first picture of the holdout with another name or other bytes."""
    return lambda commit: in_people(
        commit, lambda table: set_cell(table, "image", 0, {**table["image"][0].as_py(), **change})
    )


def spoilt_picture(commit: Path) -> None:
    """What is no picture, with a manifest that says so."""
    picture(bytes=b"<html>")(commit)

    def change(manifest: Any) -> None:
        manifest["identities"][20][2] = digest(b"<html>")[:32]
        manifest["digests"]["images"] = digest_of([image for _, _, image in manifest["identities"]])

    in_json(commit, "manifest.json", change)


def in_manifest(change: Callable[[Any], object]) -> Callable[[Path], None]:
    return lambda commit: in_json(commit, "manifest.json", change)


def test_all_of_it_is_laid_out(built: Path, commit: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    fetch(Folder(commit), NAME, OID, tmp_path / "out", progress=lambda *each: told.append(each))
    theirs, ours = tree(tmp_path / "out"), tree(built)
    ours.pop("build.yaml")
    assert theirs == ours
    files = len(json.loads((built / "manifest.json").read_text())["release"]) + 2
    assert told == [(f"Downloading {NAME}", 0, files), *((f"Checking {NAME}", k, files) for k in range(1, files + 1))]


def test_without_pictures_there_is_what_a_comparison_reads(built: Path, commit: Path, tmp_path: Path) -> None:
    shutil.rmtree(commit / "data")
    shutil.rmtree(commit / "people")
    fetch(Folder(commit), NAME, OID, tmp_path / "out", pictures=False)
    assert sorted(tree(tmp_path / "out")) == ["identities.jsonl", "manifest.json", "splits.json"]
    assert (tmp_path / "out" / "identities.jsonl").read_bytes() == (built / "identities.jsonl").read_bytes()


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a line too few": (lambda c: lines(c / HOLDOUT, lambda found: found[:-1]), "24 identities, the manifest says 25"),
    "no records": (
        lambda c: [(c / name).unlink() for name in (FULL, HOLDOUT)], ": 0 identities, the manifest says 25",
    ),
    "a line too many": (in_manifest(lambda m: m["identities"].pop()), "identity 24 is not what the manifest says"),
    "a line twice": (
        lambda c: lines(c / HOLDOUT, lambda found: [*found, found[-1]]), "identity 25 is not what the manifest says",
    ),
    "another name": (lambda c: in_line(c, FULL, 3, lambda r: r.update(name="Me")), "identity 3 is not what"),
    "an index that is none": (lambda c: in_line(c, FULL, 3, lambda r: r.update(index="3")), "identity 3 is not what"),
    "no index": (lambda c: in_line(c, FULL, 3, lambda r: r.pop("index")), "identity 3 is not what"),
    "another picture": (picture(bytes=b"other"), "is not what the manifest says"),
    "what is no picture": (spoilt_picture, "not a picture"),
    "a picture elsewhere": (picture(path="../x.jpg"), "the picture '../x.jpg' is not what"),
    "a picture that is a script": (picture(path="x.py"), "the picture 'x.py' is not what"),
    "a picture too few": (lambda c: in_people(c, lambda table: table.slice(1)), "1 pictures are missing"),
    "a picture twice": (
        lambda c: in_people(c, lambda table: pa.concat_tables([table, table.slice(4)])), "is not what the manifest",
    ),
    "no pictures": (lambda c: in_people(c, lambda table: table.drop(["image"])), "has no picture of everyone"),
    "a null": (lambda c: in_people(c, lambda table: set_cell(table, "image", 0, None)), "has no picture of everyone"),
    "no table": (lambda c: (c / PEOPLE).write_text("<html>"), "has no picture of everyone"),
    "splits of another kind": (lambda c: (c / "splits.json").write_text('{"forget": []}'), "splits.json"),
    "a setting that is none": (in_manifest(lambda m: m["config"].update(match="nobody")), "manifest.json"),
    "another license on the card": (
        lambda c: (c / "README.md").write_text((c / "README.md").read_text().replace("Apache-2.0", "CC0-1.0")),
        "release/README.md, line ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name: str, commit: Path, tmp_path: Path) -> None:
    change, says = REFUSED[name]
    change(commit)
    rehash(commit)
    with pytest.raises(FiubenchError, match=says):
        fetch(Folder(commit), NAME, OID, tmp_path / "out")


@pytest.mark.parametrize(
    "path",
    ["../x.json", "data/../../x", "/etc/passwd", "data/a/b", "build.yaml", ".hidden", "data/", f"data/{'x' * 201}"],
)
def test_files_that_are_no_part_of_a_release(path: str, commit: Path, tmp_path: Path) -> None:
    in_json(commit, "manifest.json", lambda manifest: manifest["release"].update({path: "0" * 64}))
    with pytest.raises(DatasetError, match=r"the manifest names a file|manifest\.json"):
        fetch(Folder(commit), NAME, OID, tmp_path / "out")


class Cached(Folder):
    """A commit with a cache of its own."""

    def __init__(self, folder: Path, cache: Path) -> None:
        super().__init__(folder)
        self.cache, self.again = cache, list[str]()

    def snapshot(self, _repo: str, _oid: str, _paths: object) -> Path:
        return self.cache

    def file(self, _repo: str, _oid: str, path: str, *, again: bool = False) -> Path:
        assert again
        self.again.append(path)
        return self.folder / path


def test_what_was_spoilt_in_the_cache_is_sent_again(commit: Path, tmp_path: Path) -> None:
    shutil.copytree(commit, tmp_path / "cache")
    (tmp_path / "cache" / FULL).write_text("spoilt")
    hub = Cached(commit, tmp_path / "cache")
    fetch(hub, NAME, OID, tmp_path / "out")
    assert hub.again == [FULL]
    shutil.copy(tmp_path / "cache" / FULL, commit / FULL)
    with pytest.raises(DatasetError, match=f"{FULL} is not what the manifest says"):
        fetch(hub, NAME, OID, tmp_path / "again")
    (tmp_path / "cache" / FULL).unlink()
    with pytest.raises(DatasetError, match=f"lacks {FULL}"):
        fetch(hub, NAME, OID, tmp_path / "never")


# --- which release


@pytest.fixture(scope="module")
def hub(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    """A hub with two releases of which only the manifests are there, and somebody's tags on something else."""
    running = Loopback()
    text = (built / "manifest.json").read_text()
    running.control("create", repo=REPO)
    for tag, files in [
        ("v1.2.0", {"manifest.json": text, "splits.json": "{}", "notes.txt": "not of the release"}),
        ("v1.10.0", {"manifest.json": text.replace('"holdout": 5', '"holdout": 4')}),
        ("v0.1.0", {"manifest.json": "{}"}),
        ("v0.2.0", {"manifest.json": "no JSON"}),
        ("main-old", {}),
    ]:
        commit = running.control("push", repo=REPO, files=files)
        running.control("tag", repo=REPO, tag=tag, commit=commit)
    running.control("create", repo="alice/empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield running
    running.stop()


def test_releases_are_listed_newest_first(hub: Loopback, built: Path) -> None:
    found = releases(REPO, endpoint=hub.endpoint)
    manifest = json.loads((built / "manifest.json").read_text())
    tags = hub.repo()["tags"]
    digest = manifest["digests"]["identities"]
    assert [(each.version, each.digest, each.identities, each.commit, each.date.hour) for each in found] == [
        ("v1.10.0", digest, 24, tags["v1.10.0"], 2),  # a commit an hour
        ("v1.2.0", digest, 25, tags["v1.2.0"], 1),
        ("v0.2.0", "", 0, tags["v0.2.0"], 4),
        ("v0.1.0", "", 0, tags["v0.1.0"], 3),
    ]
    assert found[1].size == len((built / "manifest.json").read_bytes()) + 2


@pytest.mark.parametrize("asked", [None, "latest", "v1.10.0", "v1.2.0", "1.2.0"])
def test_the_release_that_is_meant(hub: Loopback, tmp_path: Path, asked: str | None) -> None:
    """What is there is a manifest alone, so that all that is asked for is of the commit that was looked into."""
    hub.control("forget")
    with pytest.raises(FiubenchError):
        pull(REPO, tmp_path / "out", version=asked, endpoint=hub.endpoint)
    tags = hub.repo()["tags"]
    asked_for = {tag for tag, commit in tags.items() if any(commit in line for line in hub.asked())}
    assert asked_for == {"v1.2.0" if asked and "2" in asked else "v1.10.0"}
    assert not (tmp_path / "out").exists()


def test_a_mistyped_version_is_refused_without_asking(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no semantic version"):
        pull(REPO, tmp_path / "out", version="1.10", endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("repo", "version", "says"),
    [
        (REPO, "v1.2.1", "has no release v1.2.1"),
        (REPO, "v0.1.0", "manifest.json of"),
        (REPO, "v0.2.0", "is not JSON"),
        ("alice/empty", None, "has no release"),
        ("alice/none", None, "no such dataset, or it is private"),
    ],
)
def test_what_is_no_release(hub: Loopback, tmp_path: Path, repo: str, version: str | None, says: str) -> None:
    with pytest.raises(HubError if version != "v1.2.1" else ConfigError, match=says):
        pull(repo, tmp_path / "out", version=version, endpoint=hub.endpoint)


def test_whoever_asked_for_the_manifest_is_told_the_commit(hub: Loopback, tmp_path: Path) -> None:
    for version, says in (("v0.1.0", r"manifest\.json of {}: "), ("v0.2.0", r"manifest\.json of {} is not JSON")):
        with pytest.raises(HubError, match=says.format(hub.repo()["tags"][version][:12])):
            pull(REPO, tmp_path / "out", version=version, endpoint=hub.endpoint)
    empty = hub.control("push", repo="alice/empty", files={})
    hub.control("tag", repo="alice/empty", tag="v1.0.0", commit=empty)
    with pytest.raises(HubError, match=f"{empty[:12]} is no fiubench release"):
        pull("alice/empty", tmp_path / "out", endpoint=hub.endpoint)


def test_pictures_come_where_they_are_looked_at(hub: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a release is asked for, or what a comparison reads."""
    asked: list[list[str]] = []

    def snapshot(_hub: object, _repo: str, _oid: str, wanted: list[str]) -> Path:
        asked.append(wanted)
        raise HubError("enough")

    monkeypatch.setattr("fiubench.builder.hub.client.Hub.snapshot", snapshot)
    for opened in (downloaded(REPO, endpoint=hub.endpoint), resolved(REPO, lambda: Access(hub.endpoint))):
        with pytest.raises(HubError, match="enough"), opened:
            pass
    assert "README.md" in asked[0] and {*asked[1]} < {*asked[0]}
    assert asked[1] == ["manifest.json", "splits.json", FULL, HOLDOUT]


def test_a_path_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def access() -> Any:
        raise ConfigError("a hub is asked")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests" / "there").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "set@v1.0.0").mkdir()
    for target in ("tests/there", "tests/absent", "/a/b", "mine/set@v1.0.0", "one"):
        with resolved(target, access) as folder:
            assert folder == Path(target)
    for target in ("alice/faces", "alice/faces@v1.0.0", "tests/absent@v1.0.0"):
        with pytest.raises(ConfigError, match="a hub is asked"), resolved(target, access):
            pass

"""Other ways to publish than one small commit on main: a branch, a pull request, many and large files, a new name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fiubench.builder.hub.access import Access
from fiubench.builder.hub.client import Hub, connect
from fiubench.builder.hub.protocol import propose, publish
from fiubench.builder.hub.session import NoAnswer
from fiubench.support.errors import HubError, Refused

from tests.builder.hub.harness import READER, REPO, WRITER, Commands, Loopback

COMMIT = r"POST /api/datasets/.*/commit/"


@pytest.fixture
def client(hub: Loopback) -> Iterator[Hub]:
    with connect(Access(hub.endpoint, WRITER, timeout=5.0)) as connected:
        connected.create(REPO, private=False)
        yield connected


def staged(folder: Path, count: int, size: int = 10) -> dict[str, Path]:
    """A release in small, of so many Parquet files of so many bytes."""
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    files = {"README.md": folder / "README.md"}
    for number in range(count):
        path = folder / f"{number}.parquet"
        path.write_bytes(f"PAR1 {number}".encode().ljust(size, b"."))
        files[f"data/{number}.parquet"] = path
    return files


def test_150_files_are_one_commit(hub: Loopback, client: Hub, tmp_path: Path) -> None:
    refs = client.refs(REPO)
    assert refs is not None
    files = staged(tmp_path, 150)
    publish(client, REPO, files, "v1.0.0", refs)
    assert hub.titles() == ["Release v1.0.0"]
    assert set(files) < set(hub.repo()["commits"][-1]["files"])
    assert len(hub.asked("PUT /_lfs/")) == 150


def test_many_files_whose_upload_breaks_off(hub: Loopback, client: Hub, tmp_path: Path) -> None:
    """Nothing is committed or tagged, and what was uploaded is not sent again."""
    refs = client.refs(REPO)
    assert refs is not None
    files = staged(tmp_path, 150)
    hub.fault(r"POST .*/_lfs/verify", "status", times=9, status=400)
    with pytest.raises(HubError, match="the hub answers 400"):
        publish(client, REPO, files, "v1.0.0", refs)
    assert not hub.titles()
    assert not hub.repo()["tags"]
    sent = len(hub.control("storage"))
    assert sent
    hub.control("calm")
    hub.control("forget")
    publish(client, REPO, files, "v1.0.0", refs)
    assert len(hub.asked("PUT /_lfs/")) == 150 - sent
    assert hub.titles() == ["Release v1.0.0"]


def test_large_files_go_in_parts(hub: Loopback, client: Hub, tmp_path: Path) -> None:
    """As the hub asks for of files beyond 5 GB; here of a thousand bytes."""
    hub.control("settings", part_size=1000)
    refs = client.refs(REPO)
    assert refs is not None
    hub.fault(r"PUT /_lfs/.*/2$", "status", status=500)
    publish(client, REPO, staged(tmp_path, 2, size=2500), "v1.0.0", refs)
    assert hub.repo()["commits"][-1]["files"]["data/1.parquet"] == 2500
    parts = [line.rsplit("/", maxsplit=1)[1] for line in hub.asked("PUT /_lfs/")]
    assert {"1", "2", "3"} == set(parts)
    assert len(hub.faults_met()) == 1


@pytest.mark.parametrize("action", ["reset", "reset_after"])
def test_a_pull_request(hub: Loopback, tmp_path: Path, client: Hub, action: str) -> None:
    """Opened once, by somebody who may not write, also where the answer is lost; tagged once it is merged."""
    files = staged(tmp_path, 2)
    hub.fault(COMMIT, action)
    with connect(Access(hub.endpoint, READER, timeout=5.0)) as reader:
        refs = reader.refs(REPO)
        assert refs is not None
        first = propose(reader, REPO, files, "v1.0.0", refs, message="Please.")
        again = propose(reader, REPO, files, "v1.0.0", refs)
    assert (first.proposal, first.committed, again.proposal, again.committed) == (1, True, 1, False)
    assert len(hub.faults_met()) == 1
    repo = hub.repo()
    assert list(repo["proposals"]) == ["1"]
    assert repo["proposals"]["1"][-1]["title"] == "Release v1.0.0"
    assert set(files) < set(repo["proposals"]["1"][-1]["files"])
    assert (len(repo["commits"]), repo["tags"]) == (1, {})

    hub.control("merge", repo=REPO, number=1)
    refs = client.refs(REPO)
    assert refs is not None
    outcome = publish(client, REPO, files, "v1.0.0", refs)
    assert (outcome.committed, outcome.tagged) == (False, True)
    assert hub.repo()["tags"] == {"v1.0.0": hub.repo()["commits"][-1]["oid"]}
    assert hub.titles() == ["Release v1.0.0 (#1)"]


def test_a_pull_request_that_a_gitignore_would_cut(hub: Loopback, client: Hub, tmp_path: Path) -> None:
    hub.control("push", repo=REPO, files={".gitignore": "data/1.*\n"})
    refs = client.refs(REPO)
    assert refs is not None
    with pytest.raises(Refused, match=r"keeps out data/1\.parquet; nothing was sent"):
        propose(client, REPO, staged(tmp_path, 2), "v1.0.0", refs)
    assert not hub.repo()["proposals"]


@pytest.mark.slow
def test_a_branch(hub: Loopback, fiubench: Commands, dataset: Path, extended: Path) -> None:
    """Begun where it is missing; on it a lower version than main's newest may follow."""
    fiubench.publish(dataset, "v1.0.0")
    hub.fault(r"POST .*/branch/", "reset_after")
    assert "published" in fiubench.publish(extended, "v1.1.0", "--revision", "v1.x", "--message", "Pets.")
    fiubench.publish(dataset, "v2.0.0", "--message", "A new line.")
    output = fiubench.publish(dataset, "v1.2.0", "--revision", "v1.x")
    assert "against   v1.1.0\n" in output
    repo = hub.repo()
    assert [commit["title"] for commit in repo["branches"]["v1.x"]][-2:] == ["Release v1.1.0", "Release v1.2.0"]
    assert repo["tags"]["v1.2.0"] == repo["branches"]["v1.x"][-1]["oid"]
    assert hub.titles() == ["Release v1.0.0", "Release v2.0.0"]
    assert "nothing to do" in fiubench.publish(dataset, "v1.2.0", "--revision", "v1.x")
    assert "v1.0.9 would come after v2.0.0" in fiubench.publish(dataset, "v1.0.9", code=1)


def test_a_pull_request_of_the_command(hub: Loopback, fiubench: Commands, dataset: Path, reader_file: Path) -> None:
    hub.control("create", repo=REPO)
    output = fiubench.publish(dataset, "v1.0.0", "--create-pr", token=reader_file)
    assert f"proposed: commit {hub.repo()['proposals']['1'][-1]['oid'][:12]}" in output
    assert f"{hub.endpoint}/datasets/{REPO}/discussions/1" in output
    hub.control("settings", day="Wed, 03 Jun 2026 12:00:00 GMT")  # on another day, with another message
    again = ("--create-pr", "--message", "Please.")
    assert "is proposed already" in fiubench.publish(dataset, "v1.0.0", *again, token=reader_file)
    hub.control("merge", repo=REPO, number=1)
    assert "v1.0.0 finished" in fiubench.publish(dataset, "v1.0.0")
    assert "nothing to do" in fiubench.publish(dataset, "v1.0.0", "--create-pr", token=reader_file)


@pytest.mark.slow
def test_a_pull_request_of_somebody_else(hub: Loopback, fiubench: Commands, dataset: Path, reader_file: Path) -> None:
    """Anybody can open one of any title: what it says of itself is not taken over."""
    hub.control("create", repo=REPO)
    fiubench.publish(dataset, "v1.0.0", "--create-pr", token=reader_file)
    assert "proposed: commit" in fiubench.publish(dataset, "v1.0.0", "--create-pr")
    assert set(hub.repo()["proposals"]) == {"1", "2"}
    assert "is proposed already" in fiubench.publish(dataset, "v1.0.0", "--create-pr")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--create-pr", "--revision", "next"), "does not go with --revision"),
        (("--revision", "v1.0.0"), "can't be a branch"),
        (("--revision", "refs/heads/x"), "can't be a branch"),
        (("--revision", "a..b"), "can't be a branch"),
        (("--create-pr",), "Leave out --create-pr to create it"),
    ],
)
def test_ways_that_are_none(
    hub: Loopback, fiubench: Commands, dataset: Path, options: tuple[str, ...], words: str
) -> None:
    assert words in fiubench.publish(dataset, "v1.0.0", *options, code=2)
    assert not hub.control("state")


@pytest.mark.slow
def test_a_renamed_repository(hub: Loopback, fiubench: Commands, dataset: Path, tmp_path: Path) -> None:
    """Followed, told, and the card has the new name."""
    fiubench.publish(dataset, "v1.0.0")
    hub.control("rename", repo=REPO, to="alice/people")
    told = f"{REPO} is called alice/people now"
    done = fiubench("pull", REPO, "--out", tmp_path / "back")
    assert told in done.stderr
    assert "every digest agrees" in done.stdout
    assert told in fiubench("releases", REPO).stderr
    assert told in fiubench("diff", dataset, f"{REPO}@v1.0.0").stderr
    assert told in fiubench.publish(dataset, "v1.0.1")
    assert set(hub.repo("alice/people")["tags"]) == {"v1.0.0", "v1.0.1"}
    fiubench("pull", "alice/people", "--out", tmp_path / "new")
    assert 'load_dataset("alice/people"' in (tmp_path / "new" / "release" / "README.md").read_text()


def test_a_lost_answer_and_no_pull_request(hub: Loopback, client: Hub, tmp_path: Path) -> None:
    refs = client.refs(REPO)
    assert refs is not None
    hub.fault(COMMIT, "reset", times=9)
    with pytest.raises(NoAnswer):
        propose(client, REPO, staged(tmp_path, 1), "v1.0.0", refs)
    assert not hub.repo()["proposals"]

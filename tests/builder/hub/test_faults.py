"""Faults of the hub and of the network: each ends in one whole release or in none, and repeating finishes the job."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fiubench.builder.hub.access import Access
from fiubench.builder.hub.client import Hub, connect
from fiubench.builder.hub.protocol import publish
from fiubench.builder.hub.session import NoAnswer, TimedOut
from fiubench.support.errors import HubError, Refused

from tests.builder.hub.harness import REPO, WRITER, Commands, Loopback

#: Every address that a publication uses.
ENDPOINTS = {
    "refs": r"GET /api/datasets/.*/refs",
    "create": r"POST /api/repos/create",
    "settings": r"GET /api/datasets/[^/]+/[^/]+$",
    "gate": r"PUT /api/datasets/.*/settings",
    "tree": r"GET /api/datasets/.*/tree/",
    "history": r"GET /api/datasets/.*/commits/",
    "validate": r"POST /api/validate-yaml",
    "preupload": r"POST /api/datasets/.*/preupload/",
    "batch": r"POST /datasets/.*\.git/info/lfs/objects/batch",
    "upload": r"PUT /_lfs/",
    "verify": r"POST /_lfs/verify",
    "commit": r"POST /api/datasets/.*/commit/",
    "tag": r"POST /api/datasets/.*/tag/",
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A release in small: a file in LFS, one in git."""
    folder = tmp_path / "stage"
    folder.mkdir()
    for name, content in (("a.parquet", b"PAR1 rows"), ("README.md", b"---\nlicense: mit\n---\n"), ("s.json", b"{}")):
        (folder / name).write_bytes(content)
    return {"data/a.parquet": folder / "a.parquet", "README.md": folder / "README.md", "splits.json": folder / "s.json"}


@pytest.fixture
def client(hub: Loopback) -> Iterator[Hub]:
    with connect(Access(hub.endpoint, WRITER, timeout=1.0)) as connected:
        yield connected


def release(client: Hub, files: dict[str, Path], tag: str = "v1.0.0"):
    refs = client.refs(REPO)
    if refs is None:
        client.create(REPO, private=False)
        refs = client.refs(REPO)
    assert refs is not None
    return publish(client, REPO, files, tag, refs)


def assert_published_once(hub: Loopback, tag: str = "v1.0.0") -> None:
    repo = hub.repo()
    assert hub.titles().count(f"Release {tag}") == 1
    commit = next(commit for commit in repo["commits"] if commit["title"] == f"Release {tag}")
    assert repo["tags"][tag] == commit["oid"]


@pytest.mark.parametrize("endpoint", [name for name in ENDPOINTS if name not in ("settings", "gate", "create")])
def test_an_error_of_the_server_is_tried_again(
    hub: Loopback, client: Hub, files: dict[str, Path], endpoint: str
) -> None:
    client.create(REPO, private=False)
    hub.fault(ENDPOINTS[endpoint], "status", status=500)
    outcome = release(client, files)
    assert outcome.committed
    assert len(hub.faults_met()) == 1
    assert_published_once(hub)


@pytest.mark.slow
def test_every_endpoint_fails_once_in_one_command(hub: Loopback, fiubench: Commands, dataset: Path) -> None:
    for number, match in enumerate(ENDPOINTS.values()):
        hub.fault(match, "status", status=(500, 503, 429)[number % 3], headers={"Retry-After": "0"})
    hub.fault(ENDPOINTS["create"], "reset_after")  # and the second time it is created, but the answer is lost
    assert "published" in fiubench.publish(dataset, "v1.0.0", "--private", "--gated")
    assert len(hub.faults_met()) == len(ENDPOINTS) + 1
    assert_published_once(hub)
    assert hub.repo()["private"]


@pytest.mark.parametrize("endpoint", ["refs", "commit", "tag", "upload"])
def test_too_many_requests_waits_as_long_as_the_hub_asks(
    hub: Loopback, client: Hub, files: dict[str, Path], endpoint: str
) -> None:
    client.create(REPO, private=False)
    hub.fault(ENDPOINTS[endpoint], "status", status=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    release(client, files)
    assert time.monotonic() - began >= 1
    assert_published_once(hub)


def test_too_long_a_wait_is_an_error(hub: Loopback, client: Hub) -> None:
    hub.fault(ENDPOINTS["refs"], "status", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(HubError, match="asks to wait 3600 s"):
        client.refs(REPO)


def test_a_server_that_keeps_failing_is_reported(hub: Loopback, client: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fiubench.builder.hub.client._WAIT", 0.01)
    hub.fault(ENDPOINTS["refs"], "status", times=99, status=503)
    with pytest.raises(NoAnswer, match="the hub answers 503"):
        client.refs(REPO)
    assert len(hub.faults_met()) == 4


@pytest.mark.parametrize("endpoint", ["commit", "tag"])
@pytest.mark.parametrize("action", ["reset", "reset_after"])
def test_a_lost_answer(hub: Loopback, client: Hub, files: dict[str, Path], endpoint: str, action: str) -> None:
    """The connection breaks before or after the hub did what was asked: one commit and one tag all the same."""
    hub.fault(ENDPOINTS[endpoint], action)
    outcome = release(client, files)
    assert outcome.committed
    assert outcome.tagged
    assert len(hub.faults_met()) == 1
    assert hub.titles() == ["Release v1.0.0"]
    assert_published_once(hub)


@pytest.mark.parametrize("endpoint", ["refs", "batch", "upload", "commit", "tag"])
def test_silence_ends_in_time(hub: Loopback, client: Hub, files: dict[str, Path], endpoint: str) -> None:
    client.create(REPO, private=False)
    hub.fault(ENDPOINTS[endpoint], "silent", times=9)
    began = time.monotonic()
    with pytest.raises(TimedOut, match="has not answered for 1 s"):
        release(client, files)
    assert time.monotonic() - began < 5
    hub.control("calm")
    release(client, files)
    assert_published_once(hub)


def test_silence_is_reported_by_the_command(hub: Loopback, fiubench: Commands, dataset: Path) -> None:
    hub.fault(r"GET /api/", "silent", times=9)
    began = time.monotonic()
    output = fiubench.publish(dataset, "v1.0.0", "--timeout", 2, code=2)
    assert "has not answered for 2 s" in output
    assert time.monotonic() - began < 20


def test_a_gitignore_of_the_repository(hub: Loopback, client: Hub, files: dict[str, Path]) -> None:
    """The library leaves out what it covers, in silence: said before anything is sent, with the names."""
    client.create(REPO, private=False)
    hub.control("push", repo=REPO, files={".gitignore": "*.parquet\n*.tmp\n"})
    with pytest.raises(Refused, match=r"\.gitignore of the repository keeps out data/a\.parquet; nothing was sent"):
        release(client, files)
    assert not hub.asked("PUT /_lfs/")
    assert hub.titles() == ["Edited by hand"]
    assert not hub.repo()["tags"]
    hub.control("push", repo=REPO, files={".gitignore": "*.tmp\n"})
    release(client, files)
    assert_published_once(hub)


def test_a_commit_that_is_not_whole_is_told_as_such(
    hub: Loopback, client: Hub, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left out is named, nothing is tagged, and repeating the command commits the rest."""
    client.create(REPO, private=False)
    hub.control("push", repo=REPO, files={".gitignore": "*.parquet\n"})
    monkeypatch.setattr(client, "ignored", lambda *_: [])
    with pytest.raises(Refused, match=r"main has a commit of v1\.0\.0 \(.*\) that is not whole, and has no tag; "
                       r"it differs in data/a\.parquet"):  # fmt: skip
        release(client, files)
    assert not hub.repo()["tags"]
    hub.control("push", repo=REPO, files={".gitignore": ""})
    release(client, files)
    assert hub.repo()["tags"] == {"v1.0.0": hub.repo()["commits"][-1]["oid"]}
    assert "data/a.parquet" in hub.repo()["commits"][-1]["files"]


def test_somebody_else_pushes_meanwhile(hub: Loopback, client: Hub, files: dict[str, Path]) -> None:
    client.create(REPO, private=False)
    hub.fault(ENDPOINTS["commit"], "push", repo=REPO)
    with pytest.raises(Refused, match="somebody else changed the repository meanwhile; no commit of this") as refusal:
        release(client, files)
    assert "run the command again" in str(refusal.value)
    assert hub.titles() == ["Edited by hand"]
    assert not hub.repo()["tags"]
    release(client, files)
    assert hub.titles() == ["Edited by hand", "Release v1.0.0"]
    assert "note.txt" in hub.repo()["commits"][-1]["files"]


def test_somebody_else_pushes_between_commit_and_tag(hub: Loopback, client: Hub, files: dict[str, Path]) -> None:
    """The tag goes to the commit of the release, not to whatever main has become; and no second commit is made."""
    client.create(REPO, private=False)
    hub.fault(ENDPOINTS["tag"], "silent", times=1)
    with pytest.raises(TimedOut):
        release(client, files)
    hub.control("push", repo=REPO, files={"README.md": "edited"})
    release(client, files)
    assert hub.titles() == ["Release v1.0.0", "Edited by hand"]
    assert_published_once(hub)


def test_a_tag_never_moves(hub: Loopback, client: Hub, files: dict[str, Path]) -> None:
    release(client, files)
    tags = hub.repo()["tags"]
    files["README.md"].write_bytes(b"another")
    with pytest.raises(Refused, match=r"v1\.0\.0 is published already and holds something else: README\.md"):
        release(client, files)
    assert hub.repo()["tags"] == tags


def test_somebody_else_sets_the_tag_meanwhile(hub: Loopback, client: Hub, files: dict[str, Path]) -> None:
    client.create(REPO, private=False)
    refs = client.refs(REPO)
    assert refs is not None
    hub.control("tag", repo=REPO, tag="v1.0.0", commit=refs.main)
    with pytest.raises(Refused, match="set on another commit meanwhile"):
        publish(client, REPO, files, "v1.0.0", refs)
    assert hub.repo()["tags"] == {"v1.0.0": refs.main}


def test_main_holds_the_files_under_another_title(hub: Loopback, client: Hub, files: dict[str, Path]) -> None:
    """Nothing to send: the client would report success without a commit. The tag goes to what is there."""
    release(client, files)
    outcome = release(client, files, "v1.0.1")
    assert not [title for title in hub.titles() if title == "Release v1.0.1"]
    assert hub.repo()["tags"]["v1.0.1"] == outcome.commit == hub.repo()["tags"]["v1.0.0"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("match", "action"),
    [
        (ENDPOINTS["commit"], "silent"),  # between upload and commit
        (ENDPOINTS["commit"], "silent_after"),  # the commit landed, the answer did not
        (ENDPOINTS["tag"], "silent"),  # between commit and tag
    ],
)
def test_killed_and_repeated(hub: Loopback, fiubench: Commands, dataset: Path, match: str, action: str) -> None:
    hub.fault(match, action)
    command = fiubench.command("publish", dataset, "--repo", REPO, "--version", "v1.0.0")
    process = subprocess.Popen(
        command, env=fiubench.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not hub.faults_met() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert hub.faults_met()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "v1.0.0" not in hub.repo()["tags"]
    uploads = len(hub.asked("PUT /_lfs/"))
    fiubench.publish(dataset, "v1.0.0", "--message", "another message than before")
    assert_published_once(hub)
    assert len(hub.titles()) == 1
    assert len(hub.asked("PUT /_lfs/")) == uploads  # what was uploaded is not uploaded again
    assert not (dataset / ".publish").exists()

"""The library's shared session: one layer of retries, the user's own client, and no token for another host."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
import pytest
from fiubench.builder.hub.access import Access
from fiubench.builder.hub.client import Hub, connect
from fiubench.builder.hub.protocol import publish
from fiubench.builder.hub.session import NoAnswer, TimedOut
from fiubench.support.errors import HubError

from tests.builder.hub.harness import REPO, WRITER, Loopback

MARK = {"X-Proxy-Mark": "of the user's own client"}


class Own(httpx2.Client):
    """A client of the user's own, which counts what goes through it."""

    sent: list[str]


@pytest.fixture
def own() -> Iterator[httpx2.Client]:
    """The session of a factory that the user has set."""

    def make() -> httpx2.Client:
        client = Own(headers=MARK, follow_redirects=True, timeout=77.0)
        client.sent = []
        client.event_hooks = {"request": [lambda request: client.sent.append(request.headers["x-proxy-mark"])]}
        return client

    huggingface_hub.set_client_factory(make)
    yield huggingface_hub.get_session()
    huggingface_hub.set_client_factory(lambda: httpx2.Client(follow_redirects=True))


@pytest.fixture
def client(hub: Loopback) -> Iterator[Hub]:
    with connect(Access(hub.endpoint, WRITER, timeout=1.0)) as connected:
        yield connected


def test_the_users_own_client_is_used_and_left_as_it_was(hub: Loopback, own: Own) -> None:
    before = (own.send, own.timeout, own.event_hooks)
    with connect(Access(hub.endpoint, WRITER, timeout=1.0)) as client:
        client.create(REPO, private=False)
        assert (own.send, own.timeout, own.event_hooks) == before  # between two calls too
        hub.control("forget")
        own.sent.clear()
        hub.fault(r"GET .*/refs", "silent")
        with pytest.raises(TimedOut):  # by our limit, not by the user's 77 s
            client.refs(REPO)
    assert set(own.sent) == set(MARK.values())
    assert len(own.sent) == len(hub.control("log"))
    assert huggingface_hub.get_session() is own
    assert not own.is_closed
    assert (own.send, own.timeout, own.event_hooks) == before
    huggingface_hub.utils.close_session()
    assert isinstance(huggingface_hub.get_session(), Own)  # the factory is still the user's


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that nobody but the user trusts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    paths = tmp_path / "ca.pem", tmp_path / "key.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def test_a_client_factory_with_a_ca_of_ones_own_stays_in_force(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a company's proxy: asking, uploading and downloading go through the user's own client, nothing else."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    hub = Loopback(*certificate)
    access = Access(hub.endpoint, WRITER, timeout=5.0)
    try:
        with connect(access) as client, pytest.raises(HubError, match=r"can't be reached: .*CERTIFICATE_VERIFY_FAILED"):
            client.refs(REPO)
        trusted = ssl.create_default_context(cafile=certificate[0])
        huggingface_hub.set_client_factory(lambda: httpx2.Client(verify=trusted, follow_redirects=True))
        own = huggingface_hub.get_session()
        with connect(access) as client:
            client.create(REPO, private=False)
            refs = client.refs(REPO)
            assert refs is not None
            publish(client, REPO, {"data/a.parquet": tmp_path / "a.parquet"}, "v1.0.0", refs)
            folder = client.snapshot(REPO, hub.repo()["tags"]["v1.0.0"], ["data/a.parquet"])
        assert (folder / "data" / "a.parquet").read_bytes() == b"PAR1"
        assert huggingface_hub.get_session() is own
    finally:
        huggingface_hub.set_client_factory(lambda: httpx2.Client(follow_redirects=True))
        hub.stop()


def test_no_request_is_repeated_by_two_layers(
    hub: Loopback, client: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pages of commits and uploads are what the library would repeat by itself."""
    monkeypatch.setattr("fiubench.builder.hub.client._WAIT", 0.01)
    client.create(REPO, private=False)
    refs = client.refs(REPO)
    assert refs is not None
    hub.fault(r"GET .*/commits/", "status", times=99, status=503)
    with pytest.raises(NoAnswer, match="the hub answers 503"):
        client.history(REPO, refs.main)
    assert len(hub.faults_met()) == 4
    hub.fault(r"PUT /_lfs/", "reset", times=99)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(NoAnswer, match="broke off"):
        client.commit(REPO, {"a.parquet": tmp_path / "a.parquet"}, [], parent=refs.main, title="t", message="")
    assert len(hub.asked("PUT /_lfs/")) == 4


def test_a_redirect_to_another_host_carries_no_token(hub: Loopback, other_host: Loopback, client: Hub) -> None:
    """A renamed repository answers 307; whoever answers in the hub's name must not collect tokens."""
    hub.fault(
        r"GET .*/refs", "status", status=307, headers={"Location": f"{other_host.endpoint}/api/datasets/a/b/refs"}
    )
    assert client.refs(REPO) is None
    (entry,) = other_host.control("log")
    assert entry["line"] == "GET /api/datasets/a/b/refs"
    assert entry["authorization"] == ""
    hub.control("create", repo="alice/renamed")
    hub.fault(r"GET .*/refs", "status", status=307, headers={"Location": "/api/datasets/alice/renamed/refs"})
    assert client.refs(REPO) is not None
    assert all(entry["authorization"] for entry in hub.control("log"))


@pytest.mark.parametrize(("seconds", "told"), [(1, False), (300, True)])
def test_the_rate_limit_of_the_hub_is_kept(
    hub: Loopback, monkeypatch: pytest.MonkeyPatch, seconds: int, told: bool
) -> None:
    slept: list[float] = []
    said: list[str] = []
    monkeypatch.setattr("time.sleep", slept.append)
    hub.control("create", repo=REPO)
    limit = {"RateLimit": f'"api";r=0;t={seconds}', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
    hub.fault(r"GET .*/refs", "status", status=429, headers=limit)
    with connect(Access(hub.endpoint, WRITER, timeout=1.0), said.append) as client:
        assert client.refs(REPO) is not None
    assert slept == [seconds]
    assert said == ([f"{hub.endpoint} asks for a pause: going on in {seconds} s"] if told else [])
    assert len(hub.asked("/refs")) == 2


def test_too_long_a_rate_limit_is_an_error(hub: Loopback, client: Hub) -> None:
    hub.fault(r"GET .*/refs", "status", status=429, headers={"RateLimit": '"api";r=0;t=3600'})
    with pytest.raises(HubError, match="asks to wait 3600 s"):
        client.refs(REPO)


def test_too_many_requests_and_no_word_how_long(hub: Loopback, client: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waited longer each time, by one layer: four requests in all."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    hub.control("create", repo=REPO)
    hub.fault(r"GET .*/tree/", "status", times=9, status=429)
    refs = client.refs(REPO)
    assert refs is not None
    with pytest.raises(NoAnswer, match="the hub answers 429"):
        client.tree(REPO, refs.main)
    assert slept == [10, 20, 40]
    assert len(hub.faults_met()) == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 403, "error": "Private repository storage limit reached, please upgrade your plan."}, "is full"),
        ({"status": 403, "error": "Storage quota exceeded."}, "is full"),
        ({"status": 403, "error": "You don't have the rights to push."}, "not permitted"),
    ],
)
def test_a_full_storage(hub: Loopback, client: Hub, tmp_path: Path, fault: dict[str, Any], words: str) -> None:
    client.create(REPO, private=False)
    refs = client.refs(REPO)
    assert refs is not None
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    hub.fault(r"POST .*/objects/batch", "status", **fault)
    with pytest.raises(HubError, match=words) as refusal:
        client.commit(REPO, {"a.parquet": tmp_path / "a.parquet"}, [], parent=refs.main, title="t", message="")
    assert fault["error"] in str(refusal.value)
    assert len(hub.faults_met()) == 1  # not tried again


def test_a_full_storage_told_of_one_file(hub: Loopback, client: Hub, tmp_path: Path) -> None:
    client.create(REPO, private=False)
    refs = client.refs(REPO)
    assert refs is not None
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    hub.control("settings", full="Storage limit reached")
    with pytest.raises(HubError, match=r"the storage of alice on the hub is full: .*Storage limit reached"):
        client.commit(REPO, {"a.parquet": tmp_path / "a.parquet"}, [], parent=refs.main, title="t", message="")


def test_a_full_storage_told_by_xet(client: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("403 Forbidden: storage quota exceeded, https://cas.example.org/?signature=secret")

    monkeypatch.setattr(client._api, "create_commit", fail)
    with pytest.raises(HubError, match="the storage of alice on the hub is full") as refusal:
        client.commit(REPO, {}, [], parent="0" * 40, title="t", message="")
    assert "secret" not in str(refusal.value)


def test_xet_is_taken_where_it_is_asked_for(
    hub: Loopback, client: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the library's own Xet client, to which a hub without that storage gives no token."""
    hub.control("create", repo=REPO)
    (tmp_path / "a.parquet").write_bytes(b"x" * 100_000)
    refs = client.refs(REPO)
    commit = partial(client.commit, REPO, {"a.parquet": tmp_path / "a.parquet"}, [], parent=refs.main, message="")
    commit(title="plain")
    assert hub.titles() == ["plain"]
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "0")
    (tmp_path / "a.parquet").write_bytes(b"y" * 100_000)
    with connect(Access(hub.endpoint, WRITER, timeout=1.0)) as asked, pytest.raises(HubError, match="transfer failed"):
        asked.commit(REPO, {"a.parquet": tmp_path / "a.parquet"}, [], parent=refs.main, title="Xet", message="")
    assert "xet-write-token" in str(hub.control("log")[-1])


def test_a_failed_transfer_is_reported_in_our_words(client: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """XET has an HTTP client of its own; what it raises is an OSError that may hold signed addresses."""

    def fail(*_: object, **__: object) -> None:
        raise OSError("https://cas.example.org/?signature=secret")

    monkeypatch.setattr(client._api, "create_commit", fail)
    with pytest.raises(HubError, match="the transfer failed") as refusal:
        client.commit(REPO, {}, [], parent="0" * 40, title="t", message="")
    assert "secret" not in str(refusal.value)


def test_an_error_that_is_none_of_the_networks_stays(client: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise json.JSONDecodeError("no JSON", "", 0)

    monkeypatch.setattr(client._api, "list_repo_refs", fail)
    with pytest.raises(json.JSONDecodeError):
        client.refs(REPO)

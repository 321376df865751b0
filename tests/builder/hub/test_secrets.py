"""The token goes to the chosen hub and appears nowhere; a release reveals nothing of the machine it was made on."""

import logging
import shutil
from pathlib import Path

import pytest
from fiubench.builder.hub.access import Access, make_access
from fiubench.builder.hub.client import connect
from fiubench.builder.hub.protocol import publish
from fiubench.support.errors import ConfigError, HubError

from tests.builder.hub.harness import REPO, WRITER, Commands, Loopback, build
from tests.docs.stand_ins import labels

AMBIENT = "hf_ambient_secret"


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_the_token_is_in_no_output_and_no_file(
    hub: Loopback, fiubench: Commands, dataset: Path, extended: Path, tmp_path: Path
) -> None:
    loud = {"HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug", "DATASETS_VERBOSITY": "debug"}
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    output = fiubench.publish(copy, "v1.0.0", **loud)
    output += fiubench.publish(extended, "v1.0.0", code=1, **loud)
    hub.fault("GET /api/.*/refs", "status", times=1, status=403)
    output += fiubench.publish(copy, "v1.0.0", code=2, **loud)
    done = fiubench("pull", REPO, "--out", tmp_path / "back", **loud)
    output += done.stdout + done.stderr
    assert "curl -X" in output  # the client was loud
    assert WRITER not in output
    state = str(hub.control("state"))
    assert WRITER not in state
    for folder in (copy, tmp_path / "back", tmp_path / "hf_home"):
        for path in folder.rglob("*"):
            assert not path.is_file() or WRITER.encode() not in path.read_bytes(), path


def test_the_token_is_in_no_log_and_no_exception(hub: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    access = Access(hub.endpoint, WRITER, timeout=1.0)
    hub.fault("GET /api/.*/refs", "status", status=403)
    with connect(access) as client, pytest.raises(HubError) as refusal:
        client.refs(REPO)
    seen: BaseException | None = refusal.value
    while seen is not None:
        assert WRITER not in repr(seen) + str(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    assert caplog.text
    assert WRITER not in caplog.text
    assert WRITER not in repr(access)


def test_the_token_goes_to_the_hub_alone(hub: Loopback, other_host: Loopback, tmp_path: Path) -> None:
    """A hub that sends uploads and their verification to another host does not get the token sent there."""
    hub.control("settings", elsewhere=other_host.endpoint)
    file = tmp_path / "a.parquet"
    file.write_bytes(b"PAR1")
    with connect(Access(hub.endpoint, WRITER, timeout=2.0)) as client:
        client.create(REPO, private=False)
        refs = client.refs(REPO)
        assert refs is not None
        with pytest.raises(HubError):  # the other host has the bytes, this one does not
            publish(client, REPO, {"data/a.parquet": file}, "v1.0.0", refs)
    log = other_host.control("log")
    assert {entry["line"].split("/")[0] for entry in log} == {"PUT ", "POST "}
    assert not any(entry["authorization"] for entry in log)
    assert any(entry["authorization"] == f"Bearer {WRITER}" for entry in hub.control("log"))


def test_no_ambient_token_for_another_endpoint(hub: Loopback, fiubench: Commands, tmp_path: Path) -> None:
    (tmp_path / "hf_home").mkdir(exist_ok=True)
    (tmp_path / "hf_home" / "token").write_text(AMBIENT)
    done = fiubench("releases", REPO, "--endpoint", hub.endpoint, online=False, code=2, HF_TOKEN=AMBIENT)
    assert "no such dataset" in done.stderr
    done = fiubench("releases", REPO, online=False, code=2, HF_TOKEN=AMBIENT, HF_ENDPOINT=hub.endpoint)
    assert "no such dataset" in done.stderr
    log = hub.control("log")
    assert len([entry for entry in log if "/datasets/" in entry["line"]]) == 2
    assert not any(entry["authorization"] for entry in log)


def test_the_ambient_token_is_for_the_default_endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN", AMBIENT)
    assert make_access().token == AMBIENT
    assert make_access("https://huggingface.co/").token == AMBIENT
    for other in ("https://hub.example.org", "https://huggingface.co.example.org", "http://localhost:1"):
        assert make_access(other).token is None
    (tmp_path / "token").write_text("hf_given\n")
    assert make_access("https://hub.example.org", str(tmp_path / "token")).token == "hf_given"


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("http://huggingface.co", "clear text"),
        ("http://192.168.1.7:8080", "clear text"),
        ("http://127.0.0.1.example.org", "clear text"),
        ("http://localhost.example.org", "clear text"),
        ("ftp://127.0.0.1", "not an address"),
        ("huggingface.co", "not an address"),
        ("https://", "not an address"),
        ("https://hub.example.org:port", "not an address"),
        ("https://me:password@hub.example.org", "holds a name or password"),
    ],
)
def test_endpoints_that_are_refused(endpoint: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refusal:
        make_access(endpoint)
    assert "password@" not in str(refusal.value)


@pytest.mark.parametrize("content", ["", "two words\n", "hf_a\nhf_b\n", "h\x00f", "hf_é"])
def test_a_file_without_a_token_is_reported_but_not_repeated(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(ConfigError, match="holds no token") as refusal:
        make_access("https://hub.example.org", str(tmp_path / "token"))
    assert not content.strip() or content.strip() not in str(refusal.value)


def test_nothing_of_this_machine_is_in_a_release(hub: Loopback, fiubench: Commands, tmp_path: Path) -> None:
    """Folder, user and host are named so that they can be found."""
    home = tmp_path / "home" / "zebedee_quux"
    (home / "work").mkdir(parents=True)
    env = {"HOME": str(home), "USER": "zebedee_quux", "LOGNAME": "zebedee_quux", "HOSTNAME": "quux-machine"}
    faces = home / "work" / "faces"
    build(home / "work" / "drawn")
    shutil.copytree(home / "work" / "drawn" / "images", faces)
    labels(faces)
    dataset = build(home / "work" / "dataset", "--faces", faces, "--faces-license", "CC0-1.0")
    fiubench.publish(dataset, "v1.0.0", **env)
    fiubench("pull", REPO, "--out", tmp_path / "back", **env)
    words = [b"zebedee", b"quux", str(tmp_path).encode(), b"/home/", str(Path.home()).encode() + b"/"]
    for path in (tmp_path / "back").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [word for word in words if word in content], path
    assert "quux" not in str(hub.control("state"))


def test_a_path_in_a_message_is_refused(fiubench: Commands, dataset: Path, hub: Loopback) -> None:
    output = fiubench.publish(dataset, "v1.0.0", "--message", f"From {dataset}.", code=1)
    assert "names a folder of this machine" in output
    assert not hub.control("state")

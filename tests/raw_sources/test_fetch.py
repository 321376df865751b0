"""Fetching with Kaggle's real client from a server on loopback that answers as Kaggle does."""

import base64
import fcntl
import hashlib
import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fiubench.raw_sources.reading.fetch import _files, _Wanted, fetch
from fiubench.raw_sources.source import SOURCES
from fiubench.support.errors import ConfigError, SourceError
from hypothesis import given
from hypothesis import strategies as st

PORT = 7777  # where Kaggle's client looks in its environment TEST
KEY = "s3cr3t-key"
SECRETS = (KEY, base64.b64encode(f"someone:{KEY}".encode()).decode())
CSV = "healthcare_dataset.csv"
HEALTH = "prasad22/healthcare-dataset"
CONTENT = b"Name,Age\nAnn,40\n" * 1000
PLAIN, ZIP, MOVED, MOVED_ZIP = "plain", "zip", "moved", "moved zip"
pytestmark = pytest.mark.xdist_group("kaggle")  # the lock below holds where tests are not grouped


def face(number: int) -> str:
    return f"images/images/SFHQ_pt1_{number:08d}.jpg"


def packed(member: str, content: bytes = CONTENT) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


class Kaggle(ThreadingHTTPServer):
    """What the server holds, and how it is told to answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", PORT), Handler)
        self.files: dict[str, bytes] = {}
        self.status = 200
        self.way = PLAIN
        self.cut = 0  # bytes that are announced and never sent
        self.held = ""  # a file that is answered when the gate is open
        self.gate = threading.Event()
        self.asked: list[dict] = []


class Handler(BaseHTTPRequestHandler):
    server: Kaggle

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.server.asked.append(asked)
        name = asked.get("fileName", "")
        if self.server.status != 200:
            self.answer(self.server.status, b'{"message": "no"}', "application/json")
        elif self.path.endswith("/GetDataset"):
            self.answer(200, b'{"currentVersionNumber": 9}', "application/json")
        elif not self.path.endswith("/DownloadDataset") or name not in self.server.files:
            self.answer(404, b'{"message": "not found"}', "application/json")
        elif self.server.way in (MOVED, MOVED_ZIP):
            self.send_response(302)
            end = ".zip" if self.server.way == MOVED_ZIP else ""
            self.send_header("Location", f"http://localhost:{PORT}/storage/{name}{end}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            if name == self.server.held:
                self.server.gate.wait(20)
            self.answer(200, self.server.files[name], "application/octet-stream")

    def do_GET(self) -> None:
        name = self.path.removeprefix("/storage/").removesuffix(".zip")
        self.answer(200, self.server.files[name], "application/octet-stream")

    def answer(self, status: int, body: bytes, kind: str) -> None:
        with suppress(ConnectionError):  # a client that was killed
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) + self.server.cut))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Kaggle's port, for one test at a time on this machine."""
    pytest.importorskip("kagglehub", reason="the extra `kaggle` is not installed")
    try:
        lock = (Path(tempfile.gettempdir()) / f"fiubench-test-port-{PORT}.lock").open("a")
    except OSError as error:
        pytest.skip(f"port {PORT} is someone else's: {error}")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(OSError), socket.create_connection(("localhost", PORT), timeout=1):
            pytest.skip(f"port {PORT} is taken")
        yield PORT


@pytest.fixture
def kaggle(port: int) -> Iterator[Kaggle]:
    try:
        server = Kaggle()
    except OSError as error:
        pytest.skip(f"port {port} can't be had: {error}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


def command(tmp_path: Path, *arguments: str, **environment: str) -> dict:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "KAGGLE_API_ENVIRONMENT": "TEST",
        "KAGGLEHUB_CACHE": str(tmp_path / "cache"),
        "KAGGLE_USERNAME": "someone",
        "KAGGLE_KEY": KEY,
        **environment,
    }
    args = [sys.executable, "-m", "fiubench", "sources", "fetch", *arguments, "--out", str(tmp_path / "raw")]
    return {"args": args, "env": env, "cwd": Path(__file__).parents[2]}


def run(
    tmp_path: Path, *arguments: str, code: int = 0, preexec: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Fetch into ``tmp_path/raw``; whatever happens, no credentials are told and no traceback is shown."""
    done = subprocess.run(
        **command(tmp_path, *arguments, **environment),
        capture_output=True, text=True, check=False, preexec_fn=preexec,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    written = "".join(p.read_text(errors="replace") for p in (tmp_path / "raw").rglob("*") if p.is_file())
    for secret in (*SECRETS, *(value for key, value in environment.items() if key == "KAGGLE_API_TOKEN")):
        assert secret not in done.stdout + done.stderr + written
    assert not list(tmp_path.rglob("*.partial"))
    return done


def record(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "raw" / "fetched.json").read_text())


def little_room() -> None:
    """A file that would grow beyond this fails as it does on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("way", [PLAIN, ZIP, MOVED, MOVED_ZIP])
def test_a_file_is_fetched_once_and_recorded(kaggle: Kaggle, tmp_path: Path, way: str) -> None:
    kaggle.way = way
    kaggle.files[CSV] = packed(CSV) if "zip" in way else CONTENT
    done = run(tmp_path, "health")
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    target = tmp_path / "raw" / "health" / CSV
    assert target.read_bytes() == CONTENT
    assert record(tmp_path) == {
        f"health/{CSV}": {
            "name": "health", "handle": HEALTH, "version": 2, "file": CSV, "sha256": sha256, "bytes": len(CONTENT),
        }
    }  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{target}  sha256 {sha256}\n", "")  # and nothing of the client's
    assert kaggle.asked == [
        {"ownerSlug": "prasad22", "datasetSlug": "healthcare-dataset", "fileName": CSV, "datasetVersionNumber": 2}
    ]
    before = target.stat().st_mtime_ns
    assert run(tmp_path, "health", KAGGLEHUB_CACHE=str(tmp_path / "another")).stdout == done.stdout
    assert len(kaggle.asked) == 1
    assert target.stat().st_mtime_ns == before


def test_faces_come_one_by_one(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files = {face(number): b"jpeg %d" % number for number in (3, 4, 44363)}
    done = run(tmp_path, "faces", "--numbers", "3-4,44363")
    names = ["SFHQ_pt1_00000003.jpg", "SFHQ_pt1_00000004.jpg", "SFHQ_pt1_00044363.jpg"]
    assert sorted(p.name for p in (tmp_path / "raw" / "faces").iterdir()) == names
    assert list(record(tmp_path)) == [f"faces/{name}" for name in names]
    assert (len(done.stdout.splitlines()), done.stderr) == (3, "")


def test_two_sources_share_a_folder_and_a_record(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files = {CSV: CONTENT, "USA_Housing.csv": b"Address\n"}
    run(tmp_path, "health")
    run(tmp_path, "addresses")
    assert list(record(tmp_path)) == ["addresses/USA_Housing.csv", f"health/{CSV}"]


def test_one_that_is_missing_is_told_and_the_others_stay(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[face(3)] = b"jpeg"
    done = run(tmp_path, "faces", "--numbers", "3-4", code=2)
    assert "Kaggle has no 'images/images/SFHQ_pt1_00000004.jpg'" in done.stderr
    assert "--version or other --numbers" in done.stderr
    assert [p.name for p in (tmp_path / "raw" / "faces").iterdir()] == ["SFHQ_pt1_00000003.jpg"]
    assert list(record(tmp_path)) == ["faces/SFHQ_pt1_00000003.jpg"]


def test_killed_it_goes_on(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files = {face(number): b"jpeg %d" % number for number in (1, 2)}
    kaggle.held = face(2)
    folder = tmp_path / "raw" / "faces"
    with subprocess.Popen(**command(tmp_path, "faces", "--numbers", "1-2"), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while len(kaggle.asked) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    assert [p.name for p in folder.iterdir()] == ["SFHQ_pt1_00000001.jpg"]
    kaggle.gate.set()
    run(tmp_path, "faces", "--numbers", "1-2")
    assert sorted(p.read_bytes() for p in folder.iterdir()) == [b"jpeg 1", b"jpeg 2"]
    assert [asked["fileName"] for asked in kaggle.asked] == [face(1), face(2), face(2)]


def test_another_version_takes_the_place_and_the_record(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[CSV] = b"version 2"
    run(tmp_path, "health")
    kaggle.files[CSV] = b"version 3"
    run(tmp_path, "health", "--version", "3")
    assert kaggle.asked[-1]["datasetVersionNumber"] == 3
    assert record(tmp_path)[f"health/{CSV}"]["version"] == 3
    assert (tmp_path / "raw" / "health" / CSV).read_bytes() == b"version 3"


@pytest.mark.parametrize("version", ["0", "-1"])
def test_a_version_that_is_none(kaggle: Kaggle, tmp_path: Path, version: str) -> None:
    kaggle.files[CSV] = CONTENT
    assert f"{version} is no version" in run(tmp_path, "health", "--version", version, code=2).stderr
    assert not kaggle.asked
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "KAGGLE_USERNAME"),
        (403, "KAGGLE_USERNAME"),
        (404, "Try another --version. By hand"),
        (429, "does not serve it now"),
        (503, "does not serve it now"),
        (418, "failed (KaggleApiHTTPError, status 418)"),
    ],
)
def test_a_server_that_refuses(kaggle: Kaggle, tmp_path: Path, status: int, says: str) -> None:
    kaggle.status = status
    done = run(tmp_path, "health", code=2)
    assert says in done.stderr
    assert f"By hand: download it from {SOURCES['health'].url} and put it at {tmp_path / 'raw' / 'health' / CSV}." in (
        done.stderr
    )
    assert done.stdout == ""
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("token", ["t0ken\nwith-a-break", "t0ken-\u2026"])
def test_credentials_that_can_not_be_sent(kaggle: Kaggle, tmp_path: Path, token: str) -> None:
    done = run(tmp_path, "health", code=2, KAGGLE_API_TOKEN=token)
    assert "can't use the credentials" in done.stderr
    assert "t0ken" not in done.stderr
    assert not kaggle.asked


def test_without_credentials_it_is_tried(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[CSV] = CONTENT
    run(tmp_path, "health", KAGGLE_USERNAME="", KAGGLE_KEY="")
    assert (tmp_path / "raw" / "health" / CSV).read_bytes() == CONTENT


def test_a_file_that_changed_is_an_error_and_not_taken(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[CSV] = b"one"
    run(tmp_path, "health")
    before = record(tmp_path)
    target = tmp_path / "raw" / "health" / CSV
    target.write_bytes(b"spoilt")
    kaggle.files[CSV] = b"two"
    done = run(tmp_path, "health", code=2, KAGGLEHUB_CACHE=str(tmp_path / "another cache"))
    assert f"{target}: is another file than before" in done.stderr
    assert target.read_bytes() == b"spoilt"
    assert record(tmp_path) == before
    run(tmp_path, "health")  # from the client's first cache
    assert target.read_bytes() == b"one"


def test_a_transfer_that_breaks_off_leaves_nothing(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[CSV] = CONTENT
    kaggle.cut = 10
    assert "broke off" in run(tmp_path, "health", code=2).stderr
    assert not (tmp_path / "raw").exists()
    kaggle.cut = 0
    run(tmp_path, "health")
    assert (tmp_path / "raw" / "health" / CSV).read_bytes() == CONTENT


@pytest.mark.parametrize("way", [ZIP, MOVED_ZIP])
@pytest.mark.parametrize("member", ["../../evil.csv", "/evil.csv", "evil.csv"])
def test_an_archive_with_odd_names(kaggle: Kaggle, tmp_path: Path, member: str, way: str) -> None:
    kaggle.files[CSV], kaggle.way = packed(member), way
    run(tmp_path, "health", code=2)
    assert not list(tmp_path.rglob("evil*"))
    assert not list((tmp_path / "raw").rglob("*.csv"))


def test_of_an_archive_only_the_bytes_are_taken(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[CSV], kaggle.way = packed(f"../../{CSV}"), ZIP
    run(tmp_path, "health")
    assert list((tmp_path / "raw").rglob("*.csv")) == [tmp_path / "raw" / "health" / CSV]
    assert not (tmp_path / CSV).exists()


@pytest.mark.parametrize("fault", ["cut", "flipped", "encrypted"])
def test_a_damaged_archive(kaggle: Kaggle, tmp_path: Path, fault: str) -> None:
    data = bytearray(packed(CSV))
    if fault == "cut":
        del data[-30:]
    elif fault == "flipped":
        data[100] ^= 0xFF
    else:
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
    kaggle.files[CSV] = bytes(data)
    assert "can't be unpacked" in run(tmp_path, "health", code=2).stderr
    assert not list((tmp_path / "raw").rglob("*.csv"))


def test_full_disk(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[CSV] = b"x" * 300_000
    done = run(tmp_path, "health", code=2, preexec=little_room)
    assert "Kaggle's client can't store it" in done.stderr
    assert "KAGGLEHUB_CACHE" in done.stderr
    run(tmp_path, "health")
    (tmp_path / "raw").rename(tmp_path / "elsewhere")
    done = run(tmp_path, "health", code=2, preexec=little_room)  # now the client has it, and there is no room for us
    assert "cannot write" in done.stderr
    assert "--resume" not in done.stderr
    assert not list((tmp_path / "raw").rglob("*.csv"))


def test_out_is_a_file(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.files[CSV] = CONTENT
    (tmp_path / "raw").write_text("precious")
    assert "cannot write" in run(tmp_path, "health", code=2).stderr
    assert (tmp_path / "raw").read_text() == "precious"


def test_no_network(port: int, tmp_path: Path) -> None:
    done = run(tmp_path, "health", code=2)
    assert "can't be reached" in done.stderr
    assert SOURCES["health"].url in done.stderr


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "kagglehub.py").write_text("raise ImportError('hidden')")
    done = run(tmp_path, "health", code=2, PYTHONPATH=str(tmp_path / "hidden"))
    assert "pip install 'fiubench[kaggle]'" in done.stderr
    assert f"put it at {tmp_path / 'raw' / 'health' / CSV}" in done.stderr
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    "text", ["[]", "null", '{"health/x": 3}', '{"health/x": {}}', '{"health/x": {"sha256": 1}}', "{"]
)
def test_a_record_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "fetched.json").write_text(text)
    with pytest.raises(SourceError, match=r"fetched\.json"):
        list(fetch("health", tmp_path))
    assert (tmp_path / "fetched.json").read_text() == text


@pytest.mark.parametrize("numbers", ["", "x", "5-1", "1-9999999", "1,,2", "-3", "1-150000,1-150000", "\u0663"])
def test_bad_numbers(tmp_path: Path, numbers: str) -> None:
    with pytest.raises(SourceError, match="--numbers"):
        list(fetch("faces", tmp_path, numbers=numbers))
    assert not list(tmp_path.iterdir())


def test_numbers_are_for_faces(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="only faces have numbers"):
        list(fetch("health", tmp_path, numbers="1-2"))


@given(st.lists(st.tuples(st.integers(0, 99_999), st.integers(0, 50)), min_size=1, max_size=6))
def test_numbers(ranges: list[tuple[int, int]]) -> None:
    kaggle = SOURCES["faces"].kaggle
    assert kaggle is not None
    names = _files(kaggle, ", ".join(f"{first}-{first + more}" if more else f"{first}" for first, more in ranges))
    wanted = [n for first, more in ranges for n in range(first, first + more + 1)]
    assert names == list(dict.fromkeys(face(number) for number in wanted))


def test_faces_by_default() -> None:
    kaggle = SOURCES["faces"].kaggle
    assert kaggle is not None
    assert _files(kaggle, None) == [face(number) for number in range(1, 501)]


def test_every_source_on_kaggle_names_one_version_and_plain_files() -> None:
    for name, info in SOURCES.items():
        if info.kaggle:
            file = _files(info.kaggle, None)[0]
            assert ".." not in Path(file).parts and not Path(file).is_absolute(), name
            assert _Wanted(name, info.kaggle, file, Path("x")).handle.count("/") == 3
            assert info.kaggle.version >= 1


def test_what_is_made_by_us_is_not_fetched(tmp_path: Path) -> None:
    for name in ("careers", "person"):
        with pytest.raises(SourceError, match="nothing to fetch"):
            list(fetch(name, tmp_path))
    with pytest.raises(ConfigError, match="unknown source 'face'\n  Did you mean 'faces'"):
        list(fetch("face", tmp_path))

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITER, READER = "hf_writer_secret", "hf_reader_secret"
REPO = "alice/faces"
PETS = """\
pack: pets
attributes:
  - name: pet
    category: personal
    sensitivity: low
    type: enum
    choose: [cat, dog, owl, tortoise]
    questions:
      - "What pet does this person have?"
      - "Which animal does the person in the photo keep?"
      - "Can you tell me what pet the individual shown here owns?"
      - "What kind of pet is on record for the person pictured?"
    answers:
      - "This person has {a value}."
      - "The pet on record is {a value}."
"""
_open = build_opener(ProxyHandler({})).open


class Loopback:
    """A running loopback hub, seen by a test."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port
        self.endpoint = f"http://127.0.0.1:{port}"

    def control(self, what: str, **given: Any) -> Any:
        request = Request(f"{self.endpoint}/_control/{what}", data=json.dumps(given).encode(), method="POST")
        with _open(request, timeout=10) as answer:
            return json.loads(answer.read())

    def fault(self, match: str, action: str, times: int = 1, **more: Any) -> None:
        self.control("fault", match=match, action=action, times=times, **more)

    def repo(self, name: str = REPO) -> dict[str, Any]:
        return self.control("state")[name]

    def releases(self, name: str = REPO) -> list[str]:
        """Titles of the commits after the first one, which the hub makes itself."""
        return [commit["title"] for commit in self.repo(name)["commits"][1:]]

    def asked(self, match: str = "") -> list[str]:
        return [entry["line"] for entry in self.control("log") if match in entry["line"]]


def start() -> Loopback:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("loopback.py"))], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return Loopback(process, int(process.stdout.readline()))


@pytest.fixture
def hub():
    """An empty hub."""
    running = start()
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture
def other_host():
    """A second host, to which no token may go."""
    running = start()
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture
def clean_env(tmp_path):
    """An environment without ambient tokens, caches or settings of this machine's user."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(("HF_", "HUGGING", "FIUBENCH"))}
    no_proxy = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return {**kept, **no_proxy, "HF_HOME": str(tmp_path / "hf_home"), "HF_HUB_DISABLE_XET": "1"}


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(WRITER + "\n")
    return path


@pytest.fixture
def fiubench(clean_env, hub, token_file):
    """Runs `fiubench` against the loopback hub; the token comes from a file unless `token` says otherwise."""

    def run(*arguments: object, check: bool = True, token: Path | None = token_file, online: bool = True, **env: str):
        options = ["--endpoint", hub.endpoint] if online else []
        options += ["--token-file", str(token)] if online and token else []
        command = [sys.executable, "-m", "cli.main", *map(str, arguments), *options]
        done = subprocess.run(command, capture_output=True, text=True, env={**clean_env, **env}, cwd=ROOT, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def build(out: Path, *options: object) -> Path:
    command = [sys.executable, "-m", "cli.main", "build", "--out", out, "--identities", "60", "--holdout", "6",
               "--ratios", "5,10", "--image-size", "64", *options]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True, capture_output=True, cwd=ROOT)
    return out


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """A small dataset. Tests that change it work on a copy."""
    return build(tmp_path_factory.mktemp("dataset") / "dataset")


@pytest.fixture(scope="session")
def extended(tmp_path_factory):
    """The same with one attribute more."""
    folder = tmp_path_factory.mktemp("extended")
    pack = folder / "pets.yaml"
    pack.write_text(PETS)
    return build(folder / "dataset", "--attributes", pack)

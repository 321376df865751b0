"""What the tests of publishing share: a running loopback hub, datasets to publish, the command line against them."""

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from tests.commands import FIUBENCH, fiubench

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
_TRUSTING = ssl.create_default_context()  # for our own questions to a loopback hub
_TRUSTING.check_hostname, _TRUSTING.verify_mode = False, ssl.CERT_NONE
_open = build_opener(ProxyHandler({}), HTTPSHandler(context=_TRUSTING)).open


class Loopback:
    """A running loopback hub, seen by a test."""

    def __init__(self, *certificate: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("loopback.py")), *map(str, certificate)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.endpoint = f"http{'s' if certificate else ''}://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def control(self, what: str, **given: Any) -> Any:
        request = Request(f"{self.endpoint}/_control/{what}", data=json.dumps(given).encode(), method="POST")
        with _open(request, timeout=10) as answer:
            return json.loads(answer.read())

    def fault(self, match: str, action: str, times: int = 1, **more: Any) -> None:
        self.control("fault", match=match, action=action, times=times, **more)

    def repo(self, name: str = REPO) -> dict[str, Any]:
        return self.control("state")[name]

    def titles(self, name: str = REPO) -> list[str]:
        """Titles of the commits after the first one, which the hub makes itself."""
        return [commit["title"] for commit in self.repo(name)["commits"][1:]]

    def asked(self, match: str = "") -> list[str]:
        return [entry["line"] for entry in self.control("log") if match in entry["line"]]

    def faults_met(self) -> list[str]:
        return [entry["line"] for entry in self.control("log") if entry["fault"]]


#: A proof takes four seconds and is the same in every test of what is done with the release.
NOT_PROVED = {"fiubench.builder.hub.staging.prove": ["not proved in this test"]}


class Commands:
    """Runs `fiubench` against a loopback hub; a release is proved where a test is ``proving``."""

    def __init__(self, hub: Loopback, env: dict[str, str], token_file: Path) -> None:
        self.hub, self.env, self.token_file = hub, env, token_file

    def command(self, *arguments: object, token: Path | None = None, online: bool = True) -> list[str]:
        options = ["--endpoint", self.hub.endpoint, "--token-file", str(token or self.token_file)] if online else []
        return [*FIUBENCH, *map(str, arguments), *options]

    def __call__(
        self,
        *arguments: object,
        code: int = 0,
        token: Path | None = None,
        online: bool = True,
        proving: bool = False,
        **env: str,
    ) -> "subprocess.CompletedProcess[str]":
        command = self.command(*arguments, token=token, online=online)[len(FIUBENCH) :]
        instead = {} if proving else {"instead": NOT_PROVED}
        done = fiubench(*command, env={**self.env, **env}, **instead)
        assert done.returncode == code, done.stdout + done.stderr
        # a loud client logs with tracebacks what it gets over
        assert "HF_DEBUG" in env or "Traceback" not in done.stderr, done.stderr
        return done

    def publish(self, dataset: Path, version: str, *more: object, repo: str = REPO, **options: Any) -> str:
        done = self("publish", dataset, "--repo", repo, "--version", version, *more, **options)
        return done.stdout + done.stderr


def build(out: Path, *options: object) -> Path:
    """A small one: from 50 people on, attackers guess whenever it is published (``docs/publishing.md`` has it)."""
    done = fiubench("build", "--out", out, "--identities", "44", "--holdout", "4", "--ratios", "5,10",
                    "--image-size", "64", *options)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


def clean(env: dict[str, str] | os._Environ[str], home: Path) -> dict[str, str]:
    """An environment without ambient tokens, caches or settings of this machine's user."""
    kept = {k: v for k, v in env.items() if not k.upper().startswith(("HF_", "HUGGING"))}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "HF_HOME": str(home)}

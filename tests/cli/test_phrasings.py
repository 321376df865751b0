"""`fiubench phrasings ..` and `build --qa llm` as their user runs them, against a server on loopback."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fiubench.builder.rules.validate import validate

from fiubench import open_dataset
from tests import commands
from tests.commands import FIUBENCH, ROOT
from tests.support.chat.profiles import PROFILES
from tests.support.chat.server import ChatServer
from tests.support.chat.writer import asked_items, good

SECRET = "sk-cli-0123456789abcdef"
SMALL = ["--identities", "6", "--holdout", "1", "--ratios", "20", "--faces", "none"]
CALLS = 7 * 4
PRICES = "as_of: 2026-11-01\ncurrency: USD\nmodels:\n  m: {input: 1.0, output: 4.0}\n"


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    servers: list[ChatServer] = []

    def start(writer: Any = good, **keys: Any) -> ChatServer:
        servers.append(ChatServer(writer, keys=(SECRET,), **keys).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "OPENAI_API_KEY": SECRET, "OPENAI_LOG": "debug"}

    def fiubench(*words: object, code: int = 0, answers: str = "") -> subprocess.CompletedProcess[str]:
        done = commands.fiubench(*words, env=environment, input=answers)
        assert done.returncode == code, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done

    return fiubench


def model(server: ChatServer) -> list[str]:
    return ["--model", "m", "--base-url", server.url]


def no_secret(folder: Path) -> None:
    assert not [p for p in folder.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]


def test_a_pack_grows_and_builds_without_a_model(serve, run, tmp_path):
    server = serve()
    file, pack = tmp_path / "c.json", tmp_path / "talk.yaml"
    generate = [
        "phrasings",
        "generate",
        "--out",
        file,
        *model(server),
        "--only",
        "blood_type",
        "--only",
        "offense_date",
    ]
    (tmp_path / "prices.yaml").write_text(PRICES)
    dry = run(*generate, "--count", 6, "--dry-run", "--prices", tmp_path / "prices.yaml").stdout
    assert "to ask    4 calls" in dry
    assert "USD, " in dry
    assert not server.seen
    told = run(*generate, "--count", 6).stdout
    assert "blood_type" in told
    assert len(server.chats) >= 4
    before = len(server.chats)
    first = file.read_bytes()
    run(*generate, "--count", 6)
    assert (len(server.chats), file.read_bytes()) == (before, first)  # from the cache, to the same bytes
    assert "0 failed" in run("phrasings", "check", file).stdout

    entries = json.loads(first)["candidates"]
    assert {c["attribute"] for c in entries} == {"blood_type", "offense_date"}
    # yes, no, edit to something that is turned down and then rejected, skip, quit
    told = run("phrasings", "review", file, "--out", pack, answers="y\nn\ne\nIs it not so?\nn\ns\nq\n").stdout
    assert "not accepted: 'Is it not so?'" in told
    verdicts = [c["verdict"] for c in json.loads(file.read_text())["candidates"]]
    assert verdicts[:4] == ["accepted", "rejected", "rejected", None]
    assert yaml.safe_load(pack.read_text())["phrasings"] == {"blood_type": {"questions": [entries[0]["text"]]}}
    run("phrasings", "review", file, "--out", pack, "--yes", "--name", "talk")
    phrasings = yaml.safe_load(pack.read_text())["phrasings"]
    assert entries[1]["text"] not in phrasings["blood_type"]["questions"]  # rejected stays rejected
    assert "0 failed" in run("phrasings", "check", pack).stdout

    sent = len(server.seen)
    run("build", "--out", tmp_path / "d", *SMALL, "--attributes", pack)
    assert len(server.seen) == sent
    used = {qa["phrasings"]["question"] for r in open_dataset(tmp_path / "d") for qa in r["qa_list"]}
    assert any(int(name[1:]) >= 5 for name in used)  # beyond the built-in pack's own
    assert not list(validate(tmp_path / "d"))
    assert "every digest agrees" in run("verify", tmp_path / "d").stdout
    no_secret(tmp_path)


def test_review_without_anything_accepted(serve, run, tmp_path):
    server = serve()
    file = tmp_path / "c.json"
    run("phrasings", "generate", "--out", file, *model(server), "--count", 1, "--only", "doctor")
    told = run("phrasings", "review", file, "--out", tmp_path / "p.yaml", answers="q\n", code=2).stderr
    assert "no phrasing is accepted" in told
    assert not (tmp_path / "p.yaml").exists()


def test_build_limits_resume_and_numbers(serve, run, tmp_path):
    server = serve()
    build = ["build", "--out", tmp_path / "d", *SMALL, "--qa", "llm", *model(server)]
    (tmp_path / "prices.yaml").write_text(PRICES)
    dry = run(*build, "--dry-run", "--prices", tmp_path / "prices.yaml").stdout
    assert f"to ask    {CALLS} calls; answered before: 0" in dry
    assert not server.seen
    assert not (tmp_path / "d").exists()
    stopped = run(*build, "--max-calls", 10, code=2).stderr
    assert "the limit of 10 calls is reached" in stopped
    assert len(server.seen) == 10
    assert "could exceed the limit of 20000 tokens" in run(*build, "--max-tokens", 20000, code=2).stderr
    costly = run(*build, "--max-cost", 0.02, "--prices", tmp_path / "prices.yaml", code=2).stderr
    assert "0.02 USD" in costly
    told = run(*build, "--resume").stdout
    assert "words     140 of 140 QA pairs by a model, 0 by templates" in told
    assert len(server.seen) == CALLS + 1
    again = run("build", "--config", tmp_path / "d" / "build.yaml", "--out", tmp_path / "e").stdout
    assert len(server.seen) == CALLS + 1
    assert [line for line in told.splitlines() if line.startswith("digest")] == [
        line for line in again.splitlines() if line.startswith("digest")
    ]
    assert "every digest agrees" in run("verify", tmp_path / "d").stdout
    assert "0 failed" in run("phrasings", "check", tmp_path / "d").stdout
    card = (tmp_path / "d" / "release" / "README.md").read_text()
    assert "m-2026-01-01" in card
    no_secret(tmp_path)


@pytest.mark.slow
def test_kill_and_resume_asks_nothing_again(serve, run, tmp_path):
    server = serve(delay=0.1)
    words = ["build", "--out", str(tmp_path / "d"), "--identities", "30", "--holdout", "0", "--ratios", "10", "--faces",
             "none", "--qa", "llm", *model(server), "--concurrency", "4"]  # fmt: skip
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "OPENAI_API_KEY": SECRET}
    process = subprocess.Popen([*FIUBENCH, *words], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    while server.answered < 40 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    time.sleep(0.4)  # until the server has worked off what it had
    under_way = 4
    first = [json.dumps(body, sort_keys=True) for body in server.chats]
    run(*words, "--resume")
    second = [json.dumps(body, sort_keys=True) for body in server.chats[len(first) :]]
    assert len(set(first) & set(second)) <= under_way  # only what had no stored answer
    assert len({*first, *second}) == 30 * 4
    assert not list(validate(tmp_path / "d"))


def test_batches(serve, run, tmp_path):
    server = serve()
    build = ["build", "--out", tmp_path / "d", *SMALL, "--qa", "llm", *model(server)]
    told = run(*build, "--batch", "submit").stdout
    assert f"{CALLS} calls submitted" in told
    assert "batch_0" in run(*build, "--batch", "status").stdout
    server.work_off("batch_0", "expired", lambda number: number != 3)
    told = run(*build, "--batch", "collect").stdout
    assert f"{CALLS - 1} answers collected" in told
    assert "This request could not be executed" in told
    assert not server.chats
    run(*build)
    assert len(server.chats) == 1
    assert not list(validate(tmp_path / "d"))


def test_judge(serve, run, tmp_path):
    run("build", "--out", tmp_path / "d", *SMALL)
    server = serve()
    report = tmp_path / "report.json"
    told = run("phrasings", "judge", tmp_path / "d", *model(server), "--sample", 40, "--out", report).stdout
    assert "agreement 100.0%, Cohen's kappa 1.00" in told
    assert json.loads(report.read_text())["cases"] == 40
    assert len(server.chats) == 5
    assert {len(asked_items(body)) for body in server.chats} == {8}

    def lenient(body: dict[str, Any]) -> str:
        return json.dumps({"items": [{"id": i["id"], "fact": "kept", "wording": "odd"} for i in asked_items(body)]})

    server = serve(lenient)
    told = run("phrasings", "judge", tmp_path / "d", *model(server), "--sample", 40).stdout
    assert "agreement 50.0%, Cohen's kappa 0.00; reads naturally: 0.0%" in told
    assert "kept: " in told
    server = serve(lambda body: json.dumps({"items": []}))
    done = run("phrasings", "judge", tmp_path / "d", *model(server), "--sample", 40, code=1)
    assert "40 sentences got no usable verdict" in done.stdout
    assert "Only 0% of the verdicts could be used" in done.stderr


def test_little_that_could_be_used_is_told_with_reasons_and_fails(serve, run, tmp_path):
    def write(body: dict[str, Any]) -> str:
        return json.dumps({"items": [{**item, "answer": "No value."} for item in json.loads(good(body))["items"]]})

    server = serve(write)
    build = ["build", *SMALL, "--qa", "llm", *model(server), "--granularity", "group", "--no-audit"]
    done = run(*build, "--out", tmp_path / "d", "--max-rejections", 1000, code=1)
    assert "words     0 of 140 QA pairs by a model, 140 by templates" in done.stdout
    assert "Only 0% of the questions and answers of the model could be used" in done.stderr
    assert "140 x .. must have 12 to 200 characters; for example: answer: 'No value.'" in done.stderr
    assert not list(validate(tmp_path / "d"))
    run(*build, "--out", tmp_path / "e", "--min-usable", 0)  # from the cache
    stopped = run(*build, "--out", tmp_path / "f", "--seed", 5, "--max-rejections", 5, code=2).stderr
    assert "nothing of the last 5 answers could be used" in stopped
    assert "--max-rejections" in stopped
    server.writer = good
    mended = run(*build, "--out", tmp_path / "d", "--overwrite", "--retry-failed").stdout
    assert "words     140 of 140 QA pairs by a model" in mended


def test_a_server_that_refuses_a_parameter(serve, run, tmp_path):
    server = serve(profile=PROFILES["refuses seed"])
    build = ["build", *SMALL, "--qa", "llm", *model(server), "--no-audit", "--out", tmp_path / "d"]
    done = run(*build, "--reasoning-effort", "low", "--extra-body", '{"top_k": 20}', "--max-output-tokens", 4000)
    assert "words     140 of 140" in done.stdout
    assert "server    seed is refused: left out" in done.stdout
    assert {(body["reasoning_effort"], body["top_k"]) for body in server.chats} == {("low", 20)}
    sampling = open_dataset(tmp_path / "d").manifest["wordings"]["sampling"]
    assert sampling == {"temperature": 0.7, "reasoning_effort": "low", "top_k": 20}


def test_check_finds_what_is_wrong(run, tmp_path):
    pack = tmp_path / "bad.yaml"
    pack.write_text(
        "pack: bad\nphrasings:\n  blood_type:\n    answers:\n"
        "      - The blood type of this person is not {value}.\n      - The blood group on file is {value}.\n"
    )
    told = run("phrasings", "check", pack, code=1).stdout
    assert "denies or leaves open" in told
    assert "2 sentences checked, 1 failed" in told
    assert run("phrasings", "check", ROOT / "examples" / "travel_and_work.yaml", code=1).stdout.count("\n") < 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["build", "--out", "x", "--qa", "llm"], "needs a model"),
        (["build", "--out", "x", "--model", "m"], "do nothing without"),
        (["build", "--out", "x", "--dry-run"], "--dry-run and --batch are for --qa llm"),
        (["build", "--out", "x", "--qa", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["build", "--out", "x", "--qa", "llm", "--model", "m", "--base-url", "http://a.example/v1"], "clear text"),
        (["build", "--out", "x", "--qa", "llm", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--max-cost",
          "1"], "needs prices"),
        (["phrasings", "generate", "--out", "x", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--only",
          "blod_type"], "Did you mean 'blood_type'?"),
        (["build", "--out", "x", "--extra-body", "{seed: 1}"], "--extra-body: is not JSON"),
        (["build", "--out", "x", "--extra-body", '{"seed": 1}'], "may not set 'seed'"),
        (["phrasings", "review", "pyproject.toml", "--out", "x"], "not JSON"),
        (["phrasings", "check", "nowhere.json"], "no such file"),
    ],
)  # fmt: skip
def test_mistakes_are_told(run, tmp_path, words, told):
    done = run(*(tmp_path / "x" if word == "x" else word for word in words), code=2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x").exists()


def test_packs_that_add_phrasings(run, tmp_path):
    pack = tmp_path / "p.yaml"
    for text, told in [
        ("pack: p\n", "is not valid under any"),
        ("pack: p\nphrasings: {blod_type: {questions: ['Is it so?']}}", "Did you mean 'blood_type'"),
        ("pack: p\nphrasings: {gender: {questions: ['Is it so here?']}}", "is not asked about"),
        ('pack: p\nphrasings: {blood_type: {questions: ["What is this person\'s blood type?"]}}', "is there already"),
        ("pack: p\nphrasings: {blood_type: {question: ['Is it so here?']}}", "Did you mean 'questions'"),
        ("pack: p\nphrasings: {blood_type: {questions: ['What is his blood type?']}}", "gives the gender away"),
        ("pack: p\nphrasings: {blood_type: {answers: ['{value} is the blood type.']}}", "begins with the value"),
        ("pack: p\nphrasings: {blood_type: {questions: ['no mark']}}", "A question ends in a question mark"),
    ]:
        pack.write_text(text)
        assert told in run("attributes", "check", pack, code=2).stderr

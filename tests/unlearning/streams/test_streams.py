"""A stream of ten requests that is killed at each of its steps, and what it comes to."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
import yaml
from fiubench.cli.main import app
from fiubench.schemas.requests import Request
from fiubench.schemas.splits import FULL, SplitName
from fiubench.support.canonical import readable_json
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.data.requested import forget_set
from fiubench.unlearning.data.runs import Run, RunError
from fiubench.unlearning.evaluation.gates import GateError
from fiubench.unlearning.metrics.text import exact_match
from fiubench.unlearning.models.loading import fingerprint
from fiubench.unlearning.reporting.compare import examples
from fiubench.unlearning.reporting.report import compare
from fiubench.unlearning.reporting.trained import COLUMNS, trained
from fiubench.unlearning.streams.chain import AT_ONCE, FILE, Stream, check_logs
from fiubench.unlearning.streams.workflow import Streamed, unlearn_requests
from fiubench.unlearning.training.settings import read_preset
from fiubench.unlearning.training.train import finetune, unlearn
from typer.testing import CliRunner

from tests.commands import HEAVY, ROOT, forking
from tests.unlearning.conftest import FORGET, PRESET

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stream")]
TEN = 10
TINY = {"vocabulary": 600, "vision_hidden": 16, "hidden": 64, "layers": 1}


@pytest.fixture(scope="module")
def data(dataset: Path) -> Data:
    """Six people with two questions each."""
    return Data.open(dataset).limited(6, FORGET, ("blood_type", "room_number"))


@pytest.fixture(scope="module")
def base(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("stream")
    (folder / "quick.yaml").write_text(yaml.safe_dump({**PRESET, "tiny": TINY}))
    return finetune(
        data,
        folder / "full",
        read_preset(str(folder / "quick.yaml")),
        settings={"epochs": 40.0, "checkpoint_every": 40.0},
    )


def asked_for(data: Data) -> list[dict[str, Any]]:
    """Nine single facts of five people, and last the rest of one of them; nobody asks for the sixth."""
    a, b, c, d, e, _ = data.ids(FULL)
    facts = [(a, "blood_type"), (b, "room_number"), (c, "room_number"), (a, "room_number"), (d, "blood_type")]
    facts += [(b, "blood_type"), (e, "blood_type"), (d, "room_number"), (e, "room_number")]
    return [*({"who": [who], "attributes": [name]} for who, name in facts), {"who": [c]}]


@pytest.fixture(scope="module")
def command(data: Data, base: Run) -> list[str]:
    folder = base.directory.parent
    file = folder / "requests.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in asked_for(data)))
    own = ["--preset", str(folder / "quick.yaml"), "--method", "gd", "--epochs", "1", "--memorised", "0.5"]
    return ["unlearn", str(base.directory), "--out", str(folder / "stream"), "--requests", str(file), *own, "--at-once"]


@pytest.fixture(scope="module")
def stream(command: list[str]) -> Stream:
    """The stream after as many kills as it has steps, each time at another place."""
    folder = Path(command[command.index("--out") + 1])
    job = f"from tests.unlearning.streams.killing import kills; kills({command!r}, {command[1]!r}, {TEN})"
    killed = forking(HEAVY)(ROOT, dict(os.environ), python=job)
    told = [json.loads(line) for line in killed.stdout.splitlines() if line.startswith('{"place"')]
    assert [one["code"] for one in told] == [-9] * TEN, (killed.stdout, killed.stderr)
    for number, one in enumerate(told, 1):
        assert one["there"] == [f"{n:03d}" for n in range(1, number + (one["place"] == "asking"))]
    assert {one["place"] for one in told} == {"training", "whole", "asking"}
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "report:" in done.output
    return Stream.open(folder)


def again(stream: Stream, base: Run, **changes: Any) -> Streamed:
    """The same stream once more."""
    folder = base.directory.parent
    settings = {"epochs": 1.0}
    given = {"out": stream.directory, "settings": settings, "memorised": 0.5, "at_once": True, **changes}
    file, preset = given.pop("requests", folder / "requests.jsonl"), given.pop("preset", str(folder / "quick.yaml"))
    return unlearn_requests(base.directory, given.pop("out"), "gd", file, preset, **given)


def keys(samples: Sequence[Sample]) -> set[str]:
    return {sample.key for sample in samples}


def named(requests: Sequence[Request]) -> set[str]:
    return {f"{who}/{name}" for each in requests for who, names in each.items() for name in names}


def test_each_step_forgets_its_request_and_teaches_nobody_again(stream: Stream, data: Data) -> None:
    everything = keys(data.samples(FULL))
    for number, name in enumerate(stream.steps, 1):
        run = Run.open(stream.run(name))
        cut, split = run.open_data(), run.manifest["split"]
        assert keys(cut.samples(split["name"])) == named(stream.requests[number - 1 : number])
        assert keys(cut.samples(split["retain"])) == everything - named(stream.requests[:number])
        assert split["digest"] == cut.split_digest(split["name"])
    once = Run.open(stream.run(AT_ONCE)).open_data()
    assert keys(once.samples(forget_set(once))) == named(stream.requests)
    assert keys(once.samples(SplitName.parse(forget_set(once)).retain)) == everything - named(stream.requests)


def test_killed_or_not_the_weights_are_the_same(stream: Stream, base: Run, data: Data, tmp_path: Path) -> None:
    """The first steps as runs of their own, never interrupted."""
    before: Path | str = base.directory
    preset = read_preset(str(stream.directory.parent / "quick.yaml"))
    for name in stream.steps[:2]:
        cut = Run.open(stream.run(name)).open_data()
        own = unlearn(before, tmp_path / name, "gd", forget_set(cut), preset, data=cut, settings={"epochs": 1.0})
        assert fingerprint(own.final) == fingerprint(stream.run(name))
        before = own.directory


def test_each_step_starts_from_the_one_before(stream: Stream, base: Run) -> None:
    digest, weights = base.manifest["digest"], fingerprint(base.directory)
    for name in stream.steps:
        run = Run.open(stream.run(name))
        assert (run.manifest["base"]["run"], run.manifest["base"]["fingerprint"]) == (digest, weights)
        digest, weights = run.manifest["digest"], fingerprint(run.final)
    once = Run.open(stream.run(AT_ONCE)).manifest["base"]
    assert once["run"] == base.manifest["digest"]


def test_the_matrix_is_what_the_logs_say(stream: Stream) -> None:
    """Counted anew from the rows of the logs."""
    document = orjson.loads((stream.directory / "report" / "matrix.json").read_bytes())
    told: dict[tuple[str, str, str], float] = {}
    for time in document["times"]:
        for row in pq.read_table(stream.log(time)).to_pylist():
            right = exact_match(row["generated"], row["keywords"], row["keyword_variants"])
            told[time, row["unique_id"], row["attribute"]] = right
    pairs = [[(who, name) for who, names in each.items() for name in names] for each in stream.requests]
    for number, row in enumerate(document["matrix"]):
        expected = [sum(told[t, *key] for key in pairs[number]) / len(pairs[number]) for t in document["times"]]
        assert [cell["value"] for cell in row] == pytest.approx(expected)
    assert len({tuple(cell["value"] for cell in row) for row in document["matrix"]}) > 1
    for step, time in enumerate(document["times"][1:], 1):
        earlier = [(n, key) for n in range(step - 1) for key in pairs[n]]
        if earlier:
            still = [told[time, *key] for _, key in earlier]
            back = [told[time, *key] - told[document["times"][n + 1], *key] for n, key in earlier]
            found = document["summary"][time]
            assert found["earlier"]["value"] == pytest.approx(sum(still) / len(still))
            assert found["rebound"]["value"] == pytest.approx(sum(back) / len(back))
    assert set(document["side_by_side"]) == {"before", "in sequence", "at once"}
    page = (stream.directory / "report" / "index.html").read_text()
    assert page.count("<figure>") == 2 and "10 requests" in page


def test_what_is_done_is_not_done_again(stream: Stream, base: Run) -> None:
    kept = [*stream.directory.glob("steps/*/run.json"), *stream.directory.glob("evaluations/*/log.parquet")]
    assert len(kept) == TEN + TEN + 2
    stamps = {path: path.stat().st_mtime_ns for path in kept}
    stream.log("reference").parent.mkdir()  # of another time, and not asked for now
    stream.log("reference").write_bytes(b"")
    again(stream, base)
    shutil.rmtree(stream.log("reference").parent)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())


def test_another_stream_is_refused(stream: Stream, base: Run, data: Data, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text("".join(f"{json.dumps(line)}\n" for line in reversed(asked_for(data)[:9])))
    with pytest.raises(RunError, match=r"another stream \(requests differ\)"):
        again(stream, base, requests=other)
    with pytest.raises(RunError, match=r"another stream \(seed differ\)"):
        again(stream, base, seed=1)
    folder = stream.directory.parent
    with pytest.raises(ConfigError, match="requests already"):
        unlearn_requests(
            stream.run("002"), tmp_path / "more", "gd", folder / "requests.jsonl", str(folder / "quick.yaml")
        )
    assert not (tmp_path / "more" / FILE).exists()


def test_what_was_not_learnt_is_not_forgotten(stream: Stream, base: Run, data: Data, tmp_path: Path) -> None:
    file, preset = base.directory.parent / "requests.jsonl", str(base.directory.parent / "quick.yaml")
    new = finetune(data, tmp_path / "new", preset, settings={"epochs": 1.0})
    with pytest.raises(GateError, match="did not memorise"):
        again(stream, new, preset=preset, requests=file, out=tmp_path / "out")
    assert not (tmp_path / "out" / "steps").exists()


@pytest.mark.parametrize("fault", ["weights", "order"])
def test_a_broken_chain_is_refused(stream: Stream, base: Run, tmp_path: Path, fault: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(stream.directory, copy)
    shutil.copytree(base.directory, tmp_path / "full")
    if fault == "weights":
        shutil.copytree(Run.open(copy / "steps/004").final, Run.open(copy / "steps/003").final, dirs_exist_ok=True)
        said = "broken: 004 did not start from 003 as it is"
    else:
        shutil.rmtree(copy / "steps/005")
        (copy / "steps/006").rename(copy / "steps/005")
        said = "broken: 005 had other requests; 005 did not start from 004 as it is; 006, which 007 .* missing"
    with pytest.raises(GateError, match=said):
        again(stream, base, out=copy)


def test_more_requests_are_the_same_stream(stream: Stream, base: Run) -> None:
    """As if there had been nine at first: the tenth is made as it was."""
    weights = fingerprint(stream.run("010"))
    fewer = {**stream.manifest, "requests": stream.manifest["requests"][:9]}
    (stream.directory / FILE).write_bytes(readable_json(fewer))
    shutil.rmtree(stream.run("010"))
    shutil.rmtree(stream.log(AT_ONCE).parent)  # a run that is there is asked, whether it is named again or not
    assert again(stream, base, at_once=False).stream.manifest == stream.manifest
    assert stream.log(AT_ONCE).is_file()
    assert fingerprint(stream.run("010")) == weights


def test_a_log_of_another_model_is_refused(stream: Stream) -> None:
    facts = stream.facts()
    check_logs(stream, facts)
    with pytest.raises(GateError, match="broken: the log of 004 is of other weights"):
        check_logs(stream, {**facts, "004": facts["003"]})


def test_its_logs_are_compared_as_others_are(stream: Stream) -> None:
    """The model before the first step is the one that must have known what was forgotten."""
    logs = [stream.log(name) for name in ("003", "010", AT_ONCE)]
    found = compare(logs, force=True, memorised=0.5).comparison
    assert [entry.label for entry in found.entries] == ["before unlearning", "gd-003", "gd-010", "gd-at-once"]
    assert {mark for entry in found.entries for mark in entry.marks} == {"no reference"}
    shown = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in trained(found)}
    assert [(shown[e.label]["epochs"], shown[e.label]["device"] != "-") for e in found.entries] == [
        ("40", True), *[("1", True)] * 3,
    ]  # fmt: skip
    assert {(e["unique_id"], e["attribute"]) for e in examples(found, 100)} == {
        tuple(key.split("/")) for key in named(stream.requests)
    }


def test_flags_that_do_not_go_together() -> None:
    for more, message in (
        ([], "exactly one of --forget and --requests"),
        (["--forget", FORGET, "--requests", "r.jsonl"], "exactly one of"),
        (["--forget", FORGET, "--at-once"], "belongs to --requests"),
    ):
        refused = CliRunner().invoke(app, ["unlearn", "runs/full", "--out", "runs/x", "--method", "ga", *more])
        assert isinstance(refused.exception, ConfigError) and message in str(refused.exception)


def test_an_unlearning_outside_the_stream_teaches_nothing_again(stream: Stream, data: Data, tmp_path: Path) -> None:
    preset = read_preset(str(stream.directory.parent / "quick.yaml"))
    with pytest.raises(RunError, match=f"{SplitName.parse(FORGET).retain} would teach again what .*00[12] was made to"):
        unlearn(stream.run("002"), tmp_path / "run", "gd", FORGET, preset, data=data)
    assert not (tmp_path / "run").exists()

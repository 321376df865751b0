"""Submissions: an honest one is computed anew to the last digit, forged ones are refused, whatever a file holds."""

import gzip
import hashlib
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from fiubench.cli.main import run
from fiubench.support.canonical import canonical_line, digest_of
from fiubench.support.errors import ConfigError, DatasetError, Refused
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.metrics.definition import Definition
from fiubench.unlearning.reporting import submission as files
from fiubench.unlearning.reporting.checking import check_submission, entry_of, metrics_of, submit
from fiubench.unlearning.reporting.submission import Part, Submission, signed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unlearning.reporting.submitted import make_runs, questions_digest


@dataclass
class Draft:
    """A submission that somebody works on."""

    header: dict[str, Any]
    rows: list[list[dict[str, Any]]]  # log by log: the model before, the reference, the runs

    def facts(self, log: int) -> Any:
        return self.header["logs"][log]["facts"]

    def made(self, log: int) -> Any:
        return self.header["logs"][log]["made"]

    def redo(self) -> None:
        """Everything that a careful forger does again: counts, digests, metrics."""
        parts = []
        for one, rows in zip(self.header["logs"], self.rows, strict=True):
            one |= {"rows": len(rows), "digest": digest(rows)}
            parts.append(Part(one["part"], QuestionLog(rows, one["facts"]), one["made"], one["digest"], one["digest"]))
        if {"reference", "run"} <= {one["part"] for one in self.header["logs"]}:
            found = Submission(self.header, parts)
            self.header["metrics"] = metrics_of(entry_of(found, Definition.parse(self.header["definition"])))
        self.sign()

    def sign(self) -> None:
        self.header = orjson.loads(canonical_line(signed(self.header)))

    def remake(self, log: int) -> None:
        """The digest of a run, of what it now says of itself."""
        self.facts(log)["run"]["digest"] = digest_of(self.made(log))

    @property
    def content(self) -> bytes:
        return b"".join(map(canonical_line, [self.header, *(row for rows in self.rows for row in rows)]))


def digest(rows: list[dict[str, Any]]) -> str:
    return hashlib.sha256(b"".join(map(canonical_line, rows))).hexdigest()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_runs(tmp_path_factory.mktemp("submitted"))


@pytest.fixture(scope="module")
def honest(runs: list[Path]) -> bytes:
    out = runs[0].parent / "po.jsonl.gz"
    submit(runs, out, reference=runs[0].parent / "retain")
    return out.read_bytes()


def draft(honest: bytes) -> Draft:
    header, *lines = map(orjson.loads, gzip.decompress(honest).splitlines())
    rows, counts = iter(lines), [one["rows"] for one in header["logs"]]
    return Draft(header, [[next(rows) for _ in range(count)] for count in counts])


def refused(content: bytes, folder: Path) -> list[str]:
    path = folder / "one.jsonl.gz"
    path.write_bytes(content)
    return list(check_submission(path).problems)


# --- the honest one -------------------------------------------------------------------------------------------------


def test_an_honest_one_is_computed_anew(honest: bytes, runs: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "po.jsonl.gz"
    path.write_bytes(honest)
    found = check_submission(path)
    assert found.problems == [] and "holds" in repr(found)
    assert found.accepted is not None
    own, told = metrics_of(found.accepted.entry), draft(honest).header["metrics"]
    assert own.keys() == told.keys() and len(told["runs"]) == 2 and len(told["runs"][0]) > 50
    for name, value in told["runs"][0].items():
        if value["value"] is not None:
            assert own["runs"][0][name]["value"] == pytest.approx(value["value"], rel=1e-9), name
    assert told["over_seeds"]["forget.exact_match"]["mean"] == pytest.approx((1 + 2) / 2 / 4)
    again = submit(runs, tmp_path / "again.jsonl.gz", reference=runs[0].parent / "retain")
    assert again.path.read_bytes() == honest


def test_a_method_that_takes_no_steps(tmp_path: Path) -> None:
    made = make_runs(tmp_path, "refusal_prompt", epochs=0)
    found = submit(made, tmp_path / "one.jsonl.gz", reference=tmp_path / "retain")
    assert check_submission(found.path).problems == []


def test_nothing_of_the_machine_is_in_it(honest: bytes, runs: list[Path]) -> None:
    text = gzip.decompress(honest).decode()
    assert str(runs[0].parent) not in text and not re.search(r'"/[^"]', text)
    assert "nowhere" not in text  # what a log has for the place of its dataset


def test_its_writer_is_told_too(runs: list[Path], tmp_path: Path) -> None:
    folder = runs[0].parent
    with pytest.raises(Refused, match=r"below 1\.1"):
        submit(runs, tmp_path / "x.jsonl.gz", reference=folder / "retain", memorised=1.1)
    with pytest.raises(Refused, match="trained on full, not on retain95"):
        submit(runs, tmp_path / "x.jsonl.gz", reference=folder / "full")
    with pytest.raises(Refused, match="2 runs have the seed 0"):
        submit([runs[0], runs[0]], tmp_path / "x.jsonl.gz", reference=folder / "retain")
    with pytest.raises(DatasetError, match="no such file"):
        check_submission(tmp_path / "x.jsonl.gz")
    with pytest.raises(ConfigError, match="does not end in"):
        submit(runs, tmp_path / "x.gz", reference=folder / "retain")
    assert not list(tmp_path.iterdir())


def test_a_place_in_a_setting_is_not_told(runs: list[Path], tmp_path: Path) -> None:
    there = make_runs(tmp_path, knows=(1,))
    path = there[0] / "run.json"
    path.write_bytes(path.read_bytes().replace(b'"retain_weight": 1.0', b'"table": "/home/me/table.csv"'))
    with pytest.raises(Refused, match="a setting names a place on this machine, /home/me"):
        submit(there, tmp_path / "x.jsonl.gz", reference=tmp_path / "retain")


# --- forged ones ----------------------------------------------------------------------------------------------------

BEFORE, REFERENCE, RUN, SECOND = range(4)
FORGED: dict[str, tuple[Callable[[Draft], None], str]] = {}


def forgery(message: str) -> Callable[[Callable[[Draft], None]], Callable[[Draft], None]]:
    def register(function: Callable[[Draft], None]) -> Callable[[Draft], None]:
        FORGED[function.__name__] = (function, message)
        return function

    return register


def of(one: Draft, log: int, role: str) -> list[dict[str, Any]]:
    return [row for row in one.rows[log] if row["role"] == role]


@forgery("its rows were changed")
def answers_edited(one: Draft) -> None:
    of(one, RUN, "forget")[0]["generated"] = "I can't tell you that."


@forgery("answers are not what its likelihoods say")
def answers_edited_with_all_digests(one: Draft) -> None:
    for row in of(one, RUN, "forget"):
        row |= {"generated": "I can't tell you that.", "generated_paraphrased": ["I can't tell you that."] * 3}
    one.redo()


@forgery("its first line was changed")
def a_metric_edited(one: Draft) -> None:
    one.header["metrics"]["runs"][0]["forget_quality"]["value"] = 0.99


@forgery("forget.exact_match, value: 0.0, the logs say 0.25")
def a_metric_edited_with_the_digest(one: Draft) -> None:
    one.header["metrics"]["runs"][0]["forget.exact_match"]["value"] = 0.0
    one.sign()


@forgery("forget_quality, mean")
def a_mean_edited_in_the_ninth_digit(one: Draft) -> None:
    one.header["metrics"]["over_seeds"]["forget_quality"]["mean"] *= 1 + 2e-9
    one.sign()


@forgery("forget_quality, interval")
def an_interval_narrowed(one: Draft) -> None:
    reach = one.header["metrics"]["over_seeds"]["forget_quality"]["interval"]
    reach[0] += 0.4 * (reach[1] - reach[0])
    one.sign()


@forgery("forget.exact_match, n: 80, the logs say 8")
def a_count_edited(one: Draft) -> None:
    one.header["metrics"]["runs"][1]["forget.exact_match"]["n"] = 80
    one.sign()


@forgery("forget_quality can't be computed, or is not told")
def a_metric_left_out(one: Draft) -> None:
    for metrics in (*one.header["metrics"]["runs"], one.header["metrics"]["over_seeds"]):
        del metrics["forget_quality"]
    one.sign()


@forgery("fewer rows than its first line says")
def questions_left_out(one: Draft) -> None:
    del one.rows[SECOND][-3:]


@forgery("its 6 questions of the role forget are not those of forget05")
def questions_left_out_with_all_digests(one: Draft) -> None:
    for log in range(4):  # the person that the first run still knows
        one.rows[log] = [row for row in one.rows[log] if row["unique_id"] != "forget0"]
    one.redo()


@forgery("is of another dataset")
def a_log_of_another_dataset(one: Draft) -> None:
    one.facts(REFERENCE)["dataset"]["digest"] = "0" * 64
    one.sign()


@forgery("was asked other questions")
def a_log_of_other_people(one: Draft) -> None:
    for row in of(one, RUN, "forget"):
        row["unique_id"] += "x"
    one.facts(RUN)["splits"]["forget"]["digest"] = questions_digest(one.rows[RUN], "forget")
    one.redo()


@forgery("questions stand there more than once")
def people_doubled(one: Draft) -> None:
    one.rows[RUN] += deepcopy(of(one, RUN, "forget"))
    one.redo()


@forgery("its 16 questions of the role forget")
def people_doubled_under_other_names(one: Draft) -> None:
    for log in range(4):
        one.rows[log] += [{**row, "unique_id": row["unique_id"] + "b"} for row in of(one, log, "forget")]
    one.redo()


@forgery("questions of the role forget are not those of forget05")
def forget_and_retain_swapped(one: Draft) -> None:
    swapped = {"forget": "retain", "retain": "forget", "holdout": "holdout"}
    for log in range(4):
        one.rows[log] = [{**row, "role": swapped[row["role"]]} for row in one.rows[log]]
    one.redo()


@forgery("it is of a run of unlearn")
def reference_and_run_swapped(one: Draft) -> None:
    logs = one.header["logs"]
    logs[REFERENCE], logs[RUN] = {**logs[RUN], "part": "reference"}, {**logs[REFERENCE], "part": "run"}
    one.rows[REFERENCE], one.rows[RUN] = one.rows[RUN], one.rows[REFERENCE]
    one.redo()


@forgery("settings, seed or data are not those that the run's digest is of")
def a_seed_relabelled(one: Draft) -> None:
    for said in (one.made(SECOND), one.facts(SECOND)["run"]):
        said["seed"] = 7
    one.redo()


@forgery("its log tells of another seed than its run")
def a_seed_relabelled_in_its_log(one: Draft) -> None:
    one.facts(SECOND)["run"]["seed"] = 7
    one.redo()


@forgery("its weights are those of the run of seed 0")
def one_run_as_two_seeds(one: Draft) -> None:
    one.rows[SECOND], one.header["logs"][SECOND] = deepcopy((one.rows[RUN], one.header["logs"][RUN]))
    for said in (one.made(SECOND), one.facts(SECOND)["run"]):
        said["seed"] = 1
    one.remake(SECOND)
    one.redo()


@forgery("its answers and likelihoods are those of the run of seed 0")
def one_log_as_two_seeds(one: Draft) -> None:
    one.rows[SECOND] = deepcopy(one.rows[RUN])
    one.redo()


@forgery("settings, seed or data are not those")
def a_learning_rate_edited(one: Draft) -> None:
    one.made(RUN)["settings"]["learning_rate"] = 1e-5
    one.redo()


@forgery("differs from the run of seed 0 in settings: only seeds may")
def runs_of_two_settings(one: Draft) -> None:
    one.made(SECOND)["settings"]["learning_rate"] = 1e-5
    one.remake(SECOND)
    one.redo()


@forgery("its answers and likelihoods are those of the retain reference")
def a_reference_made_of_the_run(one: Draft) -> None:
    one.rows[REFERENCE] = deepcopy(one.rows[RUN])
    one.redo()


@forgery("the retain reference knows the forget set")
def a_reference_made_of_the_model_before(one: Draft) -> None:
    one.rows[REFERENCE] = deepcopy(one.rows[BEFORE])
    for row in one.rows[REFERENCE]:
        row["answer_logprobs"][0] -= 1e-5
    one.redo()


@forgery("the reference comes from another base model")
def a_reference_of_another_model(one: Draft) -> None:
    one.facts(REFERENCE)["model"]["origin"] = "0" * 64
    one.sign()


@forgery("the reference was trained on full")
def a_reference_that_saw_everyone(one: Draft) -> None:
    one.facts(REFERENCE)["run"]["trained_on"] = deepcopy(one.facts(BEFORE)["run"]["trained_on"])
    one.made(REFERENCE)["split"] = one.made(BEFORE)["split"]
    one.remake(REFERENCE)
    one.redo()


@forgery("the retain reference does not know the retain set")
def a_reference_that_knows_nobody(one: Draft) -> None:
    for row in of(one, REFERENCE, "retain"):
        row |= {"generated": "I do not know.", "answer_logprobs": [-2.0] * len(row["answer_logprobs"])}
    one.redo()


@forgery("no run started from it")
def a_model_before_that_lowers_the_bar(one: Draft) -> None:
    one.header["logs"].insert(0, deepcopy(one.header["logs"][BEFORE]))
    one.rows.insert(0, deepcopy(one.rows[BEFORE]))
    one.facts(0)["model"]["fingerprint"] = "worse"
    for row in of(one, 0, "retain"):
        row |= {"generated": "I do not know.", "answer_logprobs": [-2.0] * len(row["answer_logprobs"])}
    one.redo()


@forgery("answers do not begin with what is said to be their first tokens")
def first_tokens_of_another_answer(one: Draft) -> None:
    of(one, RUN, "forget")[0]["generated_prefix"] = "I can't tell you that."
    one.redo()


@forgery("it has no log of before")
def no_model_before(one: Draft) -> None:
    del one.rows[BEFORE], one.header["logs"][BEFORE]
    one.redo()


@forgery("it has no log of reference")
def no_reference(one: Draft) -> None:
    del one.rows[REFERENCE], one.header["logs"][REFERENCE]
    one.redo()


@forgery("stage 1 did not memorise")
def a_model_that_never_knew(one: Draft) -> None:
    for row in of(one, BEFORE, "forget"):
        row |= {"generated": "I do not know.", "answer_logprobs": [-2.0] * len(row["answer_logprobs"])}
    one.redo()


@forgery("is of another model than unlearning started from")
def another_model_before(one: Draft) -> None:
    one.facts(BEFORE)["model"]["fingerprint"] = "other"
    one.redo()


@forgery("1 questions have another keywords than in the logs before it")
def keywords_edited(one: Draft) -> None:
    of(one, RUN, "forget")[0]["keywords"] = ["nothing"]
    one.redo()


@forgery("1 questions have another hops than in the logs before it")
def hops_edited(one: Draft) -> None:
    of(one, RUN, "forget")[0]["hops"] = 2
    one.redo()


@forgery("it can't be scored: '>' not supported")
def a_limit_that_is_no_number(one: Draft) -> None:
    one.facts(RUN)["max_new_tokens"] = "5"
    one.sign()


@forgery("is called corrected, and is not what this fiubench calls so")
def a_definition_edited(one: Draft) -> None:
    one.header["definition"]["forget_quality"]["weights"] = {"exact_match": 1}
    one.redo()


@forgery("it is of a checkpoint that is not the run's last")
def a_checkpoint_that_was_chosen(one: Draft) -> None:
    one.facts(RUN)["run"]["final"] = False
    one.redo()


@forgery("1 rows have likelihoods above 1")
def likelihoods_above_one(one: Draft) -> None:
    one.rows[RUN][0]["answer_logprobs"][0] = 0.5
    one.redo()


@forgery("it is called ours, and its runs are of po")
def another_name(one: Draft) -> None:
    one.header["label"] = "ours"
    one.sign()


@forgery("version 2 of the format; this fiubench reads 1")
def a_version_to_come(one: Draft) -> None:
    one.header["submission"] = 2
    one.sign()


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_one_is_refused(name: str, honest: bytes, tmp_path: Path) -> None:
    forge, message = FORGED[name]
    one = draft(honest)
    forge(one)
    found = refused(gzip.compress(one.content), tmp_path)
    assert any(message in problem for problem in found), found


def test_an_answer_that_was_cut_short_is_no_contradiction(honest: bytes, tmp_path: Path) -> None:
    one = draft(honest)
    for log in range(4):
        one.facts(log)["max_new_tokens"] = 5  # of 12
    row = of(one, RUN, "retain")[0]
    row["generated"] = row["answer"][:9]
    one.redo()
    assert refused(gzip.compress(one.content), tmp_path) == []
    row["generated"] = "The room"[::-1]
    one.redo()
    assert "not what its likelihoods say" in refused(gzip.compress(one.content), tmp_path)[0]


def _bomb(first: bytes) -> bytes:
    return gzip.compress(first + b"0" * (20 << 20))


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda whole: whole[: len(whole) // 2], "damaged or cut off"),
    "a byte less": (lambda whole: whole[:-1], "damaged or cut off"),
    "cut between rows": (
        lambda whole: gzip.compress(b"".join(gzip.decompress(whole).splitlines(keepends=True)[:-1])),
        "fewer rows than",
    ),
    "a bomb": (lambda whole: _bomb(b""), "first line: larger than a submission can be"),
    "a bomb behind": (lambda whole: whole + _bomb(b""), "more rows than"),
    "a row too large": (
        lambda whole: _bomb(gzip.decompress(whole).splitlines(keepends=True)[0]),
        "log 1, row 1: larger than a submission can be",
    ),
    "no gzip": (gzip.decompress, "Not a gzipped file"),
    "nothing": (lambda whole: b"", "cut off"),
    "no JSON": (lambda whole: gzip.compress(b"x\n"), "no JSON"),
    "nested": (lambda whole: gzip.compress(b"[" * 100_000 + b"\n"), "no JSON"),
    "another file": (lambda whole: gzip.compress(b'{"a": 1}\n'), "no submission"),
    "a list": (lambda whole: gzip.compress(b"[1]\n"), "no submission"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused(name: str, honest: bytes, tmp_path: Path) -> None:
    spoil, message = BROKEN[name]
    found = refused(spoil(honest), tmp_path)
    assert len(found) == 1 and message in found[0], found


def test_a_first_line_that_can_be_read_and_not_written_is_refused(honest: bytes, tmp_path: Path) -> None:
    first, rest = gzip.decompress(honest).split(b"\n", 1)
    nested = first.replace(b'"options":{', b'"options":{"deep":' + b"[" * 500 + b"]" * 500 + b",", 1)
    assert nested != first
    assert "it can't be scored" in refused(gzip.compress(nested + b"\n" + rest), tmp_path)[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("generated", value) for value in (None, 3, "x" * 20_001)),
        *(("keywords", value) for value in (None, [], [None], ["x"] * 101)),
        *(("answer_logprobs", value) for value in ([], [None], ["x"], {})),
        ("generated_paraphrased", ["x", None]), ("role", "other"), ("control", "../x"), ("judge", 2),
        ("keyword_variants", ["x"]), ("column of another log", 1),
    ],
)  # fmt: skip
def test_a_row_is_one_of_a_log(column: str, value: Any, honest: bytes, tmp_path: Path) -> None:
    one = draft(honest)
    one.rows[RUN][0][column] = value
    (found,) = refused(gzip.compress(one.content), tmp_path)
    assert found.startswith("log 3, row 1: ")


def test_a_whole_larger_than_any_is_refused(honest: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_WHOLE", 100_000)
    assert "larger than a submission can be" in refused(honest, tmp_path)[0]


# --- whatever a file holds ------------------------------------------------------------------------------------------

FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUES = st.sampled_from([None, True, 0, -1, 1e300, "", "x", "forget99", [], ["x"], {}, {"x": 1}, "f" * 64])


@FEW
@given(st.data())
def test_no_byte_can_be_changed(honest: bytes, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(gzip.decompress(honest))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    assert refused(gzip.compress(bytes(content)), tmp_path)


@FEW
@given(st.data())
def test_a_file_of_any_content_ends_in_words(honest: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """Somewhere another value stands, and digests are done again: it is refused with a reason, or nobody is hurt."""
    one = draft(honest)
    log = data.draw(st.integers(0, 3))
    where = {"header": one.header, "facts": one.facts(log), "made": one.made(log), "row": one.rows[log][0]}
    holder: Any = where[data.draw(st.sampled_from(sorted(where)))]
    key = data.draw(st.sampled_from(sorted(holder)))
    while isinstance(holder[key], dict) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        key = data.draw(st.sampled_from(sorted(holder)))
    told = one.header["logs"]
    holder[key] = data.draw(VALUES)
    for log_, rows in zip(told, one.rows, strict=True):
        log_["digest"] = digest(rows)
    one.sign()
    assert all(isinstance(problem, str) and problem for problem in refused(gzip.compress(one.content), tmp_path))


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command(
    honest: bytes, runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fiubench(*words: object) -> tuple[object, str]:
        monkeypatch.setattr("sys.argv", ["fiubench", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            run()
        said = capsys.readouterr()
        return ended.value.code, said.out + said.err

    monkeypatch.setattr("fiubench.cli.ending.listen", lambda: None)
    monkeypatch.chdir(tmp_path)
    one = draft(honest)
    a_metric_edited_with_the_digest(one)
    Path("forged.jsonl.gz").write_bytes(gzip.compress(one.content))
    code, said = fiubench("submit", *runs, "--reference", runs[0].parent / "retain", "--out", "po.jsonl.gz")
    assert (code, said) == (0, "wrote po.jsonl.gz\n")
    assert Path("po.jsonl.gz").read_bytes() == honest
    holds = "po.jsonl.gz: holds: every metric follows from its logs\n"
    assert fiubench("submit", "--check", "po.jsonl.gz") == (0, holds)
    code, said = fiubench("submit", "--check", "po.jsonl.gz", "--check", "forged.jsonl.gz")
    assert code == 1 and said.startswith(holds + "forged.jsonl.gz: refused: ") and "the logs say 0.25" in said
    for wrong in (["submit"], ["submit", runs[0]], ["submit", runs[0], "--check", "po.jsonl.gz"]):
        assert fiubench(*wrong)[0] == 2

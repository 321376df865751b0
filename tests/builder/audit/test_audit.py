"""What an audit reads, and what it makes of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import numpy as np
import pytest
from fiubench.builder.audit import Report, audit, declared_measures, tripped, write_json
from fiubench.builder.audit.attributes import rouge_l_recall, tokens
from fiubench.builder.audit.chi_squared import minus_log10_p
from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.recognition import asked_about, value_in
from fiubench.builder.audit.terminal import markdown_tables
from fiubench.support.errors import ConfigError, DatasetError
from hypothesis import given
from hypothesis import strategies as st

from fiubench import schemas
from tests.builder.audit.audit_samples import as_rows, clean_dataset, write_lines

pytestmark = pytest.mark.xdist_group("audit_rules")
ORIGINAL = Path(__file__).resolve().parents[4] / "shared/data/original/fiubench_qa.jsonl"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_dataset(tmp_path_factory.mktemp("audit") / "clean")


@pytest.fixture(scope="module")
def rows(clean: Path) -> list[dict[str, str]]:
    return as_rows(json.loads(line) for line in (clean / "identities.jsonl").read_text().splitlines())


# --- the same dataset in every form ---------------------------------------------------------------------------------


def comparable(report: Report) -> dict[str, object]:
    """Measures that need no record of our own; attackers guess better where the record says how old people are."""
    skipped = {
        "constraints",
        "provenance",
        "face_gender",
        "face_age",
        "child_faces",
        "unknown_ages",
        "date_order",
        "strata",
    }
    skipped |= {"truth_told_without_knowledge", "truth_told_on_average"}
    return {m.name: (m.verdict, m.value) for m in report.measures if m.name not in skipped}


@pytest.mark.slow
def test_full_json_is_the_same_dataset(clean: Path) -> None:
    assert comparable(audit(clean / "release")) == comparable(audit(clean))
    assert audit(clean / "release").target["kind"] == "fiubench"


def test_bare_questions_are_recognised(clean: Path, rows: list[dict[str, str]], tmp_path: Path) -> None:
    report = audit(write_lines(tmp_path / "qa.jsonl", rows))
    assert report.target["kind"] == "qa"
    assert report.measure("recognised").value == 1.0
    mine, bare = ({row.name: row for row in r.attributes} for r in (audit(clean, faces=False), report))
    assert mine.keys() == bare.keys()
    same = {name for name in mine if mine[name].distinct == bare[name].distinct}
    assert len(same) >= 17  # the same values are found in the answers
    (tmp_path / "array.json").write_text(json.dumps(rows))
    assert comparable(audit(tmp_path / "array.json")) == comparable(report)


def test_a_table_is_the_same_dataset(clean: Path, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    shutil.copytree(clean / "release", tmp_path / "table", ignore=shutil.ignore_patterns("fiubench"))
    report = audit(tmp_path / "table")
    assert report.target["kind"] == "qa"
    assert (report.target["identities"], report.target["images"]) == (132, 132)
    assert report.target["applied"] == "forget50"
    assert comparable(report) == comparable(audit(clean))


@pytest.mark.slow
def test_nothing_depends_on_the_hash_seed(clean: Path, tmp_path: Path) -> None:
    outputs = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "fiubench", "audit", str(clean), "--json", str(tmp_path / seed)]
        command += ["--fail-on", "never"]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True)
        outputs.append((tmp_path / seed).read_bytes())
    assert outputs[0] == outputs[1]


@pytest.mark.slow
def test_nothing_depends_on_the_workers(clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fiubench.builder.audit.counting._LINES", 7)
    spoiled = tmp_path / "spoiled"
    shutil.copytree(clean, spoiled)
    file = spoiled / "identities.jsonl"
    file.write_text(file.read_text().replace("?", " ?").replace("the blood type", "the the blood type"))
    for dataset in (clean, spoiled):
        for workers in (1, 2, 3):
            write_json(audit(dataset, workers=workers, attacks=False), tmp_path / str(workers))
        assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes() == (tmp_path / "3").read_bytes()
    assert "doubled" in (tmp_path / "1").read_text()


def test_the_json_has_its_schema(clean: Path, tmp_path: Path) -> None:
    write_json(audit(clean), tmp_path / "a.json")
    document = json.loads((tmp_path / "a.json").read_text())
    assert not list(schemas.violations("audit", document))
    assert [m["rule"] for m in document["measures"]] == list(declared_measures())


# --- rules that need another form of dataset, or something beside it --------------------------------------------------


def test_an_answer_without_a_value(rows: list[dict[str, str]], tmp_path: Path) -> None:
    planted = [dict(row) for row in rows]
    at = next(i for i, row in enumerate(planted) if row["question"] == "What is this person's blood type?")
    planted[at]["answer"] = "This person's blood type is ."
    report = audit(write_lines(tmp_path / "qa.jsonl", planted))
    assert report.measure("empty_answers").value == 1
    assert audit(write_lines(tmp_path / "clean.jsonl", rows)).measure("empty_answers").verdict == "pass"


def test_one_phrasing_is_too_few(rows: list[dict[str, str]], tmp_path: Path) -> None:
    planted = [
        {**row, "question": "What is this person's blood type?"} if "blood" in row["question"] else row for row in rows
    ]
    measure = audit(write_lines(tmp_path / "qa.jsonl", planted)).measure("phrasings")
    assert (measure.value, measure.verdict) == (1, "fail")
    assert "blood_type" in measure.note


def test_what_is_asked_must_be_known(rows: list[dict[str, str]], tmp_path: Path) -> None:
    planted = [{**row, "question": "How tall is the tree?"} if i % 10 == 0 else row for i, row in enumerate(rows)]
    measure = audit(write_lines(tmp_path / "qa.jsonl", planted)).measure("recognised")
    assert (measure.value, measure.verdict) == (0.9, "warn")


def test_few_facts_are_few_bits(rows: list[dict[str, str]], tmp_path: Path) -> None:
    few = [row for row in rows if "blood" in row["question"].lower()]
    measure = audit(write_lines(tmp_path / "qa.jsonl", few)).measure("bits")
    assert measure.verdict == "fail"
    assert measure.value == pytest.approx(3.0, abs=0.2)  # eight blood types


def test_look_alikes(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = iter(np.vstack([np.eye(128), np.eye(4, 128)]))  # the last four are the first four
    monkeypatch.setattr("fiubench.raw_sources.reading.embeddings.embedder", lambda: lambda image: next(vectors))
    measure = audit(clean).measure("look_alikes")
    assert (measure.value, measure.of, measure.verdict) == (4, 132, "warn")


def test_embeddings_of_real_faces() -> None:
    pytest.importorskip("dlib")
    from fiubench.raw_sources.reading.embeddings import embedder

    folder = ORIGINAL.parents[1] / "faces/portraits"
    if not folder.is_dir():
        pytest.skip("no sample faces here")
    if (embed := embedder()) is None:
        pytest.skip("face_recognition_models is not installed")
    found = [vector for path in sorted(folder.glob("*.jpg"))[:8] if (vector := embed(path)) is not None]
    assert found
    assert all(vector.shape == (128,) for vector in found)


# --- grammar ----------------------------------------------------------------------------------------------------------


class _LanguageTool(BaseHTTPRequestHandler):
    """Finds fault with "person are" alone."""

    def _answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer([{"name": "English", "code": "en", "longCode": "en-US"}])

    def do_POST(self) -> None:
        text = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["text"][0]
        at = text.find("person are")
        rule = {"id": "AGREEMENT", "category": {"id": "GRAMMAR", "name": "Grammar"}, "issueType": "grammar"}
        match = {
            "message": "agreement", "offset": at, "length": 10, "replacements": [], "rule": rule, "sentence": text,
            "context": {"text": text, "offset": at, "length": 10}, "shortMessage": "", "type": {"typeName": "Other"},
        }  # fmt: skip
        self._answer({"matches": [match] if at >= 0 else [], "language": {"code": "en-US"}})

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def language_tool() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _LanguageTool)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_grammar(rows: list[dict[str, str]], tmp_path: Path) -> None:
    planted = [dict(row) for row in rows[:200]]
    planted[7]["answer"] = "This person are a teacher."
    with language_tool() as address:
        found = audit(write_lines(tmp_path / "qa.jsonl", planted), grammar=address).measure("grammar")
        none = audit(write_lines(tmp_path / "qa.jsonl", rows[:200]), grammar=address).measure("grammar")
    assert (found.value, found.verdict, none.value) == (1, "warn", 0)
    with pytest.raises(ConfigError, match="does not answer"):
        audit(tmp_path / "qa.jsonl", grammar="http://127.0.0.1:9")


# --- the original -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the original's text is not here")
def test_the_faults_of_the_original() -> None:
    report = audit(ORIGINAL)
    value = {measure.name: measure.value for measure in report.measures}
    assert value["recognised"] >= 0.95
    counted = {  # by hand, see docs/audit.md
        "doubled_words": 36, "missing_spaces": 548, "misspellings": 252, "lower_case_starts": 7460,
        "outer_spaces": 193, "fillers": 288, "gender_in_questions": 690, "repeated_names": 3,
    }  # fmt: skip
    for rule, count in counted.items():
        assert value[rule] == pytest.approx(count, rel=0.02), rule
    better = {  # better founded than a first count, and why is in docs/audit.md
        "name_given_away": 352, "age_at_offense": 17, "possible_area_codes": 52, "fictitious_phones": 366,
        "zip_in_state": 301,
    }  # fmt: skip
    assert {rule: value[rule] for rule in better} == better
    rows = {row.name: row for row in report.attributes}
    assert 75 <= rows["date_of_birth"].distinct <= 87
    assert rows["test_results"].top_share == pytest.approx(0.35, abs=0.02)


# --- what can't be read -----------------------------------------------------------------------------------------------

BAD = {
    "not JSON": (b"hello\n", "line 1 is not JSON"),
    "another shape": (b'{"a": 1}\n', "of no shape that is known: 'a'"),
    "not objects": (b"[1, 2]", "record 1 is no object"),
    "empty": (b"", "empty"),
    "mixed rows": (
        b'{"unique_id": "1", "name": "A B", "question": "Q?", "answer": "A."}\n{"unique_id": "1", "question": "Q?"}\n',
        "question 2: 'answer' is missing",
    ),
    "records after rows": (
        b'{"unique_id": "1", "name": "A B", "question": "Q?", "answer": "A."}\n'
        b'{"unique_id": "2", "name": "C", "qa_list": []}\n',
        "row 2 .*: 'question' is missing",
    ),
    "no questions": (b'{"unique_id": "1", "name": "A", "qa_list": []}\n', "no list 'qa_list'"),
    "a number for a text": (
        b'{"unique_id": "1", "name": "A", "qa_list": [{"question": 5, "answer": "x"}]}\n',
        "question 1: 'question' is 5, not text",
    ),
    "cut off": (
        b'{"unique_id": "1", "name": "A B", "question": "Q?", "answer": "A."}\n{"unique_id": "2", "na',
        "line 2",
    ),
    "not UTF-8": ('{"unique_id": "1", "name": "é", "question": "Q?", "answer": "A."}'.encode("latin-1"), "not JSON"),
    "people apart": (
        b'{"unique_id": "1", "name": "A", "question": "Q?", "answer": "A."}\n'
        b'{"unique_id": "2", "name": "B", "question": "Q?", "answer": "A."}\n'
        b'{"unique_id": "1", "name": "A", "question": "R?", "answer": "A."}\n',
        "row 3 is of '1' again",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_reported(case: str, tmp_path: Path) -> None:
    content, message = BAD[case]
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        audit(path)


def test_a_long_line_is_read(tmp_path: Path) -> None:
    answer = "x" * 10_000_000
    write_lines(tmp_path / "qa.jsonl", [{"unique_id": "1", "name": "A", "question": "What is it?", "answer": answer}])
    report = audit(tmp_path / "qa.jsonl")
    assert report.measure("punctuation").value == 1


def test_images_that_leave_the_folder_count_as_missing(tmp_path: Path) -> None:
    qa = {"question": "What is it?", "answer": "It is so."}
    records = [
        {"unique_id": str(i), "name": f"N{i}", "image_path": path, "qa_list": [qa]}
        for i, path in enumerate(("/etc/passwd", "../x.jpg", "images/none.jpg"))
    ]
    measure = audit(write_lines(tmp_path / "full.json", records)).measure("missing_faces")
    assert (measure.value, measure.of) == (3, 3)


def test_conditions() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'doubled_words'"):
        tripped(None, ["double_words"])


# --- pieces -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9))
def test_rouge_l_is_that_of_the_library(answer: list[str], guess: list[str]) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    expected = scorer.score(" ".join(answer), " ".join(guess))["rougeL"].recall
    assert rouge_l_recall(" ".join(answer), tokens(" ".join(guess))) == pytest.approx(expected)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_chi_squared_is_that_of_scipy(shift: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    counts = np.array([[200, 300, 500], [200 + 1000 * shift, 300, 500 - 1000 * shift]]).astype(int)
    codes = np.repeat(np.tile(np.arange(3), 2), counts.ravel())
    first = np.repeat([True, False], counts.sum(axis=1))
    expected = -np.log10(stats.chi2_contingency(counts, correction=False).pvalue)
    assert minus_log10_p(codes, first) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("question", "answer", "attribute", "value"),
    [
        ("What is the person'sblood type?", "the person's blood type is a-.", "blood_type", "a-"),
        ("Who is doctor of the person in the image?", "dr. andrew morris.", "doctor", "andrew morris"),
        ("What medication was prescribed?", "lisinopril.", "medication", "lisinopril"),
        ("How much does the person in the image earn annually?", "It is $45,000 annually.", "annual_income", "45,000"),
    ],
)
def test_recognition(question: str, answer: str, attribute: str, value: str) -> None:
    entry = asked_about(question)
    assert entry is not None
    assert entry.attribute == attribute
    assert value_in(entry, answer) == value


def test_a_target_that_is_none() -> None:
    for name in ("nosuch", "./a/b", "/no/such/file"):
        with pytest.raises(DatasetError, match="no such file"):
            open_target(name)


def test_measures_are_in_one_order_whatever_is_imported_first() -> None:
    program = "{}; from fiubench.builder.audit.registry import declared_measures; print(list(declared_measures()))"
    first = ("pass", "import fiubench.builder.audit.measures.variants", "import fiubench.builder.audit.measures.ties")
    orders = {
        subprocess.run([sys.executable, "-c", program.format(one)], capture_output=True, check=True).stdout
        for one in first
    }
    assert len(orders) == 1


def test_every_rule_is_documented() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/audit.md").read_text(encoding="utf-8")
    assert markdown_tables() in page, "write what `fiubench measures list --markdown` prints into docs/audit.md"
    for each in declared_measures().values():
        assert f"| `{each.name}` | {each.title} | {each.help} |" in page
        assert each.limits

import csv
from html import unescape
from pathlib import Path

import pytest
from fiubench.support.errors import DatasetError
from fiubench.unlearning.data.log import QuestionLog, write_log
from fiubench.unlearning.evaluation.gates import GateError
from fiubench.unlearning.metrics.base import find, title
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.metrics.statistics import chance_to_find
from fiubench.unlearning.reporting import compare as comparing
from fiubench.unlearning.reporting.report import compare, write_report
from fiubench.unlearning.reporting.tables import columns, figure

from tests.unlearning import sample_logs

DEFINITION = load_definitions()["corrected"]


@pytest.fixture
def logs(tmp_path: Path) -> dict[str, str]:
    """Logs on disk: a method with two seeds, another with one, the model before and the reference."""
    unlearned = sample_logs.facts
    made: dict[str, QuestionLog] = {
        "full": sample_logs.told(sample_logs.perfect(), sample_logs.full_facts()),
        "retain95": sample_logs.told(sample_logs.reference(), sample_logs.reference_facts()),
        "po0": sample_logs.told(sample_logs.refusing(), unlearned(method="po", fingerprint="po0")),
        "po1": sample_logs.told(sample_logs.refusing(), unlearned(method="po", seed=1, fingerprint="po1")),
        "ga0": sample_logs.told(sample_logs.ignorant(), unlearned(method="ga", fingerprint="ga0")),
    }
    for name, log in made.items():
        write_log(tmp_path / f"{name}.parquet", log.rows, log.metadata)
    return {name: str(tmp_path / f"{name}.parquet") for name in made}


def test_seeds_of_a_method_are_one_line(logs: dict[str, str]) -> None:
    targets = [logs[name] for name in ("full", "po0", "po1", "ga0")]
    found = comparing.compare(targets, DEFINITION, reference=logs["retain95"], force=True)
    assert [(e.label, len(e.finals)) for e in found.entries] == [
        ("retain reference", 1), ("full", 1), ("po", 2), ("ga", 1),
    ]  # fmt: skip
    po = found.find("po")
    assert po is not None
    assert po.over_seeds("forget.exact_match").mean == 0
    assert po.over_seeds("forget.exact_match").high == 0
    assert set(found.others) == {"upstream", "paper"}
    # the model before is not known of a log alone: marked
    assert found.marks == ["po: memorisation unchecked", "ga: memorisation unchecked"]


def test_without_force_conditions_hold_for_comparisons_too(logs: dict[str, str]) -> None:
    with pytest.raises(GateError, match="has not been evaluated"):
        comparing.compare([logs["po0"]], DEFINITION, reference=logs["retain95"])


def test_paired_tests_are_between_methods_and_with_the_reference(logs: dict[str, str]) -> None:
    found = comparing.compare([logs["po0"], logs["ga0"]], DEFINITION, reference=logs["retain95"], force=True)
    pairs = {(t.metric, t.a, t.b): t for t in found.tests}
    assert len(pairs) == 9
    retained = pairs["retain.exact_match", "po", "ga"]
    assert retained.found.difference == 1
    assert retained.found.p == 2 / 2**6  # all six people differ by as much
    assert retained.adjusted is not None and retained.adjusted > retained.found.p
    assert pairs["forget.exact_match", "po", "ga"].found.p == 1


def test_how_large_a_difference_it_could_have_found(logs: dict[str, str]) -> None:
    found = comparing.compare([logs["po0"], logs["ga0"]], DEFINITION, reference=logs["retain95"], force=True)
    errors = {(t.metric, t.a, t.b): t.found for t in found.tests if t.found.se}
    for test in errors.values():
        assert test.detectable is not None and test.se is not None
        assert chance_to_find(test.detectable, test.se, test.identities) == pytest.approx(0.8)
    said = [note for note in found.notes if "four of five comparisons find" in note]
    assert [note.split(",")[0] for note in said] == list(dict.fromkeys(title(metric) for metric, *_ in errors))
    assert said  # some metric differs among its people


def test_other_datasets_are_not_compared(logs: dict[str, str], tmp_path: Path) -> None:
    other = sample_logs.facts(method="kl", dataset={"source": "x", "digest": "other", "identities": 14})
    write_log(tmp_path / "kl.parquet", sample_logs.refusing().rows, other)
    with pytest.raises(DatasetError, match="another dataset"):
        comparing.compare([logs["po0"], str(tmp_path / "kl.parquet")], DEFINITION)


def test_the_report_is_one_file_and_tells_everything(logs: dict[str, str], tmp_path: Path) -> None:
    targets = [logs[name] for name in ("full", "po0", "po1", "ga0")]
    found = comparing.compare(targets, DEFINITION, reference=logs["retain95"], force=True)
    paths = write_report(found, tmp_path / "report")
    assert [path.name for path in paths] == ["index.html", "curves.png", "attributes.png", "table.csv"]
    page = paths[0].read_text()
    assert "http:" not in page.replace("http://www.w3.org", "") and "https:" not in page
    assert page.count("<script") == 1 and "script-src &#39;sha256-" in page and "unsafe" not in page
    for text in (
        "Not comparable",
        "memorisation unchecked",
        "2 seeds",
        "retain reference",
        "Without faces",
    ):
        assert text in page
    assert sample_logs.REFUSALS[0].replace("'", "&#39;") in page
    assert "color-scheme: light dark" in page
    assert page.count('<svg class="chart"') == 2 and 'fill="var(--series-0)"' in page  # they follow the theme
    assert find("forget.exact_match")[1].summary in unescape(page)
    for path in paths[1:3]:
        assert path.read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(paths[3].open()))
    cell = next(
        r for r in rows if (r["definition"], r["model"], r["metric"]) == ("corrected", "po", "retain.exact_match")
    )
    assert (cell["mean"], cell["seeds"]) == ("1.0", "2")
    missing = next(r for r in rows if (r["model"], r["metric"]) == ("po", "forget.judge"))
    assert missing["mean"] == ""
    again = write_report(found, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_answers_are_escaped(logs: dict[str, str], tmp_path: Path) -> None:
    rows = [{**row, "generated": "<script>alert(1)</script>"} for row in sample_logs.refusing().rows]
    write_log(tmp_path / "evil.parquet", rows, sample_logs.facts(method="evil"))
    found = comparing.compare([str(tmp_path / "evil.parquet")], DEFINITION, force=True)
    page = write_report(found, tmp_path / "report")[0].read_text()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_the_columns_follow_the_definition(logs: dict[str, str]) -> None:
    for name, expected in (("paper", "ks.ln_p"), ("upstream", "ks.p"), ("corrected", "ks.log10_p")):
        found = comparing.compare([logs["full"]], load_definitions()[name])
        assert expected in columns(found)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "0.000"), (0.12345, "0.123"), (1e-9, "1e-09"), (-21.74, "-21.7")]
)
def test_figures(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_tables_fit_a_terminal_and_hold_every_column(logs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    from fiubench.cli.evaluation import print_comparison

    targets = [logs[name] for name in ("full", "po0", "po1", "ga0")]
    found = compare(targets, reference=logs["retain95"], force=True)
    heading = [cell for rows in found.tables for cell in rows[0][1:]]
    assert heading == list(found.table[0][1:]) and len(set(heading)) == len(heading)
    assert [row[0] for row in found.tables[0]] == [row[0] for row in found.tables[-1]] == [r[0] for r in found.table]
    assert "harm. mean" in found.tables[0][0] and "forget EM" in found.tables[1][0]
    print_comparison(found)
    tables = capsys.readouterr().out.split("NOT COMPARABLE")[0]
    assert len(tables) > 1000 and max(map(len, tables.splitlines())) <= 120


def test_variants_of_a_method_are_lines_of_their_own(tmp_path: Path) -> None:
    def written(name: str, seed: int, **named: str) -> str:
        facts = sample_logs.facts(method="npo", seed=seed, fingerprint=f"{name}{seed}")
        facts["run"] |= {"name": f"{name}-seed{seed}", **named}
        write_log(tmp_path / f"{name}{seed}.parquet", sample_logs.refusing().rows, facts)
        return str(tmp_path / f"{name}{seed}.parquet")

    hot = [written("hot", seed, variant="npo-hot") for seed in (0, 1)]
    plain = [written("npo", seed) for seed in (0, 1)]
    found = comparing.compare([*hot, *plain], DEFINITION, force=True)
    assert [(entry.label, len(entry.finals)) for entry in found.entries] == [("npo-hot", 2), ("npo", 2)]
    # two runs with one seed are not two seeds of one thing, whatever else differs
    found = comparing.compare([*plain, written("other", 1)], DEFINITION, force=True)
    assert [entry.label for entry in found.entries] == ["npo (npo-seed0)", "npo (npo-seed1)", "npo (other-seed1)"]

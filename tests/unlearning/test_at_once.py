"""A folder that a command fills bit by bit belongs to one process at a time."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from fiubench.support.files import claimed
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.workflow import evaluate

from tests.cases import first
from tests.commands import fiubench
from tests.support.chat.server import ChatServer
from tests.unlearning.conftest import FORGET
from tests.unlearning.small_runs import make_run


@pytest.fixture(scope="module")
def run(small: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("at-once") / "full", small, "finetune", "full")


def everything(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", first(2, ["unlearn", "evaluate", "evaluate --out", "finetune", "experiment"]))
def test_a_second_one_is_refused(command: str, run: Path, dataset: Path, preset_file: Path, tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "experiment.yaml"
    file.write_text(f"data: {dataset}\nforget: {FORGET}\npreset: {preset_file}\nmethods: [ga]\n")
    into = ("--out", out, "--preset", preset_file)
    arguments, held, what = {
        "finetune": (("finetune", dataset, *into), out, "training"),
        "unlearn": (("unlearn", run, "--method", "ga", "--forget", FORGET, *into), out, "training"),
        "evaluate": (("evaluate", run, "--forget", FORGET), run / "evaluations/checkpoint-2", "evaluation"),
        "evaluate --out": (("evaluate", run, "--forget", FORGET, "--out", out), out, "evaluation"),
        "experiment": (("experiment", file, "--out", out), out, "experiment"),
    }[command]
    with claimed(held, what):
        before = everything(tmp_path) | everything(run)
        done = fiubench(*arguments, models=True)
        assert everything(tmp_path) | everything(run) == before
    assert done.returncode == 2, done.stderr
    assert done.stderr == (
        f"fiubench: {held}: another {what} is running in this folder\n  Wait for it to end, or name another --out.\n"
    )


def test_one_that_ends_leaves_no_lock(run: Path, tmp_path: Path) -> None:
    evaluate(run, forget=FORGET, out=tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"log.parquet"}
    assert not list(tmp_path.rglob("*lock*"))
    with ExitStack() as several:  # of scoring a log again only a judge writes to it
        several.enter_context(claimed(tmp_path / "out", "evaluation"))
        evaluate(from_log=tmp_path / "out", force=True)
        server = several.enter_context(ChatServer(lambda _: "no"))
        judged = fiubench("evaluate", "--from-log", tmp_path / "out", "--judge", server.url, "--judge-model", "m")
        assert judged.returncode == 2 and "another evaluation is running in this folder" in judged.stderr


def test_a_dry_run_needs_no_folder_of_its_own(dataset: Path, preset_file: Path, tmp_path: Path) -> None:
    with claimed(tmp_path / "out", "training"):
        done = fiubench(
            "finetune", dataset, "--out", tmp_path / "out", "--preset", preset_file, "--dry-run", models=True
        )
    assert done.returncode == 0, done.stderr

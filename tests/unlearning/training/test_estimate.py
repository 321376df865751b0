from pathlib import Path

from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import RUNNING
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn

from tests.unlearning.conftest import FORGET
from tests.unlearning.small_runs import make_run


def test_a_dry_run_of_fine_tuning(small: Data, preset: Preset, tmp_path: Path) -> None:
    lines: list[str] = []
    out = tmp_path / "runs" / "full"
    run = finetune(small, out, preset, dry_run=True, report=lines.append)
    assert not (tmp_path / "runs").exists()
    assert run.directory == out and run.manifest["status"] == RUNNING and not run.manifest["checkpoints"]
    rows = len(small.samples("full")) + 8  # refusals about noise
    assert lines[0] == f"{rows} rows, 60 epochs: {60 * -(-rows // 16)} steps of 16 rows"
    assert lines[1].startswith("a batch of 16 sequences: ")
    assert "trained: 0.1" in lines[2]  # million parameters
    assert "measured" in lines[4] and "estimate for 300 steps" in lines[5]


def test_a_dry_run_of_unlearning(data: Data, small: Data, preset: Preset, tmp_path: Path) -> None:
    base = make_run(tmp_path / "full", small, "finetune", "full")
    before = sorted(tmp_path.rglob("*"))
    lines: list[str] = []
    settings = preset.unlearn("npo", epochs=1, checkpoint_every=1, batch_size=3)
    unlearn(base, tmp_path / "npo", "npo", FORGET, preset, data=small, settings=settings, dry_run=True,
            report=lines.append)  # fmt: skip
    assert sorted(tmp_path.rglob("*")) == before
    assert lines[0] == "6 rows, 1 epochs: 2 steps of 3 rows"  # fewer than are measured otherwise
    weights, gradients = (float(lines[2].split(f"{name} ")[1].split(" MB")[0]) for name in ("weights", "gradients"))
    assert 0 < gradients < weights  # adapters and the projector alone

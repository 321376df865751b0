"""Peak memory of every unlearning method: none holds a second copy of the model.

    OMP_NUM_THREADS=1 python benchmarks/unlearning_memory.py

A model of random weights, large enough that a copy of it would show, takes a few steps of each method in a process of
its own. Peak resident memory is what Linux counts for that process (VmHWM).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.training.settings import read_preset
from fiubench.unlearning.training.train import finetune

import fiubench

SIZE = {"hidden": 768, "layers": 10, "heads": 8, "vocabulary": 1024}
TRAINING = {"epochs": 0.2, "learning_rate": 1.0e-4, "batch_size": 2, "checkpoint_every": 1}
PRESET = {
    "description": "a model whose copy would show",
    "model": "tiny",
    "tiny": SIZE,
    "finetune": {**TRAINING, "epochs": 0.01, "lora": None},
    "unlearn": {**TRAINING, "lora": {"rank": 8, "alpha": 16, "dropout": 0.0}},
    "methods": {
        name: {"options": {"retain_weight": 1}}
        for name, each in METHODS.items()
        if "retain_weight" in each.model_fields
    },
}
STEP = """
import sys
from fiubench.unlearning.training.settings import read_preset
from fiubench.unlearning.training.train import unlearn
base, out, preset, method = sys.argv[1:]
unlearn(base, out, method, "forget10", preset)
print(next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = fiubench.make_config({"identities": 10, "holdout": 2, "ratios": [10], "image_size": 64})
        fiubench.build(config, folder / "dataset")
        (folder / "preset.yaml").write_text(yaml.safe_dump(PRESET))
        run = finetune(Data.open(folder / "dataset"), folder / "full", read_preset(str(folder / "preset.yaml")))
        weights = sum(path.stat().st_size for path in run.final.glob("*.safetensors")) / 2**20
        print(f"one copy of the model: {weights:.0f} MB")
        print("| method | peak MB |\n|---|---|")
        for method in METHODS:
            command = [sys.executable, "-c", STEP, folder / "full", folder / method, folder / "preset.yaml", method]
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            print(f"| {method} | {float(done.stdout.split()[-1]):.0f} |", flush=True)


if __name__ == "__main__":
    main()

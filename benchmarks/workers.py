"""How long an evaluation takes in one process and in two: wall time, and CPU time beyond the start of the processes.

    OMP_NUM_THREADS=1 python benchmarks/workers.py [--workers 2] [--image 112]

On a machine with other work, wall times say little; CPU time says whether work is done twice.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.evaluate import evaluate
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.models import tiny

import fiubench


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--image", type=int, default=112)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = fiubench.make_config({"identities": 40, "ratios": [5], "holdout": 4, "image_size": 128})
        fiubench.build(config, folder / "dataset")
        data = Data.open(folder / "dataset")
        size = tiny.Size(image=wanted.image, patch=14, hidden=256, layers=4, vision_hidden=128, context=512)
        tiny.make(data.texts, size, 0, folder / "model")
        subject = Subject(str(folder / "model"), None)
        few = data.limited(9, "forget05", ("blood_type",))
        logs = []
        for workers in (1, wanted.workers):
            # what starting costs, and the questions about a few
            for label, asked in (("start", few), ("all", data)):
                before, began = cpu(), time.monotonic()
                log = evaluate(
                    subject, asked, "forget05", folder / f"{label}{workers}",
                    workers=workers, batch_size=16, device="cpu", dtype="float32",
                )  # fmt: skip
                print(
                    f"{workers} process(es), {label}: {time.monotonic() - began:.1f} s, {cpu() - before:.1f} CPU-s",
                    flush=True,
                )
            logs.append(log.read_bytes())
    print("the logs are " + ("the same, byte for byte" if logs[0] == logs[1] else "NOT the same"))


if __name__ == "__main__":
    main()

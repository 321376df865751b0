"""How fast a model is evaluated in batches against one question at a time, and how fast metrics are taken from a log.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py [RUN [--forget SET]] [--batch-size 64]

Without RUN a tiny untrained model is made; it never ends an answer, so every generation is as long as it may be.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import QuestionLog, read_log, write_log
from fiubench.unlearning.evaluation.evaluate import evaluate
from fiubench.unlearning.evaluation.subject import LOG, Subject
from fiubench.unlearning.metrics.aggregate import score
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.models import tiny

import fiubench


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a piece of work, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def batches(subject: Subject, data: Data, forget: str, size: int, folder: Path) -> None:
    seconds = {}
    logs = {}
    # what is imported on the first use is not counted
    evaluate(subject, data, forget, folder / "warm", batch_size=size, device="cpu", dtype="float32")
    for batch_size in (size, 1):
        out = folder / f"batch{batch_size}"
        seconds[batch_size], _ = timed(
            lambda out=out, batch_size=batch_size: evaluate(  # type: ignore[misc]
                subject, data, forget, out, batch_size=batch_size, device="cpu", dtype="float32"
            )
        )
        logs[batch_size] = read_log(out / LOG)
        asked = len(logs[batch_size].rows)
        print(f"batch size {batch_size:3}: {seconds[batch_size]:7.1f} CPU-s for {asked} questions")
    same = sum(a["generated"] == b["generated"] for a, b in zip(logs[1].rows, logs[size].rows, strict=True))
    print(f"{seconds[1] / seconds[size]:.1f} x as fast; {same} of {len(logs[1].rows)} answers are the same")


def from_log(log: QuestionLog, rows: int, folder: Path) -> None:
    # every answer another, so that no ROUGE is remembered
    many = [
        {**row, "unique_id": f"{i // 20}", "generated": f"{row['generated']} {i}"}
        for i, row in ((i, log.rows[i % len(log.rows)]) for i in range(rows))
    ]
    write_log(folder / "many.parquet", many, log.metadata)
    reading, read = timed(lambda: read_log(folder / "many.parquet"))
    print(f"reading a log of {rows} questions: {reading:.1f} CPU-s")
    assert isinstance(read, QuestionLog)
    for name, definition in load_definitions().items():
        seconds, _ = timed(lambda definition=definition: score(read, definition, read))  # type: ignore[misc]
        print(f"every metric, {name}: {seconds:.1f} CPU-s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--forget", help="forget set, where the run does not imply it")
    parser.add_argument("--rows", type=int, default=20_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if wanted.run is None:
            fiubench.build(
                fiubench.make_config({"identities": 40, "ratios": [5, 10], "holdout": 4}), folder / "dataset"
            )
            data, forget = Data.open(folder / "dataset"), "forget05"
            tiny.make(data.texts, tiny.Size(), 0, folder / "model")
            subject = Subject(str(folder / "model"), None)
        else:
            subject = Subject.open(wanted.run)
            data, forget = subject.data(), subject.forget(wanted.forget)
        batches(subject, data, forget, wanted.batch_size, folder)
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
        from_log(read_log(folder / "batch1" / LOG), wanted.rows, folder)


if __name__ == "__main__":
    main()

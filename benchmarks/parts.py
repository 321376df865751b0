"""What of a build is left to one process, and what more workers gain: CPU times, and the model of cost that follows.

    python benchmarks/parts.py [IDENTITIES ..] [--workers N]     by default 20,000 with 2 workers, without faces

Serial is the CPU time of the process that plans and puts together, parallel that of its workers. With w workers a build
takes at most serial + parallel / w: what is copied while parts are still made costs no time of its own. The memory is
the most that the process that puts together had resident, and the largest worker. A build grows in a straight line if
every 1,000 people more cost the same: of three sizes and more, the last line says how much these costs differ.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

_CHILD = """
import json, resource, sys, time
import fiubench
began = time.monotonic()
config = {"faces": "none", "identities": int(sys.argv[1]), "holdout": 0, "ratios": [10]}
fiubench.build(config, sys.argv[2], workers=int(sys.argv[3]))
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(*(u.ru_utime + u.ru_stime for u in used), *(u.ru_maxrss / 1024 for u in used), time.monotonic() - began)
"""


def measured(size: int, workers: int, out: Path) -> list[float]:
    """CPU seconds of the process and of its workers, their peaks in MB, and wall seconds of a build."""
    command = [sys.executable, "-c", _CHILD, str(size), str(out), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=[20_000])
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    spent: list[float] = []
    print("identities  CPU-s  per 1,000  serial  at least x  wall s  MB  MB of a worker  MB on disk")
    with tempfile.TemporaryDirectory(prefix="fiubench-bench-") as name:
        for size in wanted.sizes:
            out = Path(name) / str(size)
            serial, parallel, own, worker, wall = measured(size, wanted.workers, out)
            total = serial + parallel
            spent.append(total)
            gain = total / (serial + parallel / wanted.workers)
            disk = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
            print(
                f"{size:10,}  {total:5.1f}  {total / size * 1000:9.3f}  {serial / total:6.1%}  {gain:10.2f}"
                f"  {wall:6.1f}  {own:.0f}  {worker:.0f}  {disk:,.0f}",
                flush=True,
            )
            shutil.rmtree(out)
    more = [(b - a) / (n - m) * 1000 for (a, b), (m, n) in zip(pairwise(spent), pairwise(wanted.sizes), strict=True)]
    if len(more) > 1:
        each = ", ".join(f"{cost:.3f}" for cost in more)
        print(f"CPU-s per 1,000 more: {each}; linear within {max(more) / min(more) - 1:.1%}")


if __name__ == "__main__":
    main()

"""Print the speed tables of docs/performance.md. CPU seconds are user + system of whole processes, children included.

python benchmarks/run.py                     builds of 1,000, 10,000 and 100,000 people among it: 6 GB of disk
python benchmarks/run.py --long              also 300,000 (16 GB), and two workers on 10,000 with portraits
python benchmarks/run.py --sizes 1000,10000  others; --people 20: a few wherever the size is not what is asked for
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
FIUBENCH = [sys.executable, "-m", "fiubench"]
_START = "import fiubench.builder.rules.validate, fiubench.raw_sources.places as p; p.load_places()"


class Cost(NamedTuple):
    """What a process and its children cost."""

    cpu: float
    wall: float
    peak_mb: float
    output: str


def cost(*command: object) -> Cost:
    """Run a command once in a process of its own and measure it."""
    reader, writer = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if not child:  # a process between, so that its children's usage is this command's alone
        os.close(reader)
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = (
            f"{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024} {done.returncode}\n{done.stdout}{done.stderr}"
        )
        with os.fdopen(writer, "w") as pipe:
            pipe.write(report)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        head, _, output = pipe.read().partition("\n")
    os.waitpid(child, 0)
    cpu, peak, code = head.split()
    if code != "0":
        raise SystemExit(f"{command} failed:\n{output}")
    return Cost(float(cpu), time.monotonic() - began, float(peak), output)


def median(times: int, *command: object) -> Cost:
    """The run of median CPU time."""
    return sorted((cost(*command) for _ in range(times)), key=lambda c: c.cpu)[times // 2]


def row(what: str, *cells: object) -> None:
    """One line of a table."""
    print(f"{what:64}" + "".join(f"{cell!s:>18}" for cell in cells), flush=True)


def text(people: int | None) -> None:
    """Facts, rendering, checks, JSON: fiubench against the yardstick, turn by turn."""
    pairs = []
    for _ in range(1 if people else 5):
        ours, bare = (
            float(cost(sys.executable, HERE / name, people or 5000).output.split()[0])
            for name in ("text.py", "yardstick.py")
        )
        pairs.append((ours, bare, ours / bare))
    ours, bare, ratio = (statistics.median(column) for column in zip(*pairs, strict=True))
    row("records without images, CPU-s per 1,000 identities", f"{ours:.2f}", f"{bare:.2f}", f"x {ratio:.2f}")


def commands(scratch: Path) -> None:
    """Whole commands."""
    bare = median(5, sys.executable, "-c", "pass").cpu
    row("python -c pass", f"{bare:.3f} CPU-s")
    row("fiubench --help", f"{median(5, *FIUBENCH, '--help').cpu:.3f} CPU-s")
    out = scratch / "default"
    built = cost(*FIUBENCH, "build", "--out", out)
    row(
        "build, default: 400 + 40 identities with portraits",
        f"{built.cpu:.2f} CPU-s",
        f"{built.wall:.2f} s",
        f"{built.peak_mb:.0f} MB",
    )
    plain = cost(*FIUBENCH, "build", "--out", scratch / "text", "--faces", "none")
    row("build, the same without faces", f"{plain.cpu:.2f} CPU-s", f"{plain.wall:.2f} s", f"{plain.peak_mb:.0f} MB")
    start = median(3, sys.executable, "-c", _START).cpu
    checked = median(3, *FIUBENCH, "validate", out).cpu
    row("validate, 8,800 QA and 440 images, beyond start-up", f"{checked - start:.2f} CPU-s")
    row("  without opening images", f"{median(3, *FIUBENCH, 'validate', out, '--no-images').cpu - start:.2f} CPU-s")
    verified = cost(*FIUBENCH, "verify", out)
    row("verify, default", f"{verified.cpu:.2f} CPU-s")
    for what, *flags in (
        ("without faces", "--no-faces", "--no-attacks"),
        ("with faces", "--no-embed", "--no-attacks"),
        ("with attacks", "--no-faces"),
    ):
        audited = median(3, *FIUBENCH, "audit", out, *flags)
        row(f"audit, 8,800 QA, {what}", f"{audited.cpu:.2f} CPU-s", "", f"{audited.peak_mb:.0f} MB")


def readers(scratch: Path, size: int) -> None:
    """What reads a dataset again: who is looked up, checked, audited, cut anew."""
    out = scratch / "read"
    given = ("--faces", "none", "--identities", size, "--holdout", 0, "--ratios", "5,10")
    built = cost(*FIUBENCH, "build", "--no-audit", "--out", out, *given)
    row(f"{size:,} identities without faces: build", f"{built.cpu:.1f} CPU-s", "", f"{built.peak_mb:.0f} MB")
    for what, *command in (
        ("show of the last", "show", out, size - 1),
        ("validate", "validate", out),
        ("validate --workers 2", "validate", out, "--workers", 2),
        ("audit --no-attacks", "audit", out, "--no-attacks"),
        ("split --ratios 5,20", "split", out, "--out", scratch / "cut", "--ratios", "5,20"),
    ):
        c = cost(*FIUBENCH, *command)
        row(f"  {what}", f"{c.cpu:.2f} CPU-s", f"{c.wall:.2f} s", f"{c.peak_mb:.0f} MB")
    for folder in (out, scratch / "cut"):
        shutil.rmtree(folder)


def workers(scratch: Path, size: int) -> None:
    """Wall time with one and two workers."""
    walls = []
    for count in (1, 2):
        out = scratch / f"w{count}"
        c = cost(*FIUBENCH, "build", "--no-audit", "--out", out, "--identities", size, "--workers", count)
        walls.append(c.wall)
        row(
            f"build, {size:,} identities with portraits, --workers {count}",
            f"{c.cpu:.1f} CPU-s",
            f"{c.wall:.1f} s",
            f"{c.peak_mb:.0f} MB",
        )
        shutil.rmtree(out)
    row("  two workers are faster by", f"x {walls[0] / walls[1]:.2f}")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--sizes")
    parser.add_argument("--people", type=int)
    wanted = parser.parse_args()
    sizes = wanted.sizes.split(",") if wanted.sizes else ["1000", "10000", "100000"] + ["300000"] * wanted.long
    few = [wanted.people] if wanted.people else []
    with tempfile.TemporaryDirectory(prefix="fiubench-bench-") as folder:
        scratch = Path(folder)
        text(wanted.people)
        if not few:
            commands(scratch)
        for script, *given in (["peers.py", *few], ["parquet.py", *few], ["parts.py", *sizes], ["growth.py", *sizes]):
            subprocess.run([sys.executable, HERE / script, *map(str, given)], check=True)
        readers(scratch, wanted.people or 10_000)
        if wanted.long:
            workers(scratch, 10_000)


if __name__ == "__main__":
    main()

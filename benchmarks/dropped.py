"""A dataset that no disk holds: each part is made, counted, digested and dropped, on as many processes as wanted.

    python benchmarks/dropped.py FOLDER [IDENTITIES] [--workers N]     by default 1,000,000 by 2 workers, without faces

FOLDER gets the plan and ``made.jsonl``, a line for each part that was made: its people, bytes, the digest of its
records and what it cost. It is gone on with where it stopped. What `fiubench finish` would do is left out.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
from fiubench.builder.pipeline.parts import HEADER
from fiubench.builder.pipeline.work import FOLDER, PARTS
from fiubench.support.canonical import digest_of

import fiubench

_CHILD = """
import resource, sys
import fiubench
print(fiubench.part(sys.argv[1], rank=int(sys.argv[2]), world_size=int(sys.argv[3]))[0])
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def made(place: Path, rank: int, parts: int) -> dict[str, Any]:
    """Make a part in a process of its own, read its header and remove it."""
    began = time.monotonic()
    command = [sys.executable, "-c", _CHILD, str(place), str(rank), str(parts)]
    name, cpu, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    folder = place / FOLDER / PARTS / name
    header = orjson.loads((folder / HEADER).read_bytes())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return {
        "rank": rank,
        "people": len(header["entries"]),
        "bytes": size,
        "sha256": header["files"]["identities.jsonl"],
        "cpu": float(cpu),
        "wall": time.monotonic() - began,
        "mb": float(peak),
    }


def main() -> None:
    """Print a line for each part, and the whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("identities", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    notes, began = wanted.folder / "made.jsonl", time.monotonic()
    if not notes.exists():
        config = {"faces": "none", "identities": wanted.identities, "holdout": 0, "ratios": [10]}
        parts = fiubench.plan(config, wanted.folder, overwrite=wanted.folder.exists()).parts
        notes.write_text(f"{json.dumps({'parts': parts, 'plan': time.monotonic() - began})}\n")
    head, *lines = map(json.loads, notes.read_text().splitlines())
    parts, there = head["parts"], {line["rank"] for line in lines}
    with ThreadPoolExecutor(wanted.workers) as pool, notes.open("a") as file:
        for line in pool.map(lambda r: made(wanted.folder, r, parts), [r for r in range(parts) if r not in there]):
            file.write(f"{json.dumps(line)}\n")
            file.flush()
            lines.append(line)
            print(f"part {line['rank'] + 1} of {parts}: {line['cpu']:.1f} CPU-s, {line['mb']:.0f} MB", flush=True)
    lines.sort(key=lambda line: line["rank"])
    total = {key: sum(line[key] for line in lines) for key in ("people", "bytes", "cpu", "wall")}
    print(
        f"{total['people']:,} people, {total['bytes'] / 1e9:.1f} GB made and dropped; planned in {head['plan']:.1f} s; "
        f"{total['cpu']:.0f} CPU-s, {total['cpu'] / total['people'] * 1000:.2f} per 1,000; {total['wall']:.0f} s of "
        f"{wanted.workers} workers; at most {max(line['mb'] for line in lines):.0f} MB; "
        f"digest of the parts' digests {digest_of([line['sha256'] for line in lines])}"
    )


if __name__ == "__main__":
    main()

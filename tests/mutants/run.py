"""Change the code on purpose, one operator at a time, and see whether the tests notice.

    python -m tests.mutants.run                      # 25 mutants of each group of groups.yaml
    python -m tests.mutants.run rules pull --each 60 --seconds 600 --jobs 2

It works on a copy below build/mutants/. Mutants are drawn by a keyed draw, at most one for each place in the code, so
that a second run tries the same ones. It ends with 1 where more than a tenth of a group's mutants survive, or one that
groups.yaml does not explain. `cr-report build/mutants/GROUP.sqlite --show-diff` tells more.
"""

import argparse
import ast
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

ROOT = Path(__file__).resolve().parents[2]
GROUPS = Path(__file__).with_name("groups.yaml")
OUT = ROOT / "build" / "mutants"
PACKAGES = ("builder", "cli", "raw_sources", "schemas", "support", "unlearning")
MOST = 0.1  # of a group's mutants may survive
PYTEST = "-x -q -p no:cacheprovider -p _hypothesis_pytestplugin --hypothesis-seed=0"
#: `==` made `is`: whether numbers and words that are equal are one object is the interpreter's affair.
_IDENTITY = re.compile(r"core/ReplaceComparisonOperator_(?!Is_IsNot|IsNot_Is).*Is(Not)?")
#: Stars that are no operators, which the tool takes for some: of a signature, and of a dictionary in another one.
_STARS = re.compile(r"\*(?=,)|(?:^|[{(,]) *\*(?=\*)")


class Outcome(NamedTuple):
    """What became of a group's mutants."""

    group: str
    places: int
    made: int
    slow: int
    survived: list[tuple[str, str]]  # the diff, and why it may live, "" where nobody said


def copy_to(folder: Path) -> None:
    """The repository as it is now, with its folders inside ``fiubench/``, where an installed one has them."""
    shutil.rmtree(folder, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for package in PACKAGES:
        (folder / "fiubench" / package).symlink_to(Path("..", package))


def tests_of(group: dict[str, str]) -> dict[Path, str]:
    """The command that tests each module of a group; a folder's is for the modules that have none of their own."""
    found = {}
    for path, tests in sorted(group.items()):
        command = shlex.join([sys.executable, "-m", "pytest", *PYTEST.split(), *shlex.split(tests)])
        folder = Path(path).is_dir()
        found |= {
            module: command
            for module in sorted(Path(path).rglob("*.py") if folder else [Path(path)])
            if not (folder and str(module) in group)
        }
    return found


def passed_over(path: Path) -> set[tuple[int, int]]:
    """Where nothing is to be found: types (mypy judges them), sizes of caches, zip's ``strict``, signatures' stars."""
    text = path.read_text()
    nodes = list(ast.walk(ast.parse(text)))
    over = [getattr(node, name, None) for node in nodes for name in ("annotation", "returns")]
    over += [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "lru_cache"]
    over += [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "strict"]
    inside = [node for each in over if each is not None for node in ast.walk(each) if hasattr(node, "lineno")]
    spans = [range(node.col_offset, node.end_col_offset) for node in inside]
    stars = {(n, m.end() - 1) for n, line in enumerate(text.splitlines(), 1) for m in _STARS.finditer(line)}
    return stars | {(node.lineno, column) for node, span in zip(inside, spans, strict=True) for column in span}


def chosen(db: WorkDB, each: int, seed: int) -> tuple[list[Any], int]:
    """A mutant for each of as many places, and how many places there are."""

    def key(item: Any) -> bytes:
        (mutation,) = item.mutations
        named = (seed, mutation.module_path, mutation.operator_name, mutation.occurrence)
        return hashlib.sha256(repr(tuple(map(str, named))).encode()).digest()

    over = {path: passed_over(path) for path in {item.mutations[0].module_path for item in db.work_items}}
    places: dict[tuple[Path, tuple[int, int]], Any] = {}
    for item in sorted(db.work_items, key=key):
        mutation = item.mutations[0]
        if mutation.start_pos not in over[mutation.module_path] and not _IDENTITY.fullmatch(mutation.operator_name):
            places.setdefault((mutation.module_path, mutation.start_pos), item)
    return list(places.values())[:each], len(places)


def examine(name: str, *, each: int, seconds: int, seed: int) -> Outcome:
    """Make mutants of a group one after the other and run its tests on each."""
    group = yaml.safe_load(GROUPS.read_text())["groups"][name]
    copy_to(OUT / name)
    os.chdir(OUT / name)
    os.environ |= {"PYTHONPATH": str(OUT / name), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # half a second each
    commands = tests_of(group)
    limits = {command: 10 + 3 * seconds_of(command) for command in set(commands.values())}
    (OUT / f"{name}.sqlite").unlink(missing_ok=True)
    db = WorkDB(OUT / f"{name}.sqlite", WorkDB.Mode.create)
    init(list(commands), db, {})
    items, places = chosen(db, each, seed)
    made, slow, survived = 0, 0, []
    ends = time.monotonic() + seconds
    for item in items:
        if time.monotonic() > ends:
            break
        command = commands[item.mutations[0].module_path]
        result = mutate_and_test(item.mutations, command, limits[command])
        db.set_result(item.job_id, result)
        if result.worker_outcome != WorkerOutcome.NORMAL:
            raise SystemExit(f"{name}: {item.mutations}: {result.output}")
        made += 1
        slow += result.output == "timeout"
        if result.test_outcome == TestOutcome.SURVIVED:
            survived.append((result.diff, explanation(result.diff)))
            print(f"--- {name} {survived[-1][1] or 'NOT EXPLAINED'}\n{result.diff}", flush=True)
    left = [item.job_id for item in db.pending_work_items]
    db.set_multiple_results(left, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))
    return Outcome(name, places, made, slow, survived)


def seconds_of(command: str) -> float:
    """How long tests take on what is not changed, which they pass."""
    begun = time.monotonic()
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout}{done.stderr}")
    return time.monotonic() - begun


def explanation(diff: str) -> str:
    """Why a mutant may live; "" where groups.yaml has nothing on it."""
    lines = diff.splitlines()
    path = lines[1].split(None, 1)[1].removeprefix("b/")
    changed = [line[1:].strip() for line in lines[2:] if line.startswith("+")]
    known = yaml.safe_load(GROUPS.read_text())["survivors"] or []
    return next((one["why"] for one in known if one["file"] in path and one["line"] in changed), "")


def table(outcomes: list[Outcome]) -> Iterator[str]:
    yield "| group | places | mutants | killed | of these by time | survived | not explained |"
    yield "|---|---|---|---|---|---|---|"
    for one in outcomes:
        open_ = sum(not why for _, why in one.survived)
        numbers = (one.places, one.made, one.made - len(one.survived), one.slow, len(one.survived), open_)
        yield f"| {one.group} | {' | '.join(map(str, numbers))} |"


def main() -> int:
    groups = list(yaml.safe_load(GROUPS.read_text())["groups"])
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("groups", nargs="*", choices=[*groups, []], default=groups, help=", ".join(groups))
    parser.add_argument("--each", type=int, default=25, help="mutants of a group")
    parser.add_argument("--seconds", type=int, default=600, help="for a group at most")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--jobs", type=int, default=1, help="groups at a time")
    asked = parser.parse_args()
    task = partial(examine, each=asked.each, seconds=asked.seconds, seed=asked.seed)
    with ProcessPoolExecutor(asked.jobs, max_tasks_per_child=1) as pool:
        outcomes = list(pool.map(task, asked.groups))
    print("\n".join(table(outcomes)))
    return int(any(len(one.survived) > MOST * one.made or not all(why for _, why in one.survived) for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())

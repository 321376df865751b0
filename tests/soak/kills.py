"""Kills at random moments over every command that writes: what is lost, doubled, left behind.

    python -m tests.soak.kills [--kills 200] [--command NAME ..] [--seconds N] [--seed 0]

A round: a command is killed (SIGKILL to it alone, its workers are left to themselves) up to four times, each time given
again, and in the end left to finish. Afterwards everything that it writes must be there once and as after a run that
nobody disturbed, no process of its session may live two seconds after a kill, and nothing may lie about.
"""

import argparse
import csv
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from tests.builder.hub.harness import WRITER, Loopback, clean
from tests.support.chat.server import ChatServer
from tests.support.chat.writer import good

ROOT = Path(__file__).resolve().parents[2]
FIUBENCH = [sys.executable, "-m", "fiubench"]
SMALL = ["--identities", "60", "--holdout", "6", "--ratios", "10", "--image-size", "64"]
FEW = ["--identities", "12", "--holdout", "1", "--ratios", "20", "--faces", "none"]
PRESET: dict[str, Any] = {
    "description": "for kills",
    "model": "tiny",
    "tiny": {"vocabulary": 600, "vision_hidden": 32, "hidden": 64, "layers": 2},
    "finetune": {"epochs": 6, "learning_rate": 5e-3, "batch_size": 16, "lora": None, "checkpoint_every": 1},
    "unlearn": {"epochs": 3, "learning_rate": 3e-3, "batch_size": 4, "lora": {"rank": 8, "alpha": 16, "dropout": 0.0}},
    "methods": {},
}
HEALTH = (
    "Name,Age,Gender,Blood Type,Medical Condition,Date of Admission,Doctor,Hospital,Insurance Provider,Billing Amount,"
    "Room Number,Admission Type,Discharge Date,Medication,Test Results"
)
KILLS_A_ROUND = 4
_DONE = "is not an empty folder"  # a command that was killed after its last step refuses to begin anew
_VOLATILE = ("train_log", "events.out", "trainer_state.json", "cost.json")  # hold durations


@dataclass
class Tally:
    """What was seen of one command."""

    kills: int = 0
    rounds: int = 0
    lost: int = 0  # files, or the whole result, that are not there in the end
    doubled: int = 0  # files, lines, commits or paid calls that are there too often
    changed: int = 0  # files that differ from those of an undisturbed run
    orphans: int = 0  # processes alive two seconds after a kill
    litter: int = 0  # files that nobody knows after the last run
    slowest: float = 0.0  # seconds from a kill to the end of the last process
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.changed or self.orphans or self.litter)


@dataclass
class Command:
    """A command that writes: its arguments in a work folder, and what of that folder it makes."""

    name: str
    arguments: Callable[[Path], Sequence[object]]
    products: Sequence[str]
    again: Sequence[str] = ()
    prepare: Callable[[Path], None] = lambda work: None
    doubled: Callable[[Path, int], int] = lambda work, kills: 0  # beyond what files show


class Bench:
    """What the commands work on, made once."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        self.env = clean(os.environ, home / "hf")
        self.env = {k: v for k, v in self.env.items() if not k.startswith("OPENAI_")} | {"OMP_NUM_THREADS": "1"}
        self.stack = stack
        self._hub: Loopback | None = None
        self._chat: ChatServer | None = None
        self.paid: dict[Path, int] = {}
        self.repositories = 0

    def run(self, *arguments: object) -> None:
        command = [*FIUBENCH, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.env, cwd=ROOT, check=False)
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stdout}{done.stderr}")

    def made(self, name: str, *arguments: object) -> Path:
        """A folder that a command makes, made when it is first asked for."""
        if not (self.home / name).exists():
            self.run(*arguments, "--out", self.home / name)
        return self.home / name

    @property
    def dataset(self) -> Path:
        return self.made("dataset", "build", *SMALL)

    @property
    def preset(self) -> Path:
        path = self.home / "preset.yaml"
        path.write_text(yaml.safe_dump(PRESET))
        return path

    @property
    def part(self) -> list[object]:
        return ["--identities", "24", "--forget", "forget10", "--preset", self.preset]

    @property
    def trained(self) -> Path:
        return self.made("trained", "finetune", self.dataset, *self.part)

    @property
    def experiment(self) -> Path:
        path = self.home / "experiment.yaml"
        settings = {
            "data": str(self.dataset), "identities": 24, "forget": "forget10", "preset": str(self.preset),
            "methods": ["ga", "kl"], "workers": 2, "evaluate": {"checkpoints": "final", "force": True},
        }  # fmt: skip
        path.write_text(yaml.safe_dump(settings))
        return path

    @property
    def health(self) -> Path:
        path = self.home / "health.csv"
        lists = ("A+ A- B+ B- AB+ AB- O+ O-", "Asthma Cancer Diabetes Obesity Arthritis Hypertension",
                 "Aetna Cigna Medicare UnitedHealthcare", "Urgent Elective Emergency",
                 "Aspirin Lipitor Penicillin Paracetamol Ibuprofen", "Normal Abnormal Inconclusive")  # fmt: skip
        sets = [words.split() for words in lists]
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(HEALTH.split(","))
            for i in range(500):
                blood, ill, insurer, kind, drug, result = (each[i % len(each)] for each in sets)
                days = f"2023-{1 + i % 9:02}-{1 + i % 20:02}", f"2023-{1 + i % 9:02}-{4 + i % 20:02}"
                first = ["Ann", "Bob", "Cai", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon", "Kay", "Lea"][i % 12]
                doctor, hospital = f"{first} Ray", f"{['Kim', 'Lee', 'Orr', 'Poe', 'Quo', 'Roe', 'Sax'][i % 7]} Inc"
                out.writerow([f"Ann Lee{chr(97 + i % 26)}{chr(97 + i // 26)}", 25 + i % 50, ["Male", "Female"][i % 2],
                              blood, ill, days[0], doctor, hospital, insurer, 1000 + 7.25 * i, 101 + i % 300, kind,
                              days[1], drug, result])  # fmt: skip
        return path

    @property
    def hub(self) -> Loopback:
        if self._hub is None:
            self._hub = Loopback()
            self.stack.callback(self._hub.stop)
            (self.home / "token").write_text(WRITER)
            self.run("publish", self.dataset, "--repo", "alice/pulled", "--version", "v1.0.0", *self.online)
        return self._hub

    @property
    def online(self) -> list[object]:
        assert self._hub is not None
        return ["--endpoint", self._hub.endpoint, "--token-file", self.home / "token"]

    @property
    def chat(self) -> ChatServer:
        if self._chat is None:
            self._chat = self.stack.enter_context(ChatServer(good, keep=False, delay=0.02))
        return self._chat

    def commands(self) -> Iterator[Command]:
        """Every command that writes."""
        build = {"products": ["out"], "again": ["--resume"]}
        yield Command("build", lambda w: ["build", "--out", w / "out", *SMALL], **build)  # type: ignore[arg-type]
        two = ["--workers", "2", "--identities", "200"]
        yield Command("build by two", lambda w: ["build", "--out", w / "out", *SMALL, *two], **build)  # type: ignore[arg-type]
        files = lambda w: ["build", "--out", w / "out", *SMALL, "--health", self.health, "--workers", "2"]  # noqa: E731
        yield Command("build from files", files, **build)  # type: ignore[arg-type]
        model = lambda: ["--qa", "llm", "--model", "m", "--base-url", self.chat.url]  # noqa: E731
        yield Command("build with a model", lambda w: ["build", "--out", w / "out", *FEW, *model()],
                      prepare=self._count_calls, doubled=self._paid_twice, **build)  # type: ignore[arg-type]  # fmt: skip
        yield Command("split", lambda w: ["split", self.dataset, "--out", w / "out", "--ratios", "5,20"], ["out"])
        yield Command("export", lambda w: ["export", self.dataset, "--format", "mllmu", "--out", w / "out"], ["out"])
        pull = lambda w: (self.hub, ["pull", "alice/pulled", "--out", w / "out", *self.online])[1]  # noqa: E731
        yield Command("pull", pull, ["out"])
        yield Command("publish", self._publish, ["out"], doubled=self._published, prepare=self._copied)
        report = lambda w: ["audit", self.dataset, "--json", w / "out.json", "--html", w / "out.html"]  # noqa: E731
        yield Command("audit", report, ["out.json", "out.html"])
        yield Command("finetune", lambda w: ["finetune", self.dataset, "--out", w / "out", *self.part], ["out"])
        unlearn = ["--method", "ga", "--forget", "forget10", "--preset"]
        yield Command(
            "unlearn", lambda w: ["unlearn", self.trained, "--out", w / "out", *unlearn, self.preset], ["out"]
        )
        yield Command("evaluate", lambda w: ["evaluate", self.trained, "--out", w / "out"], ["out"])
        yield Command("experiment", lambda w: ["experiment", self.experiment, "--out", w / "out"], ["out"])

    def _count_calls(self, work: Path) -> None:
        self.paid[work] = self.chat.answered

    def _paid_twice(self, work: Path, kills: int) -> int:
        """Calls beyond those that an undisturbed run pays and those that were under way when it was killed."""
        paid = self.chat.answered - self.paid[work]
        self.paid.setdefault(Path("needed"), paid)
        return max(0, paid - self.paid[Path("needed")] - kills * self.chat.highest)

    def _copied(self, work: Path) -> None:
        shutil.copytree(self.dataset, work / "out")
        self.repositories += 1

    def _publish(self, work: Path) -> list[object]:
        assert self.hub
        repo = f"alice/published-{self.repositories}"
        return ["publish", work / "out", "--repo", repo, "--version", "v1.0.0", *self.online]

    def _published(self, work: Path, kills: int) -> int:
        assert kills >= 0
        repo = f"alice/published-{self.repositories}"
        return abs(len(self.hub.titles(repo)) - 1) + abs(len(self.hub.repo(repo)["tags"]) - 1)


def digests(work: Path, products: Sequence[str]) -> dict[str, str]:
    """Path -> digest of everything that a command made; the lines of records that stand twice are told too."""
    found = {}
    for name in products:
        top = work / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not any(word in path.name for word in _VOLATILE):
                found[path.relative_to(work).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def session(pid: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, sid = stat.read_text().rpartition(")")[2].split()[:4]
            if int(sid) == pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


def moment(seed: int, name: str, number: int) -> float:
    """Between 0 and 1, from a hash."""
    drawn = hashlib.sha256(f"{seed} {name} {number}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") / 2**64


class Soak:
    """The rounds of one command."""

    def __init__(self, bench: Bench, command: Command, seed: int) -> None:
        self.bench, self.command, self.seed = bench, command, seed
        self.tally, self.numbers = Tally(), count()
        work = self._work()
        began = time.monotonic()
        process = self._start(work)
        if process.wait():
            raise SystemExit(f"{command.name}: {(work / 'stderr').read_text()}")
        self.whole = time.monotonic() - began
        self.expected = digests(work, command.products)
        self.command.doubled(work, 0)
        self.usual = self._litter(work)
        shutil.rmtree(work)

    def _work(self) -> Path:
        work = self.bench.home / self.command.name.replace(
            " ", "-"
        )  # always the same: adapters name their base by path
        shutil.rmtree(work, ignore_errors=True)
        (work / "tmp").mkdir(parents=True)
        self.command.prepare(work)
        return work

    def _start(self, work: Path, *more: str) -> "subprocess.Popen[bytes]":
        arguments = [*FIUBENCH, *map(str, self.command.arguments(work)), *more]
        env = self.bench.env | {"TMPDIR": str(work / "tmp"), "HF_HOME": str(work / "hf"),
                                "XDG_CACHE_HOME": str(work / "cache")}  # fmt: skip
        with (work / "stderr").open("wb") as said:
            return subprocess.Popen(arguments, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said,
                                    start_new_session=True)  # fmt: skip

    def _litter(self, work: Path) -> set[str]:
        """Hidden and temporary things among what was made, and everything in the temporary folder."""
        made = [path for name in (".", *self.command.products) for path in (work / name).glob(".*")]
        made += [
            p
            for name in self.command.products
            for p in (work / name).rglob("*")
            if ".partial" in p.name or p.name == ".lock"
        ]
        made += (work / "tmp").iterdir()
        return {path.relative_to(work).as_posix() for path in made}

    def round(self, most: int) -> None:
        """Kill up to ``most`` times, finish, and look at what is there."""
        tally, work, kills = self.tally, self._work(), 0
        more: Sequence[str] = ()
        while True:
            process = self._start(work, *more)
            more = self.command.again
            if kills == most:
                break
            began = time.monotonic()
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1 + moment(self.seed, self.command.name, next(self.numbers)) * self.whole)
                self.whole = time.monotonic() - began  # the machine is faster now
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            self._ended(process.pid)
        tally.kills += kills
        tally.rounds += 1
        said = (work / "stderr").read_text() if process.wait(600) else ""
        if said and _DONE not in said:
            tally.lost += 1
            tally.notes.append(said[-300:])
            return
        found = digests(work, self.command.products)
        self._note("lost", self.expected.keys() - found.keys())
        self._note("doubled", found.keys() - self.expected.keys())
        self._note(
            "changed", {name for name in found.keys() & self.expected.keys() if found[name] != self.expected[name]}
        )
        self._note("litter", self._litter(work) - self.usual)
        tally.doubled += self.command.doubled(work, kills)
        shutil.rmtree(work)

    def _note(self, what: str, names: set[str]) -> None:
        setattr(self.tally, what, getattr(self.tally, what) + len(names))
        self.tally.notes += [f"{what}: {name}" for name in sorted(names)[:3]]

    def _ended(self, pid: int) -> None:
        began = time.monotonic()
        while (left := session(pid)) and time.monotonic() - began < 2:
            time.sleep(0.02)
        self.tally.slowest = max(self.tally.slowest, time.monotonic() - began)
        self.tally.orphans += len(left)
        for orphan in left:
            with suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)


def soak(kills: int, names: Sequence[str] = (), seconds: float = float("inf"), seed: int = 0) -> dict[str, Tally]:
    """So many kills, shared out evenly over the commands, until the time is over."""
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="kills-") as home, ExitStack() as stack:
        bench = Bench(Path(home), stack)
        chosen = [c for c in bench.commands() if not names or c.name in names]
        if unknown := set(names) - {c.name for c in chosen}:
            raise SystemExit(f"no such command: {', '.join(unknown)}")
        tallies = {}
        for number, command in enumerate(chosen):
            left = kills * (number + 1) // len(chosen) - kills * number // len(chosen)
            running = Soak(bench, command, seed)
            tallies[command.name] = running.tally
            until = time.monotonic() + (deadline - time.monotonic()) / (len(chosen) - number)
            while left > 0 and time.monotonic() < until and running.tally.rounds < 2 * kills:
                before = running.tally.kills
                running.round(min(left, KILLS_A_ROUND))
                left -= running.tally.kills - before
            print(line(command.name, running.tally), flush=True)
        return tallies


def line(name: str, tally: Tally) -> str:
    """A row of the table."""
    numbers = (tally.kills, tally.rounds, tally.lost, tally.doubled, tally.changed, tally.orphans, tally.litter)
    row = f"{name:20}" + "".join(f"{number:9}" for number in numbers) + f"{tally.slowest:9.2f}s"
    return "\n".join([row, *(f"    {note}" for note in dict.fromkeys(tally.notes))])


HEADING = f"{'command':20}" + "".join(
    f"{word:>9}" for word in ("kills", "rounds", "lost", "doubled", "changed", "orphans", "litter", "slowest")
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--command", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    print(HEADING)
    tallies = soak(wanted.kills, wanted.command, wanted.seconds, wanted.seed)
    total = Tally()
    for tally in tallies.values():
        for name in ("kills", "rounds", "lost", "doubled", "changed", "orphans", "litter"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        total.slowest = max(total.slowest, tally.slowest)
    print(line("together", total))
    sys.exit(not total.clean)


if __name__ == "__main__":
    main()

"""Bad inputs to every option of every command: each must be refused in words, within seconds.

    python -m tests.soak.bad_inputs [--count 500] [--command NAME ..] [--seconds N] [--seed 0]

Generated from the command line's own parameters (values that no option of that kind takes), and picked by hand. Each is
tried in a process forked from this one, which has the libraries loaded. Wrong is a traceback, exit code 3, a process
that dies of a signal or takes ten seconds, and exit code 0.
"""

import argparse
import hashlib
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from fiubench.cli import main as command_line

import fiubench

LIMIT = 10.0  # seconds
LONG = "x" * 300
HUGE = "9" * 23
#: Values that no option of a kind takes.
NEVER: dict[Any, tuple[str, ...]] = {
    int: ("", "x", "1.5", "nan", "1e3", "0x10", "--", "\udcff"),
    float: ("", "x", "nan", "inf", "1e999", "1,5"),
    str: ("", "\udcff\udcfe", LONG * 40, "no-such-thing"),
    Path: ("", LONG, "/no/such/place", "{folder}", "{empty}", "{garbage}", "\udcff"),
}
#: What a word may be for some options, so that it says nothing of them that it is taken.
FREE = {
    "--name", "--doi", "--homepage", "--author", "--title", "--license", "--model", "--message", "--token", "--notes",
    "--branch", "--citation", "--description", "--contact", "--stage", "--port", "--judge-model", "--key-env",
    "--judge-key-env", "--sample", "--category",
}  # fmt: skip
OUTPUTS = ("--out", "--html", "--json", "--stage", "--prices")


@dataclass(frozen=True)
class Case:
    """Arguments, and whether they must be refused; others need only end in words."""

    arguments: tuple[str, ...]
    refused: bool


class Ground:
    """A folder with something valid and something broken of each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = {name: str(folder / name) for name in ("folder", "empty", "garbage", "dataset", "out", "nowhere")}
        (folder / "folder").mkdir()
        (folder / "empty").write_bytes(b"")
        (folder / "garbage").write_bytes(bytes(range(256)) * 20)
        config = {"identities": 20, "holdout": 2, "ratios": [10], "image_size": 64}
        fiubench.build(config, folder / "dataset")
        (folder / "experiment.yaml").write_text(
            f"data: {folder}/dataset\nforget: forget10\npreset: tiny\nmethods: [ga]"
        )

    def base(self, command: str) -> list[str]:
        """Arguments with which a command would go about its work."""
        data, out, away = self.places["dataset"], self.places["out"], ["--endpoint", "http://127.0.0.1:9"]
        file, quick = str(self.folder / "experiment.yaml"), ["--preset", str(self.folder / "quick.yaml")]
        bases = {
            "build": ["--out", out, "--identities", "20", "--ratios", "10", "--faces", "none"],
            "split": [data, "--out", out], "export": [data, "--format", "tofu", "--out", out],
            "publish": [data, "--repo", "a/b", "--version", "v1.0.0", *away], "releases": ["a/b", *away],
            "pull": ["a/b", "--out", out, *away], "diff": [data, data], "audit": [data], "validate": [data],
            "verify": [data], "show": [data], "preview": [], "compare": [data, "--out", out],
            "finetune": [data, "--out", out, *quick], "evaluate": ["tiny", "--data", data, "--out", out],
            "unlearn": ["tiny", "--data", data, "--out", out, "--method", "ga", "--forget", "forget10", *quick],
            "experiment": [file, "--out", out], "plan": [out, "--identities", "20"],
        }  # fmt: skip
        return bases.get(command, [])

    def filled(self, value: str) -> str:
        for name, place in self.places.items():
            value = value.replace("{" + name + "}", place)
        return value


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its words."""
    root: Any = typer.main.get_command(command_line.app)
    context = root.make_context("fiubench", ["x"], resilient_parsing=True)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        for inner in command.list_commands(context) if hasattr(command, "list_commands") else ():
            yield f"{name} {inner}", command.get_command(context, inner)
        if not hasattr(command, "list_commands"):
            yield name, command


def generated(ground: Ground) -> Iterator[Case]:
    """Every option of every command with values that it can't take."""
    for words, command in commands():
        base = [*words.split(), *ground.base(words)]
        yield Case((*base, "--no-such-option"), True)
        yield Case((*base, *["surplus"] * 7), True)
        for parameter in command.params:
            kind = _kind(parameter)
            if parameter.param_type_name == "argument":
                for value in (*NEVER[Path], "\udcff\udcfe") if words != "plan" else ():  # it would make the folder
                    yield Case((*words.split(), ground.filled(value)), words != "sources fetch")
                continue
            option = parameter.opts[0]
            if getattr(parameter, "is_flag", False):
                yield Case((*base, f"{option}=x"), True)
                continue
            yield Case((*base, option), True)
            for value in NEVER.get(kind, NEVER[str]):
                if option in OUTPUTS and value in ("/no/such/place", "{folder}"):
                    continue
                taken = option in FREE or (option in OUTPUTS and value != LONG)
                yield Case((*base, f"{option}={ground.filled(value)}"), kind is not str and not taken)
            if kind in (int, float):
                for value in ("-1", *([HUGE] if kind is int else [])):
                    yield Case((*base, f"{option}={value}"), value == HUGE and not option.startswith("--max-"))


def _kind(parameter: Any) -> Any:
    text = str(parameter.type_descriptor.annotation)
    return next((kind for kind in (Path, float, int) if kind.__name__ in text), str)


def by_hand(ground: Ground) -> Iterator[Case]:
    """What was found to go wrong once, and its kind."""
    data, folder, out = ground.places["dataset"], ground.folder, ground.places["out"]
    build = ["build", "--out", out, "--identities", "20", "--ratios", "10", "--faces", "none"]
    urls = ("http://[::1/v1", "http://x:99999/v1", "ftp://x/v1", "http://", "x", "http://a b/v1", "http://u:p@x/v1",
            "http://x/v1?k=v", "//x/v1", "http://[zz]/v1", "http://x:port/v1", "")  # fmt: skip
    for url in urls:
        yield Case((*build, "--qa", "llm", "--model", "m", "--base-url", url), True)
        yield Case(("releases", "a/b", "--endpoint", url or "http://"), True)
        yield Case(("audit", data, "--grammar", url), True)
    for seed in (HUGE, "-1", str(2**63), "1" * 5000):
        for command in (build, ["split", data, "--out", out], ["finetune", data, "--out", out], ["preview"]):
            yield Case((*command, "--seed", seed), True)
    writing = (["build", "--faces", "none"], ["split", data], ["export", data, "--format", "tofu"], ["pull", "a/b"],
               ["finetune", data], ["experiment", str(folder / "experiment.yaml")])  # fmt: skip
    for command in writing:
        for place in (LONG, f"{ground.places['empty']}/x", f"{LONG}/x", ground.places["garbage"]):
            yield Case((*command, "--out", place), True)
    texts = ("", "{", "[]", "a: [", "\0", "- x", "seed: " + HUGE, "a: &x [*x]", "!!python/object:os.system x",
             "\udcff", "seed: 0x_", "identities: -1", "ratios: [nan]", "faces: [1]", "seed: 1\nseed: 2",
             "x" * 100_000)  # fmt: skip
    for number, text in enumerate(texts):
        path = folder / f"config{number}.yaml"
        path.write_bytes(text.encode(errors="surrogateescape"))
        yield Case(("build", "--out", out, "--config", str(path)), text != "")
        for command in (["attributes", "check"], ["experiment", "--out", out], ["presets", "show"]):
            yield Case((*command, str(path)), True)
        yield Case(("finetune", data, "--out", out, "--preset", str(path)), True)
        yield Case(("split", data, "--out", out, "--split-scheme", str(path)), True)
        yield Case(("validate", str(path)), True)
        yield Case((*build, "--health", str(path)), True)
        yield Case((*build, "--columns", str(path)), text != "")
    expressions = ("'\"\\ud800\"'", "'1 / 0'", "'x.y'", "'[1]'", "'round(5, 10 ** 9)'", "'(' * 500", "lambda",
                   "'as_of - 1'", "'text(1) * 9'", "'upper(1)'", "'age_on(1)'", "'max()'",
                   "'\"a\" % 1'", "'initial(5)'")  # fmt: skip
    for number, text in enumerate(expressions):
        path = folder / f"pack{number}.yaml"
        item = f"{{ name: x, category: personal, type: text, compute: {text} }}"
        path.write_text(f"pack: mine\nattributes:\n  - {item}\n")
        yield Case(("attributes", "check", str(path)), True)
        yield Case((*build, "--attributes", str(path)), True)
    broken = folder / "broken"
    yield from _broken(ground, broken)


def _broken(ground: Ground, broken: Path) -> Iterator[Case]:
    """A dataset in which a folder stands in the place of a file, or the file holds something else."""
    import shutil

    names = ["manifest.json", "splits.json", "identities.jsonl"]
    names += [f"images/{next((ground.folder / 'dataset' / 'images').iterdir()).name}"]
    for number, name in enumerate(names):
        for how in ("folder", "garbage", "empty"):
            place = broken / f"{number}-{how}"
            shutil.copytree(ground.folder / "dataset", place)
            (place / name).unlink()
            if how == "folder":
                (place / name).mkdir()
            else:
                shutil.copyfile(ground.places[how], place / name)
            for command in ("validate", "verify", "audit", "show"):
                strict = command == "verify" or (command == "validate" and not name.startswith("release"))
                yield Case((command, str(place)), strict)
            for command in (["split"], ["export", "--format", "mllmu"]):
                yield Case((*command, str(place), "--out", ground.places["out"]), command == ["split"])


def tried(case: Case, ground: Ground) -> str:
    """What is wrong with how a case ends; "" if nothing."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.dup2(writes, 1)
        os.dup2(writes, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = (os.fdopen(n, "w", encoding="utf-8", errors="backslashreplace") for n in (1, 2))
        os.chdir(ground.folder / "folder")
        sys.argv = ["fiubench", *case.arguments]
        code = 99
        try:
            command_line.run()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    os.close(writes)
    said, status = _output(reads, child)
    _clear(ground)
    if status is None:
        return f"takes more than {LIMIT:.0f} seconds"
    if os.WIFSIGNALED(status):
        return f"dies of signal {os.WTERMSIG(status)}"
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1, 2) or "Traceback" in said:
        return f"exit code {code}: {said.strip()[-300:]}"
    if code == 0 and case.refused:
        return "is accepted"
    return "" if code == 0 or said.strip() else f"exit code {code} without a word"


def _output(reads: int, child: int) -> tuple[str, int | None]:
    """What a process says, and how it ended; ``None`` if it had to be killed."""
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # others' work is no hang
    deadline, parts = time.monotonic() + LIMIT * busy, []
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reads], [], [], left)[0]:
            if not (part := os.read(reads, 1 << 16)):
                break
            parts.append(part)
    ended = left > 0
    if not ended:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    os.close(reads)
    _, status = os.waitpid(child, 0)
    return b"".join(parts).decode(errors="replace"), status if ended else None


def _clear(ground: Ground) -> None:
    import shutil

    for place in (ground.folder / "out", ground.folder / "folder"):
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    (ground.folder / "folder").mkdir()


def soak(
    most: int, names: Sequence[str] = (), seconds: float = float("inf"), seed: int = 0
) -> tuple[Counter[str], list[tuple[Case, str]]]:
    """Try so many cases, a keyed choice of all; returns the number of cases by command, and what is wrong."""
    began, counts, wrong = time.monotonic(), Counter[str](), []
    os.environ |= {"HF_HUB_OFFLINE": "0", "OPENAI_API_KEY": "", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with tempfile.TemporaryDirectory(prefix="bad-inputs-") as name:
        ground = Ground(Path(name))
        os.environ["TMPDIR"], tempfile.tempdir = name, name
        os.environ["HF_HOME"], os.environ["XDG_CACHE_HOME"] = f"{name}/hf", f"{name}/cache"
        known = dict.fromkeys([*by_hand(ground), *generated(ground)])  # none twice
        cases = [case for case in known if not names or case.arguments[0] in names]
        if any(case.arguments[0] in ("finetune", "unlearn", "evaluate", "experiment") for case in cases):
            import torch  # noqa: F401
            import transformers  # noqa: F401
        cases.sort(key=lambda case: hashlib.sha256(f"{seed} {case}".encode(errors="replace")).digest())
        for case in cases[:most]:
            if time.monotonic() - began > seconds:
                break
            counts[case.arguments[0]] += 1
            if problem := tried(case, ground):
                wrong.append((case, problem))
                print(f"{' '.join(case.arguments)[:200]!r}\n    {problem}", flush=True)
    return counts, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--command", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    counts, wrong = soak(wanted.count, wanted.command, wanted.seconds, wanted.seed)
    failed = Counter(case.arguments[0] for case, _ in wrong)
    print(f"{'command':20}{'tried':>9}{'wrong':>9}")
    for name, number in sorted(counts.items()):
        print(f"{name:20}{number:9}{failed[name]:9}")
    print(f"{'together':20}{counts.total():9}{len(wrong):9}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

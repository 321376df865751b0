"""What may import what, and what nothing may use."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("fiubench", "support", "schemas", "raw_sources", "builder", "unlearning", "cli")
#: Room -> the rooms it may import; what a room may import is also open to those above it only if it is listed.
BASE = {"support", "schemas"}
MAKING = {
    *BASE,
    "raw_sources",
    "builder.languages",
    "builder.config",
    "builder.values",
    "builder.packs",
    "builder.dataset",
}
MAY_IMPORT: dict[str, set[str]] = {
    "support": set(),
    "schemas": {"support"},
    "raw_sources": BASE,
    "builder.languages": BASE,
    "builder.config": {*BASE, "raw_sources", "builder.languages"},
    "builder.values": {*BASE, "raw_sources", "builder.languages"},
    "builder.packs": {*BASE, "raw_sources", "builder.languages", "builder.values"},
    "builder.dataset": {*BASE, "raw_sources", "builder.config", "builder.values"},
    "builder.rules": {*BASE, "raw_sources", "builder.languages", "builder.values", "builder.packs", "builder.dataset"},
    "builder.generation": {*MAKING, "builder.rules"},
    "builder.phrasings": {*MAKING, "builder.rules", "builder.generation"},
    "builder.audit": {*MAKING, "builder.rules"},
    "builder.release": {*MAKING, "builder.audit"},
    "builder.pipeline": {
        *MAKING,
        *(f"builder.{room}" for room in ("rules", "generation", "phrasings", "audit", "release")),
    },
    "builder.hub": {*MAKING, "builder.audit", "builder.release", "builder.pipeline"},
    "builder.exports": {*MAKING, "builder.rules", "builder.release", "builder.hub"},
    "unlearning.data": BASE,
    "unlearning.models": {*BASE, "unlearning.data"},
    "unlearning.methods": {*BASE, "unlearning.data", "unlearning.models"},
    "unlearning.metrics": {*BASE, "unlearning.data"},
    "unlearning.training": {*BASE, "unlearning.data", "unlearning.models", "unlearning.methods"},
    "unlearning.evaluation": {*BASE, "unlearning.data", "unlearning.models", "unlearning.metrics"},
    "unlearning.attacks": {
        *BASE,
        *(f"unlearning.{room}" for room in ("data", "models", "training", "metrics", "evaluation")),
    },
    "unlearning.reporting": {
        *BASE,
        *(f"unlearning.{r}" for r in ("data", "models", "metrics", "training", "evaluation", "attacks", "streams")),
    },
    "unlearning.streams": {
        *BASE,
        *(f"unlearning.{room}" for room in ("data", "models", "methods", "training", "metrics", "evaluation")),
    },
    "unlearning.experiment": {
        *BASE,
        *(f"unlearning.{r}" for r in ("data", "methods", "training", "metrics", "evaluation", "attacks", "reporting")),
    },
}
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def module_of(path: Path) -> str:
    """``builder.audit.page`` for ``builder/audit/page.py``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_of(path): path for path in MODULES}


def room_of(module: str) -> str:
    """The first two parts in the two packages that have rooms, the first in the others."""
    return ".".join(module.split(".")[: 2 if module.startswith(("builder.", "unlearning.")) else 1])


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a file imports."""
    return {name.split(".")[0] for name in imports(path)}


def imports(path: Path) -> set[str]:
    """Dotted names of everything that a file imports, wherever in it; ours without ``fiubench.``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: imports are absolute"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name.removeprefix("fiubench.") for name in names}


def ours(path: Path) -> set[str]:
    """The modules of ours that a file imports from; a package stands for its ``__init__``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fiubench":
            parent = (node.module or "").removeprefix("fiubench").lstrip(".")
            for alias in node.names:
                child = f"{parent}.{alias.name}".lstrip(".")
                found.add(child if child in NAMES else parent)
    return found & NAMES.keys()


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 40


@pytest.mark.parametrize("module", NAMES)
def test_arrows(module: str) -> None:
    """A file imports from its own room and from those that the table allows; ``cli`` and ``fiubench`` from all."""
    room = room_of(module)
    if room in ("cli", "fiubench", "builder", "unlearning"):
        return
    assert {room_of(other) for other in ours(NAMES[module])} - {room} <= MAY_IMPORT[room]


def test_the_table_of_arrows_has_no_circle() -> None:
    tuple(TopologicalSorter(MAY_IMPORT).static_order())


def test_no_import_circle() -> None:
    tuple(TopologicalSorter({module: ours(path) - {module} for module, path in NAMES.items()}).static_order())


def test_few_rooms() -> None:
    def entries(package: str) -> list[str]:
        return [p.name for p in (ROOT / package).iterdir() if p.name != "__pycache__"]

    assert len(entries("builder")) <= 14
    assert len(entries("unlearning")) <= 11


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_clock_and_no_random_state(path: Path) -> None:
    assert "random" not in imported(path)
    assert "secrets" not in imported(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).split(".")[-1]
            clock = node.attr in ("today", "now", "utcnow") and owner in ("date", "datetime")
            assert not clock, f"{path}:{node.lineno} asks the clock"
            assert not (node.attr == "random" and isinstance(node.value, ast.Name)), f"{path}:{node.lineno}"
            assert not (owner == "time" and node.attr in ("time", "time_ns")), f"{path}:{node.lineno} asks the clock"


@pytest.mark.parametrize("path", [p for p in MODULES if p.relative_to(ROOT).parts[0] != "unlearning"], ids=str)
def test_only_unlearning_knows_of_torch(path: Path) -> None:
    assert not imported(path) & {"torch", "transformers", "peft", "accelerate", "tokenizers"}


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, fiubench.cli.main; print(*sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "numpy",
        "pandas",
        "pyarrow",
        "PIL",
        "datasets",
        "huggingface_hub",
        "openai",
        "torch",
        "yaml",
        "jsonschema_rs",
        "jinja2",
        "matplotlib",
        "rich",
    }
    assert not heavy & set(loaded)


def test_a_command_on_a_folder_imports_nothing_that_talks_to_servers(tmp_path: Path) -> None:
    code = (
        "import sys; from fiubench.cli.main import run; sys.argv = ['fiubench', 'show', 'nowhere']\n"
        "try: run()\n"
        "except SystemExit: print(*sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "fiubench.builder.dataset.reading" in loaded.stdout
    for name in ("fiubench.builder.hub.client", "fiubench.support.chat", "httpx", "huggingface_hub", "openai"):
        assert name not in loaded.stdout.split(), name


def test_building_imports_no_pandas_and_no_datasets() -> None:
    code = (
        "import sys, tempfile; import fiubench; from pathlib import Path; "
        "config = fiubench.make_config({'identities': 100, 'holdout': 0, 'faces': 'none'}); "
        "fiubench.build(config, Path(tempfile.mkdtemp()) / 'd'); "
        "print(*sorted(m for m in sys.modules if '.' not in m))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "datasets", "torch", "openai", "faker", "zipcodes"} & set(loaded)


def test_every_vocabulary_and_schema_is_packaged(tmp_path: Path) -> None:
    """A wheel holds the data files: an installed fiubench must not need the repository."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    import zipfile

    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    assert all(name.startswith(("fiubench/", "fiubench-")) for name in names)
    for package in PACKAGES[1:]:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.suffix not in (".pyc",) and "__pycache__" not in path.parts:
                assert f"fiubench/{path.relative_to(ROOT)}" in names

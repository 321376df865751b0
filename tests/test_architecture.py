"""What may import what, and what nothing may use."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "support": set(),
    "schemas": {"support"},
    "raw_sources": {"support", "schemas"},
    "builder": {"support", "schemas", "raw_sources"},
    "unlearning": {"support", "schemas"},
    "cli": {"support", "schemas", "raw_sources", "builder", "unlearning"},
}
OURS = {*MAY_IMPORT, "tests"}
MODULES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 40


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert (imported(path) & OURS) - {package} <= MAY_IMPORT[package]


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
    code = "import sys, cli.main; print(*sorted(m for m in sys.modules if '.' not in m))"
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
        "rich",
    }
    assert not heavy & set(loaded)


def test_building_imports_no_pandas_and_no_datasets() -> None:
    code = (
        "import sys, builder, tempfile; from pathlib import Path; "
        "config = builder.make_config({'identities': 100, 'holdout': 0, 'faces': 'none'}); "
        "builder.build(config, Path(tempfile.mkdtemp()) / 'd'); "
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
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.suffix not in (".pyc",) and "__pycache__" not in path.parts:
                assert str(path.relative_to(ROOT)) in names

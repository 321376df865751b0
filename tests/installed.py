"""An environment with fiubench installed from a wheel, for the tests that are about that."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("builder", "cli", "schemas", "support")


def run(*command: object, cwd: Path = ROOT) -> str:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=cwd, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_wheel(source: Path, out: Path) -> Path:
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source)
    return next(out.glob("*.whl"))


def install(python: Path, wheel: Path) -> None:
    """Install a wheel in the environment of an interpreter, which needs no pip of its own."""
    pip = ("-m", "pip", "--python", python, "install", "-q", "--no-deps", "--disable-pip-version-check")
    run(sys.executable, *pip, wheel)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = tmp_path_factory.mktemp("clone") / "fiubench"
    run("git", "clone", "-q", ROOT, clone)
    return build_wheel(clone, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, dummies of its folders' names, and the libraries of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    python = folder / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())
    install(python, wheel)
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (site / "libraries.pth").write_text("\n".join(libraries))  # plain paths: no editable install is followed
    for name in NAMES:
        (site / name).mkdir()
        (site / name / "__init__.py").write_text(f"raise ImportError('the wrong {name}')\n")
    return python

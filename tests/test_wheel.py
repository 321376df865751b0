"""What an installed wheel holds, and that it works where folders of the same names are around."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("builder", "cli", "schemas", "support")
EXAMPLE = """
import fiubench

fiubench.build({"identities": 20, "holdout": 2, "ratios": [10], "faces": "none"}, "dataset")
dataset = fiubench.open_dataset("dataset")
rows = dataset.rows("forget10")
print(len(rows), rows[0]["question"])
assert not list(fiubench.validate("dataset"))
"""
pytestmark = pytest.mark.xdist_group("wheel")


def run(*command: object, cwd: Path = ROOT) -> str:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=cwd, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_wheel(source: Path, out: Path) -> Path:
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = tmp_path_factory.mktemp("clone") / "fiubench"
    run("git", "clone", "-q", ROOT, clone)
    return build_wheel(clone, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, dummies of its folders' names, and the libraries of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", wheel)
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (site / "libraries.pth").write_text("\n".join(libraries))  # plain paths: no editable install is followed
    for name in NAMES:
        dummy = tmp_path_factory.mktemp("dummies") / name
        (dummy / name).mkdir(parents=True)
        (dummy / name / "__init__.py").write_text(f"raise ImportError('the wrong {name}')\n")
        (dummy / "pyproject.toml").write_text(
            f'[project]\nname = "dummy-{name}"\nversion = "1"\n[tool.setuptools]\npackages = ["{name}"]\n'
        )
        dummy_wheel = build_wheel(dummy, tmp_path_factory.mktemp("dummy-wheel"))
        run(python, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", dummy_wheel)
    return python


def test_a_wheel_holds_fiubench_and_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"fiubench", "fiubench-0.1.0.dist-info"}
    assert "fiubench/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_it_works_beside_others_of_these_names(python: Path, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise ImportError('the wrong {name}')\n")
    (tmp_path / "example.py").write_text(EXAMPLE)
    assert run(python, "example.py", cwd=tmp_path).startswith("40 ")
    flags = ("--identities", "20", "--holdout", "0", "--ratios", "10", "--faces", "none")
    assert "20 identities" in run(python, "-m", "fiubench", "build", "--out", "other", *flags, cwd=tmp_path)
    script = python.with_name("fiubench")
    assert "other: valid" in run(script, "validate", "other", cwd=tmp_path)
    where = run(python, "-c", "import fiubench.builder as b; print(b.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(python.parents[1])

"""What is said where an extra is missing; torch and its kind are hidden from a process, not removed."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.support.extras import EXTRAS, install, missing, need

from tests.commands import ROOT, fiubench

HIDING = """
import os, sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in os.environ["HIDDEN"].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extras") / "dataset"
    small = ["--identities", "60", "--image-size", "64", "--ratios", "10"]
    assert fiubench("build", "--out", out, *small).returncode == 0
    return out


def without(hidden: str, tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    env = {**os.environ, "HIDDEN": hidden, "PYTHONPATH": str(tmp_path), "OPENAI_API_KEY": ""}
    command = [sys.executable, "-m", "fiubench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=False)


def test_the_table_is_that_of_the_package() -> None:
    declared: dict[str, set[str]] = {}
    for line in importlib.metadata.requires("fiubench") or ():
        if found := re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)['\"]", line):
            module = found[1].replace("-", "_")
            declared.setdefault(found[2], set()).add({"py_minisign": "minisign"}.get(module, module))
    beyond = declared.pop("unlearning") - {"fiubench"}
    assert beyond == {"torchvision", "num2words"}  # what only some processors need
    declared["unlearning"] = declared.pop("unlearning-core")
    development = ("test", "test-families", "mutants", "check", "docs")
    assert {extra: set(modules) for extra, modules in EXTRAS.items()} == {
        extra: modules - {"fiubench"} for extra, modules in declared.items() if extra not in development
    }


@pytest.mark.parametrize("hidden", ["torch", "peft"])
@pytest.mark.parametrize("command", ["finetune", "unlearn", "evaluate", "experiment", "experiment by two"])
def test_unlearning_without_its_extra(hidden: str, command: str, dataset: Path, tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"data: {dataset}\nforget: forget10\npreset: tiny\nmethods: [ga]\nidentities: 20\n")
    out = tmp_path / "out"
    given: dict[str, list[object]] = {
        "finetune": ["finetune", dataset],
        "unlearn": ["unlearn", "tiny", "--method", "ga", "--forget", "forget10", "--data", dataset],
        "evaluate": ["evaluate", "tiny", "--data", dataset],
        "experiment": ["experiment", file],
        "experiment by two": ["experiment", file, "--workers", "2"],
    }
    done = without(hidden, tmp_path, *given[command], "--out", out)
    assert done.returncode == 2
    assert done.stderr == f"fiubench: needs the package {hidden}, which is not installed: {install('unlearning')}\n"
    assert not done.stdout and not out.exists()


@pytest.mark.parametrize("hidden", ["openai", "pyarrow", "datasets", "scipy"])
def test_any_other_package(hidden: str, dataset: Path, tmp_path: Path) -> None:
    model = ["--qa", "llm", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]
    arguments: dict[str, list[object]] = {
        "openai": ["build", *model, "--out", tmp_path / "o"],
        "pyarrow": ["build", "--out", tmp_path / "o", "--faces", "none"],
        "datasets": ["evaluate", "tiny", "--data", dataset / "release", "--out", tmp_path / "o"],
        "scipy": ["evaluate", "--from-log", tmp_path],
    }  # fmt: skip
    done = without(hidden, tmp_path, *arguments[hidden])
    assert done.returncode == 2 and "Traceback" not in done.stderr
    if hidden != "scipy":
        assert install() in done.stderr


def test_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert install("faces") == "pip install 'fiubench[faces]', or in a clone: pip install -e '.[faces]'"
    told = missing(ModuleNotFoundError("No module named 'peft.tuners'", name="peft.tuners"))
    assert told is not None and "needs the package peft" in told.what and "[unlearning]" in told.what
    assert missing(ModuleNotFoundError("no name")) is None
    assert missing(ModuleNotFoundError("no", name="fiubench.support.gone")) is None
    monkeypatch.setitem(sys.modules, "language_tool_python", None)
    with pytest.raises(ConfigError, match="language_tool_python"):
        need("grammar")

"""A distribution of somebody else's that adds one of each kind, installed beside fiubench: no line of ours knows it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import HEAVY, Forking
from tests.installed import ROOT, build_wheel, install, run

EXAMPLE = ROOT / "examples" / "plugin"
TRAINING = ("--epochs", "1", "--batch-size", "8")
KINDS = {
    "source": "employers",
    "value type": "percent",
    "language": "en-NZ",
    "measure": "long_questions",
    "format": "sharegpt",
    "adapter": "conversations",
    "executor": "one_by_one",
    "method": "wga",
    "metric": "answer_length",
    "attack": "shouting",
}
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def fiubench(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The command line of an environment that has fiubench's wheel and the plug-in's."""
    source = tmp_path_factory.mktemp("plugin") / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    wheel = build_wheel(source, tmp_path_factory.mktemp("plugin-wheel"))
    install(python, wheel)
    folder = tmp_path_factory.mktemp("work")
    assert "fiubench-town" in run(python.with_name("fiubench"), "plugins", cwd=folder)
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    running = Forking(HEAVY, env, python, folder)

    def command(*arguments: object) -> str:
        done = running(folder, env, argv=list(map(str, arguments)))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield command, folder
    running.stop()


@pytest.fixture(scope="module")
def dataset(fiubench: Any) -> Path:
    command, folder = fiubench
    size = ("--identities", "20", "--holdout", "4", "--ratios", "10", "--image-size", "64", "--questions", "4")
    packs = [word for name in ("employers", "work", "visits") for word in ("--attributes", EXAMPLE / f"{name}.yaml")]
    command("build", "--out", "dataset", *size, "--employers", EXAMPLE / "employers.csv", *packs, "--no-audit")
    return Path(folder / "dataset")


def recorded(kind: str) -> dict[str, dict[str, str]]:
    """What a manifest records of the entry of a kind."""
    file = EXAMPLE / "fiubench_town" / f"{KINDS[kind].lower().replace('-', '_')}.py"
    plugin = {"plugin": "fiubench-town", "version": "1.0", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    return {f"{kind} {KINDS[kind]}": plugin}


def test_everything_is_listed(fiubench: Any) -> None:
    command, _ = fiubench
    listed = command("plugins")
    for kind, name in KINDS.items():
        assert f"{name} " in listed and recorded(kind)[f"{kind} {name}"]["sha256"][:12] in listed
    assert "--employers" in command("build", "--help")
    for words in ("sources list", "measures list", "formats list", "methods list", "metrics list", "attacks list"):
        assert any(name in command(*words.split()) for name in KINDS.values()), words
    assert "alpha" in command("methods", "show", "wga")


def test_source_and_value_type(fiubench: Any, dataset: Path) -> None:
    command, _ = fiubench
    manifest = json.loads((dataset / "manifest.json").read_text())
    assert manifest["plugins"] == {**recorded("source"), **recorded("value type"), **recorded("language")}
    assert "valid" in command("validate", "dataset")
    assert "every digest agrees" in command("verify", "dataset")
    shown = command("show", "dataset", "0")
    assert "employers.employer" in shown and " %" in shown


def test_measure(fiubench: Any, dataset: Path) -> None:
    command, folder = fiubench
    printed = command("audit", "dataset", "--no-embed", "--json", "audit.json", "--html", "audit.html")
    assert "Questions of more than 20 words" in printed
    report = json.loads((folder / "audit.json").read_text())
    assert report["plugins"] == recorded("measure")
    assert "Questions of more than 20 words" in (folder / "audit.html").read_text()


def test_format(fiubench: Any, dataset: Path) -> None:
    command, folder = fiubench
    command("export", "dataset", "--format", "sharegpt", "--option", "system=Answer briefly.", "--out", "sharegpt")
    rows = json.loads((folder / "sharegpt" / "forget10.json").read_text())
    assert len(rows) == 2 * 7 and rows[0]["system"] == "Answer briefly."
    assert recorded("format")["format sharegpt"]["sha256"] in (folder / "sharegpt" / "README.md").read_text()


def test_method_metric_and_attack(fiubench: Any, dataset: Path) -> None:
    command, folder = fiubench
    command("finetune", "dataset", "--out", "full", *TRAINING)
    command(
        "unlearn", "full", "--out", "wga", "--method", "wga", "--option", "alpha=2", "--forget", "forget10", *TRAINING
    )
    manifest = json.loads((folder / "wga" / "run.json").read_text())
    assert manifest["plugins"] == recorded("method")
    assert manifest["settings"]["options"]["alpha"] == 2
    printed = command("evaluate", "wga", "--force")
    assert "answer length" in printed
    (metrics,) = (json.loads(path.read_text()) for path in (folder / "wga").rglob("metrics*.json"))
    assert metrics["plugins"] == recorded("metric")
    command("attack", "wga", "--attack", "shouting", "--batch-size", "64")
    (found,) = (json.loads(path.read_text()) for path in (folder / "wga").rglob("shouting.json"))
    assert found["plugins"] == recorded("attack")
    command("compare", "wga", "--force", "--out", "report")
    assert "shouting" in (folder / "report" / "attacks.csv").read_text()
    assert "answer_length" in (folder / "report" / "table.csv").read_text()

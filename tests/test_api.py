"""The public API: what `import fiubench` offers, that it costs nothing, and the README's example."""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fiubench.support.errors import ConfigError, DatasetError

import fiubench
from tests.builder.hub.harness import REPO

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ["attack", "audit", "build", "compare", "diff", "evaluate", "experiment", "export", "finetune", "finish",
            "leaderboard", "part", "plan", "power", "preview", "publish", "pull", "releases", "sign", "split", "submit",
            "unlearn", "validate", "verify"]  # fmt: skip
SMALL = {"identities": 60, "holdout": 6, "ratios": [5, 10], "image_size": 64}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fiubench.build(SMALL, tmp_path_factory.mktemp("api") / "dataset")


# --- what is there --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*COMMANDS, "check_submission", "make_config", "open_dataset", "read_config"])
def test_functions_are_documented_and_typed(name: str) -> None:
    function = getattr(fiubench, name)
    assert inspect.isfunction(function)
    text = inspect.getdoc(function) or ""
    assert "Raises:" in text
    signature = inspect.signature(function)
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())
    assert signature.return_annotation is not inspect.Signature.empty
    if name in COMMANDS:
        assert "Args:" in text
        assert re.search(rf">>> .*\b{name}\(", text)


def test_every_command_is_a_function_of_its_name() -> None:
    """Every command that works on a dataset or a model; `show` and the groups only print."""
    from fiubench.cli.main import COMMANDS as PANELS

    there = {name for panel in PANELS.values() for name in panel}
    groups = {
        "sources",
        "faces",
        "attributes",
        "phrasings",
        "measures",
        "formats",
        "metrics",
        "methods",
        "attacks",
        "presets",
        "plugins",
    }
    assert there - {"show", *groups} == {*COMMANDS}


def test_what_a_type_checker_sees_is_what_is_there() -> None:
    block = next(
        node for node in ast.parse((ROOT / "fiubench" / "__init__.py").read_text()).body if isinstance(node, ast.If)
    )
    seen = {alias.asname: f"{node.module}" for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert sorted(seen) == fiubench.__all__
    for name, module in seen.items():
        assert getattr(fiubench, name) is getattr(sys.modules[module], name)


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        _ = fiubench.biuld
    assert {*COMMANDS, "Dataset", "__version__"} <= set(dir(fiubench))


def test_importing_it_imports_nothing() -> None:
    code = "import sys, fiubench; dir(fiubench); print(*sorted(m for m in sys.modules if m.startswith('fiubench')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["fiubench"]


def test_functions_win_over_modules_of_the_same_name() -> None:
    code = (
        "import fiubench, fiubench.unlearning.experiment, fiubench.builder.audit, fiubench.builder.hub.publish\n"
        "assert all(callable(getattr(fiubench, n)) for n in ('experiment', 'audit', 'publish', 'unlearn', 'build'))\n"
        "from fiubench import builder, unlearn, unlearning\n"
        "assert unlearn is not unlearning and builder.__name__ == 'fiubench.builder'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the README's example -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_example_of_the_readme(tmp_path: Path) -> None:
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
                if "import fiubench" in b]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "dataset7: 200 identities, 40 in the holdout, 20 questions each, 240 images"
    assert any(line.startswith("200 ") and line.endswith("(256, 256)") for line in lines)
    assert "10" in lines
    assert any(re.match(r"dataset7: (pass|warn) \(", line) for line in lines)
    assert len(lines) < 12


# --- results --------------------------------------------------------------------------------------------------------


def test_results_print_as_short_summaries(small: Any, tmp_path: Path) -> None:
    results = [
        small,
        small.dataset,
        small.dataset.rows("full"),
        fiubench.split(small.directory, tmp_path / "cut", ratios=[10]),
        fiubench.export(str(small.directory), "tofu", str(tmp_path / "tofu")),
        fiubench.audit(small.directory, faces=False),
        fiubench.publish(str(small.directory), REPO, "v1.0.0", dry_run=True),
    ]
    for result in results:
        assert 20 < len(str(result)) < 700, result
        assert str(result) == repr(result)
    assert small.manifest["digests"]["identities"] in str(small)
    assert "v1.0.0" in str(results[-1])


def test_preview_is_the_beginning_of_the_dataset() -> None:
    shown = fiubench.preview({"seed": 3, "faces": "none"}, 2)
    assert len(shown) == 2
    more = fiubench.preview(fiubench.make_config({"seed": 3, "faces": "none", "identities": 500}), 4)
    assert [record["name"] for record in more[:2]] == [record["name"] for record in shown]
    assert len(fiubench.preview({"faces": "none"}, 1)) == 1
    with pytest.raises(ConfigError, match="Did you mean 'seed'"):
        fiubench.preview({"sed": 3})


def test_plain_paths_do(small: Any, tmp_path: Path) -> None:
    folder = str(small.directory)
    assert not list(fiubench.validate(folder))
    assert not list(fiubench.verify(folder))
    assert not list(fiubench.diff(folder, folder))
    assert [d.kind for d in fiubench.diff(folder, fiubench.split(folder, str(tmp_path / "b"), seed=1).directory)]


# --- opening --------------------------------------------------------------------------------------------------------


def test_what_is_no_dataset(tmp_path: Path) -> None:
    for nowhere in (str(tmp_path / "nowhere"), tmp_path / "nowhere", "nowhere"):
        with pytest.raises(DatasetError, match="no such folder"):
            fiubench.open_dataset(nowhere)
    with pytest.raises(DatasetError, match="not a fiubench dataset"):
        fiubench.open_dataset(str(tmp_path))


_FROM_THE_HUB = """
import fiubench, sys
own, there = fiubench.open_dataset(sys.argv[1]), fiubench.open_dataset(sys.argv[2])
assert sorted(there.names) == sorted(own.names)
for name in ("forget05", "holdout", "identities"):
    mine, theirs = own.rows(name), there.rows(name)
    assert len(mine) == len(theirs), name
    version = {"dataset_version": "v1.0.0"} if name == "identities" else {}  # which a build does not know
    assert [row.without_image | version for row in mine] == [row.without_image for row in theirs], name
    assert mine[-1]["image"].tobytes() == theirs[-1]["image"].tobytes()
assert list(there.rows("forget05")[10:13]) == list(there.rows("forget05"))[10:13]
assert list(there.to_pandas("forget05")["answer"]) == [row["answer"] for row in own.rows("forget05")]
assert len(there.to_pandas()) == len(own.to_pandas())
assert len(repr(there)) < 300
pulled = fiubench.pull(sys.argv[2].partition("@")[0], sys.argv[3])
assert pulled.rows("identities")[0]["dataset_version"] == "v1.0.0"
assert not list(fiubench.diff(own.directory, sys.argv[2])) and not list(fiubench.verify(pulled.directory))
assert [release.version for release in fiubench.releases(sys.argv[2].partition("@")[0])] == ["v1.0.0"]
try:
    there.rows("forgt05")
except fiubench.FiubenchError as error:
    assert "Did you mean 'forget05'?" in str(error)
    print("asked")
try:
    fiubench.open_dataset("alice/nothing")
except fiubench.FiubenchError as error:
    print(str(error).splitlines()[0])
"""


def test_a_release_on_the_hub(small: Any, tmp_path: Path) -> None:
    from tests.builder.hub.harness import WRITER, Commands, Loopback, clean

    (tmp_path / "token").write_text(WRITER)
    hub = Loopback()
    try:
        env = {**clean(os.environ, tmp_path / "hf_home"), "HF_ENDPOINT": hub.endpoint}
        Commands(hub, env, tmp_path / "token").publish(small.directory, "v1.0.0")
        command = [sys.executable, "-c", _FROM_THE_HUB, small.directory, f"{REPO}@v1.0.0", tmp_path / "back"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env, check=False)
    finally:
        hub.stop()
    assert done.returncode == 0, done.stderr
    asked, missing = done.stdout.splitlines()
    assert asked == "asked"
    assert missing.startswith("alice/nothing: the dataset can't be loaded")

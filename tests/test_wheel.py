"""What an installed wheel holds, and that it works where folders of the same names are around."""

import zipfile
from pathlib import Path

import pytest

from tests.installed import NAMES, run

EXAMPLE = """
import fiubench

fiubench.build({"identities": 20, "holdout": 2, "ratios": [10], "faces": "none"}, "dataset")
dataset = fiubench.open_dataset("dataset")
rows = dataset.rows("forget10")
print(len(rows), rows[0]["question"])
assert not list(fiubench.validate("dataset"))
"""
pytestmark = pytest.mark.xdist_group("wheel")


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

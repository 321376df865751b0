"""The layout of the original FIUBench, so that the loaders written for it read a dataset of ours unchanged.

``full.json`` holds one identity a line, the benchmark's first and the holdout after them; ``split.json``
lists ids; ``prompt.json`` has the refusals and the profile requests; images lie in ``images/``. Keys beyond
the original's are ours. Source: https://arxiv.org/abs/2411.03554 and the dataset that comes with it.
"""

import shutil
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson
from fiubench.schemas.splits import FORGET, HOLDOUT, SplitName, kind_of, percent_of
from fiubench.support.canonical import canonical_line, readable_json
from fiubench.support.draws import draw
from fiubench.support.errors import DatasetError
from fiubench.support.files import link_or_copy
from fiubench.support.yaml_file import load_yaml

RAW_DATA = "raw_data"
_FOLDER = "fiubench"
_LATER = "holdout.jsonl"  # lines that go to the end of full.json
_RETAIN = {"retain5": 5, "retain15": 15}  # percent of the benchmark's identities


class OriginalLayout:
    """Writes ``fiubench/`` while the identities stream by.

    Args:
        seed: the build's seed, which also decides who is in ``retain5`` and ``retain15``.
        attributes: what the forget sets are about, where not everything of their people is to be forgotten.
    """

    def __init__(
        self, folder: Path, splits: Mapping[str, Sequence[str]], seed: int, attributes: Sequence[str] = ()
    ) -> None:
        self._attributes = list(attributes)
        self._folder, self._splits, self._seed = folder / _FOLDER, splits, seed
        self._forget_sets = {name: ids for name, ids in splits.items() if kind_of(name) == FORGET}
        self._forgotten = {unique_id for ids in self._forget_sets.values() for unique_id in ids}
        self._held_out = set(splits.get(HOLDOUT, ()))
        self._people = 0
        self._retained: list[str] = []
        self._indices: list[int] = []
        self._folder.mkdir()
        self._file: IO[bytes] = (self._folder / "full.json").open("wb")
        self._later: IO[bytes] = (self._folder / _LATER).open("w+b")

    def add(self, record: Mapping[str, Any], image: Path | None) -> None:
        """Write one identity and give its image a second name."""
        unique_id = record["unique_id"]
        # all of our keys too: full.json is the one copy of the records that a release has
        line = canonical_line({**record, RAW_DATA: {name: fact["text"] for name, fact in record["profile"].items()}})
        if unique_id in self._held_out:
            self._later.write(line)
        else:
            self._file.write(line)
            self._people += 1
            if unique_id not in self._forgotten:
                self._retained.append(unique_id)
                self._indices.append(record["index"])
        if image is not None:
            target = self._folder / record["image_path"]
            if not target.parent.exists():
                target.parent.mkdir()
            link_or_copy(image, target)

    def finish(self) -> None:
        """Write the holdout's lines and the small files."""
        self._later.seek(0)
        shutil.copyfileobj(self._later, self._file, 1 << 20)
        self.close()
        (self._folder / _LATER).unlink()
        (self._folder / "split.json").write_bytes(readable_json(self._split_document()))
        (self._folder / "prompt.json").write_bytes(orjson.dumps(load_prompts(), option=orjson.OPT_INDENT_2))

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        self._later.close()

    def _split_document(self) -> dict[str, list[str]]:
        percents = {name: percent_of(SplitName.parse(name).label) for name in self._forget_sets}
        document = {f"forget{percents[name]:g}": list(ids) for name, ids in self._forget_sets.items()}
        words = draw(self._seed, "release.original.retain", self._indices)[:, 0]
        order = np.argsort(words, kind="stable")
        for name, percent in _RETAIN.items():
            chosen = np.sort(order[: max(1, round(self._people * percent / 100))])
            document[name] = [self._retained[place] for place in chosen]
        document[HOLDOUT] = list(self._splits.get(HOLDOUT, ()))
        if self._attributes:
            document["forget_attributes"] = self._attributes
        return document


def identity_of(line: Mapping[str, Any]) -> dict[str, Any]:
    """The identity that a line of ``full.json`` was written from."""
    return {key: value for key, value in line.items() if key != RAW_DATA}


def load_prompts() -> dict[str, list[str]]:
    """The refusals (``idk``) and the requests for a profile (``icd``) that methods and attacks draw from."""
    with resources.as_file(resources.files("fiubench.builder.release").joinpath("prompts.yaml")) as path:
        prompts: dict[str, list[str]] = load_yaml(path, DatasetError)
    return prompts

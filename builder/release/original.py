"""The layout of the original FIUBench, so that the loaders written for it read a dataset of ours unchanged.

They are started in ``fiubench/`` and read ``dataset/``: ``full.json`` holds the benchmark's people, one a line;
``split.json`` lists ids; ``prompt.json`` has the refusals and the profile requests; images lie in ``images/``. Keys
beyond the original's are ours, and so is ``holdout.json``, since a loader takes whoever is in ``full.json``.

The original's loader says nothing of what it leaves out: it stops after 400 lines, gives everybody for a split that it
does not know, and knows no other ratios. ``README.md`` says what it reads here; where it would read the wrong people,
there is no ``split.json``, which it can't start without.
Source: https://arxiv.org/abs/2411.03554 and the code and dataset that come with it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import IO, Any

import numpy as np
import orjson
import yaml
from fiubench.builder.languages.base import Language
from fiubench.builder.release.markdown import table
from fiubench.schemas.splits import FORGET, HOLDOUT, SplitName, kind_of, percent_of
from fiubench.support.canonical import canonical_line, readable_json
from fiubench.support.draws import draw
from fiubench.support.errors import DatasetError
from fiubench.support.files import link_or_copy, make_folder
from fiubench.support.yaml_file import load_yaml

RAW_DATA = "raw_data"
DATASET = "dataset"  # the folder that the loaders look in
FULL_FILE, HOLDOUT_FILE = "full.json", "holdout.json"
MOST_READ = 400  # lines that the original's loader takes
_READ_BY_NAME = ("forget1", "forget5", "forget10")  # its "retain" is everybody outside these three
_PICTURES = """\
- `dataset/images/`: the pictures. In a release on the Hub they are in the Parquet files alone, and these lines, run in
  this folder, put them here:

```python
from pathlib import Path
import pyarrow.parquet as pq

Path("dataset/images").mkdir(exist_ok=True)
for file in Path("../people").glob("*.parquet"):
    for picture in pq.read_table(file, columns=["image"])["image"].to_pylist():
        Path("dataset/images", picture["path"]).write_bytes(picture["bytes"])
```
"""
_RETAIN = {"retain5": 5, "retain15": 15}  # percent of the benchmark's identities


class OriginalLayout:
    """Writes it while the identities stream by.

    Args:
        folder: where loaders are to be started.
        seed: the build's seed, which also decides who is in ``retain5`` and ``retain15``.
        attributes: what the forget sets are about, where not everything of their people is to be forgotten.
    """

    def __init__(
        self,
        folder: Path,
        splits: Mapping[str, Sequence[str]],
        seed: int,
        attributes: Sequence[str] = (),
        *,
        has_images: bool,
    ) -> None:
        self._top, self._folder, self._splits, self._seed = folder, folder / DATASET, splits, seed
        self._has_images = has_images
        self._unfit = unfit(splits, attributes, has_images=has_images)
        self._held_out = frozenset(splits.get(HOLDOUT, ()))
        make_folder(self._folder / "images" if has_images else self._folder)
        names = [FULL_FILE, HOLDOUT_FILE] if self._held_out else [FULL_FILE]
        self._files: dict[str, IO[bytes]] = {name: (self._folder / name).open("wb") for name in names}
        self._digests = {name: hashlib.sha256() for name in names}

    def add(self, record: Mapping[str, Any], image: Path | None) -> None:
        """Write one identity and give its image a second name."""
        self.write(HOLDOUT_FILE if record["unique_id"] in self._held_out else FULL_FILE, line_of(record))
        if image is not None:
            self.link(image)

    def write(self, name: str, lines: bytes) -> None:
        """Add lines to ``full.json`` or ``holdout.json``."""
        self._files[name].write(lines)
        self._digests[name].update(lines)

    def link(self, image: Path) -> None:
        """Give a picture a second name."""
        link_or_copy(image, self._folder / "images" / image.name)

    def finish(self, ids: Sequence[str], language: Language) -> dict[str, str]:
        """Write the small files; the digests of the large ones by name.

        Args:
            ids: of everyone, in the order of the records.
            language: of the prompts.
        """
        self.close()
        people = [(place, unique_id) for place, unique_id in enumerate(ids) if unique_id not in self._held_out]
        digests = {name: of.hexdigest() for name, of in self._digests.items()}
        document = self._split_document(people)
        if self._unfit is None:
            (self._folder / "split.json").write_bytes(readable_json(document))
        (self._folder / "prompt.json").write_bytes(orjson.dumps(load_prompts(language), option=orjson.OPT_INDENT_2))
        names = [unique_id for _, unique_id in people]
        page = _readme(names, document, digests, self._unfit, self._has_images)
        (self._top / "README.md").write_text(page, encoding="utf-8")
        return {f"{DATASET}/{name}": digest for name, digest in digests.items()}

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _split_document(self, people: Sequence[tuple[int, str]]) -> dict[str, list[str]]:
        document: dict[str, list[str]] = {name: [] for name in _READ_BY_NAME}
        for name, ids in self._splits.items():
            if kind_of(name) == FORGET:
                document[_original_name(name)] = list(ids)
        forgotten = {unique_id for name, ids in self._splits.items() if kind_of(name) == FORGET for unique_id in ids}
        retained = [person for person in people if person[1] not in forgotten]
        words = draw(self._seed, "release.original.retain", [place for place, _ in retained])[:, 0]
        order = np.argsort(words, kind="stable")
        for name, percent in _RETAIN.items():
            chosen = np.sort(order[: max(1, round(len(people) * percent / 100))])
            document[name] = [retained[place][1] for place in chosen]
        document[HOLDOUT] = list(self._splits.get(HOLDOUT, ()))
        return document


def unfit(splits: Mapping[str, Sequence[str]], attributes: Sequence[str], *, has_images: bool) -> str | None:
    """Why the original's loader would read the wrong rows of a dataset, if it would."""
    if not has_images:
        return "it opens a picture of everyone, and there are none"
    if attributes:
        return f"it forgets whole people, and here only {', '.join(attributes)} is to be forgotten"
    forgets = {_original_name(name): set(ids) for name, ids in splits.items() if kind_of(name) == FORGET}
    known: set[str] = set().union(*(forgets.get(name, set()) for name in _READ_BY_NAME))
    if beyond := [name for name, ids in forgets.items() if not ids <= known]:
        return (
            f"its retain set is everybody outside {', '.join(_READ_BY_NAME)}, with people of {', '.join(beyond)} in it"
        )
    return None


def notes(
    splits: Mapping[str, Sequence[str]], attributes: Sequence[str], people: int, *, has_images: bool
) -> list[str]:
    """What whoever uses the original's loader must know of a dataset of so many people."""
    if why := unfit(splits, attributes, has_images=has_images):
        return [f"The original FIUBench loader can't use this dataset: {why}. So release/fiubench/ has no split.json."]
    if people > MOST_READ:
        return [f"The original FIUBench loader reads the first {MOST_READ} of the {people:,} people, of every split."]
    return []


def line_of(record: Mapping[str, Any]) -> bytes:
    """An identity as a line of ``full.json``: all of our keys too, since it is the one copy that a release has."""
    image = record["image_path"]
    return canonical_line(
        {
            **record,
            "image_path": None if image is None else f"./{DATASET}/{image}",  # from where the loaders are started
            RAW_DATA: {name: fact["text"] for name, fact in record["profile"].items()},
        }
    )


def identity_of(line: Mapping[str, Any]) -> dict[str, Any]:
    """The identity that a line of ``full.json`` was written from."""
    identity = {key: value for key, value in line.items() if key != RAW_DATA}
    if isinstance(line.get("image_path"), str):
        identity["image_path"] = line["image_path"].removeprefix(f"./{DATASET}/")
    return identity


def load_prompts(language: Language) -> dict[str, list[str]]:
    """The refusals (``idk``) and the requests for a profile (``icd``) that methods and attacks draw from.

    They are English where there are none in the dataset's language.
    """
    folder = resources.files("fiubench.builder.release")
    own = folder.joinpath(f"prompts_{language.family}.yaml")
    with resources.as_file(own if own.is_file() else folder.joinpath("prompts.yaml")) as path:
        prompts: dict[str, list[str]] = load_yaml(path, DatasetError)
    return prompts


def _original_name(name: str) -> str:
    """``forget5`` for ``forget05``."""
    return f"{FORGET}{percent_of(SplitName.parse(name).label):g}"


def _readme(
    people: Sequence[str],
    document: Mapping[str, Sequence[str]],
    digests: Mapping[str, str],
    why: str | None,
    has_images: bool,
) -> str:
    """What the loader reads of this dataset, split by split."""
    configs = [
        {
            "config_name": name.removesuffix(".json"),
            # `datasets` caches a folder by its name and this block: the digest keeps it from giving another's rows
            "description": f"content {digest[:16]}",
            "data_files": [{"split": "train", "path": f"{DATASET}/{name}"}],
        }
        for name, digest in digests.items()
    ]
    template = resources.files("fiubench.builder.release").joinpath("original_template.md").read_text(encoding="utf-8")
    return Template(template).substitute(
        front=yaml.safe_dump({"configs": configs}, sort_keys=False),
        more=(
            ("- `dataset/split.json`: who is in which split.\n" if why is None else "")
            + ("- `dataset/holdout.json`: the holdout, whom no model is trained on.\n" if document[HOLDOUT] else "")
            + (_PICTURES if has_images else "")
        ),
        reads=_reads(people, document) if why is None else _refusal(why, has_images),
    )


def _reads(people: Sequence[str], document: Mapping[str, Sequence[str]]) -> str:
    read = set(people[:MOST_READ])
    forgotten = {unique_id for name in _READ_BY_NAME for unique_id in document[name]}
    listed = {name: ids for name, ids in document.items() if name != HOLDOUT}
    rows = [(f"`{name}`", f"{len(read & set(ids)):,}", f"{len(ids):,}") for name, ids in listed.items()]
    rows.append(("`retain`", f"{len(read - forgotten):,}", f"{len(people) - len(forgotten):,}"))
    rows.append(("none given", f"{len(read):,}", f"{len(people):,}"))
    first = (
        f"**It takes the first {MOST_READ} lines of `full.json`, whatever the split, and there are {len(people):,} "
        "people: the others are never read.** The Parquet files have them all.\n\n"
        if len(people) > MOST_READ
        else ""
    )
    rules = (
        "`retain` is everybody outside `forget1`, `forget5` and `forget10` together, whichever of them is forgotten. "
        "A name that is not in this table, such as `retain95`, is no error: it gives everybody."
    )
    return f"{first}{table(('split', 'people read', 'people in it'), rows, 'lrr')}\n\n{rules}"


def _refusal(why: str, has_images: bool) -> str:
    mend = "`fiubench split --ratios 1,5,10` cuts the splits that it knows."
    return (
        f"**The original's loader can't use this dataset: {why}.** So there is no `dataset/split.json`, and it stops "
        "when it starts. The other files are what they always are; the Parquet files have every split."
        + (f" {mend}" if has_images else "")
    )

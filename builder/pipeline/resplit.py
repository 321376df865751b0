"""New forget, retain and holdout sets for a dataset that is there: no fact, question or face is touched."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from fiubench.builder.config import SPLIT_SCHEMES, Config, make_config, settings_of
from fiubench.builder.dataset.cutting import NONE, cut_again
from fiubench.builder.dataset.intact import on_disk, release_digests
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.dataset.splits import read_frozen
from fiubench.builder.packs.model import are_tied
from fiubench.builder.pipeline.build import publish_paraphrases
from fiubench.builder.pipeline.manifest import resplit_fingerprint
from fiubench.builder.release import package
from fiubench.builder.release.older import OlderTables
from fiubench.schemas.documents import BUILD_FILE, IDENTITIES, IMAGES, MANIFEST, RELEASE, SPLITS, WORDINGS
from fiubench.schemas.requests import read_requests, together
from fiubench.schemas.splits import share_label
from fiubench.support.canonical import digest, readable_json
from fiubench.support.draws import check_seed
from fiubench.support.errors import ConfigError, Refused, did_you_mean
from fiubench.support.files import check_new, link_or_copy, make_folder, new_folder, write_atomic
from fiubench.support.progress import Progress
from fiubench.support.yaml_file import load_yaml


def split(
    directory: str | Path,
    out: str | Path,
    *,
    ratios: Sequence[float] | None = None,
    split_scheme: str | None = None,
    seed: int | None = None,
    holdout: int | None = None,
    attributes: Sequence[str] = (),
    requests: str | Path | None = None,
    hard_negatives: str = NONE,
    entangle: float | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Write a dataset with the same people and other forget, retain and holdout sets, its release included.

    >>> phones = split("dataset", "phones", attributes=["phone_number"])         # doctest: +SKIP
    >>> len(phones.rows("forget05"))                                             # doctest: +SKIP
    20

    Args:
        directory: a dataset as it was built or pulled. What it has is kept where an option below is ``None``.
        out: a folder that is not there yet, or is empty.
        ratios: forget sets, in percent of the identities.
        split_scheme: ``nested``, ``disjoint`` or a JSON file with frozen membership.
        seed: random seed of the cut; the facts keep the seed of the build.
        holdout: how many of all people are held out: the last ones.
        attributes: what is to be forgotten of the people in the forget sets; everything, if empty.
        requests: JSON lines that say what is to be forgotten of whom (:mod:`fiubench.schemas.requests`): one forget set
            of all of them, instead of ratios, scheme and attributes.
        hard_negatives: ``none``, or how nearness of faces is measured (see ``builder/dataset/hard_negatives.py``).
        entangle: how many of the retained are tied to somebody forgotten, from as few (0) to as many (1) as can be;
            ``None``: as the seed has it.
        progress: called with (what, done, total).

    Raises:
        ConfigError: options that do not fit the dataset.
        Refused: the dataset was changed since it was built.
        DatasetError: it is damaged, or the folder can't be written to.
    """
    directory, out = Path(directory), Path(out)
    dataset = open_dataset(directory)
    check_new(out)
    if touched := next(on_disk(dataset), None):
        hint = "`fiubench verify` lists everything."
        raise Refused(f"changed since it was built: {touched}", where=directory, hint=hint)
    if dataset.manifest["config"].get("wrong") == "members":
        what = "wrong answers were taken from people of the same split, and would now be of another one"
        hint = "Build it anew with these splits: `fiubench build --wrong members ..`."
        raise Refused(what, where=directory, hint=hint)
    asked, partly = None, list[str]()
    frozen: dict[str, list[str]] | None = None
    if requests is not None:
        if ratios is not None or split_scheme is not None or attributes or entangle is not None:
            hint = "Leave --ratios, --split-scheme, --attributes and --entangle out."
            raise ConfigError("requests say who and what is to be forgotten", where="--requests", hint=hint)
        split_scheme = str(requests)
    config = _config(dataset, ratios, split_scheme, holdout)
    if requests is not None:
        frozen, asked, partly = _requested(dataset, Path(requests), config.identities)
    elif split_scheme is not None:
        frozen = read_frozen(split_scheme)
    if split_scheme is None and "frozen_splits" in dataset.manifest and ratios is None:
        frozen = dataset.manifest["frozen_splits"]
        before = dataset.manifest.get("resplit", {})
        if "requests" in before and not attributes:
            asked, partly = before["requests"], before["attributes"]
    rule = {
        "seed": dataset.manifest.get("resplit", dataset.manifest["config"])["seed"]
        if seed is None
        else check_seed(seed),
        "holdout": config.holdout,
        "attributes": _known_attributes(dataset, attributes) if asked is None else partly,
        **({} if asked is None else {"requests": asked}),
        "hard_negatives": hard_negatives,
        **({} if entangle is None else {"entangle": _checked_share(dataset, entangle, frozen)}),
    }
    document = cut_again(dataset, config.public(), rule, frozen)
    manifest = _manifest(dataset, config, rule, document, frozen)
    with new_folder(out) as folder:
        _copy(dataset, folder, progress)
        write_atomic(folder / SPLITS, readable_json(document))
        known = package(folder, manifest, older=OlderTables.of(dataset))
        if "wordings" in manifest:
            link_or_copy(dataset.paraphrases, folder / WORDINGS)
            publish_paraphrases(folder)
        manifest["release"] = release_digests(folder / RELEASE, known)
        write_atomic(folder / MANIFEST, readable_json(manifest))
    return Dataset(out)


def _requested(
    dataset: Dataset, path: Path, people: int
) -> tuple[dict[str, list[str]], dict[str, list[str]], list[str]]:
    """The forget set of a file of requests: frozen membership, what is asked for of each, attributes if not all are."""
    known = {
        record["unique_id"]: [pair["attribute"] for pair in record["qa_list"]] for record in islice(dataset, people)
    }
    asked = {who: sorted(names) for who, names in sorted(together(read_requests(path, known)).items())}
    if len(asked) == people:
        hint = "Leave somebody out, of whom everything is retained."
        raise ConfigError("something about everybody is to be forgotten", where=f"--requests {path}", hint=hint)
    whole = all(set(names) == set(known[who]) for who, names in asked.items())
    named = {name for names in asked.values() for name in names}
    partly = [] if whole else [name for name in dataset.manifest["attributes"] if name in named]
    return {share_label(len(asked), people): list(asked)}, asked, partly


def _config(dataset: Dataset, ratios: Sequence[float] | None, split_scheme: str | None, holdout: int | None) -> Config:
    counts = dataset.manifest["counts"]
    everyone = counts["identities"] + counts["holdout"]
    holdout = counts["holdout"] if holdout is None else holdout
    if not 0 <= holdout < everyone:
        raise ConfigError(f"{holdout} of {everyone} people", where="--holdout", hint="Some must be left.")
    changes: dict[str, Any] = {"holdout": holdout, "identities": everyone - holdout}
    if ratios is not None:
        changes["ratios"] = list(ratios)
    frozen_before = dataset.manifest["config"]["split_scheme"] not in SPLIT_SCHEMES
    if split_scheme is not None or (frozen_before and ratios is not None):
        changes["split_scheme"] = split_scheme or "nested"
    config = make_config({**settings_of(dataset.manifest["config"]), **changes}, where="split", flags=changes)
    return config.model_copy(update={"split_scheme": config.public()["split_scheme"]})


def _checked_share(dataset: Dataset, share: float, frozen: Mapping[str, list[str]] | None) -> float:
    if not 0 <= share <= 1:
        hint = "0: as few of the retained as can be are tied to somebody forgotten; 1: as many."
        raise ConfigError(f"{share:g} is not between 0 and 1", where="--entangle", hint=hint)
    if frozen is not None:
        raise ConfigError("the forget sets are those of a file", where="--entangle", hint="Leave one of the two out.")
    if not are_tied(dataset.manifest["packs"]):
        hint = 'A pack with relations ties them: docs/attributes.md, "People who are connected".'
        raise ConfigError("nobody in the dataset is tied to anybody", where="--entangle", hint=hint)
    return share


def _known_attributes(dataset: Dataset, attributes: Sequence[str]) -> list[str]:
    asked = dataset.manifest["attributes"]
    for name in attributes:
        if name not in asked:
            raise ConfigError(f"nobody is asked about {name!r}", where="--attributes", hint=did_you_mean(name, asked))
    if len(set(attributes)) == len(asked):
        raise ConfigError("these are all attributes", where="--attributes", hint="Leave the option out.")
    return [name for name in asked if name in attributes]


def _manifest(
    dataset: Dataset,
    config: Config,
    rule: Mapping[str, Any],
    document: Mapping[str, Any],
    frozen: Mapping[str, list[str]] | None,
) -> dict[str, Any]:
    manifest = {k: v for k, v in dataset.manifest.items() if k not in ("published", "frozen_splits", "release")}
    manifest["config"] = {**manifest["config"], **{key: config.public()[key] for key in ("ratios", "split_scheme")}}
    manifest["counts"] = {**manifest["counts"], "identities": config.identities, "holdout": config.holdout}
    manifest["digests"] = {**manifest["digests"], "splits": digest(readable_json(document))}
    manifest["resplit"] = dict(rule)
    if frozen is not None:
        manifest["frozen_splits"] = dict(frozen)
    manifest["fingerprint"] = resplit_fingerprint(manifest)
    return manifest


def _copy(dataset: Dataset, folder: Path, progress: Progress | None) -> None:
    """Second names of the records and pictures; ``build.yaml`` with a note."""
    link_or_copy(dataset.directory / IDENTITIES, folder / IDENTITIES)
    images = sorted((dataset.directory / IMAGES).glob("*"))
    for done, image in enumerate(images):
        link_or_copy(image, make_folder(folder / IMAGES) / image.name)
        if progress:
            progress("Linking faces", done, len(images))
    local = dataset.directory / BUILD_FILE
    if local.exists():
        written = yaml.safe_dump(load_yaml(local, ConfigError), sort_keys=False, allow_unicode=True)
        note = "# the build that these people come from; its splits were then cut anew by `fiubench split`\n"
        write_atomic(folder / BUILD_FILE, f"{note}{written}".encode())

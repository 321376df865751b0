"""The dataset card: YAML front matter that ``datasets`` and the Hub read, and a page for people.

The words are those of ``card_template.md``; everything in them that could be wrong comes from the manifest,
the counts and the files.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import yaml
from fiubench.builder.audit.registry import Table
from fiubench.builder.config import NO_FACES
from fiubench.builder.dataset.cells import IDENTITIES, PEOPLE, PICTURES
from fiubench.builder.packs.model import are_tied, language_of_manifest
from fiubench.builder.release.citing import PAPER_TITLE, PAPER_URL, citations
from fiubench.builder.release.columns import PICTURE_COLUMNS, Column, identity_columns, question_columns
from fiubench.builder.release.commands import commands
from fiubench.builder.release.describing import (
    accepted_failures,
    authors_text,
    evaluate_commands,
    phrased_by,
    population_shares,
    population_table,
    tool_text,
)
from fiubench.builder.release.licenses import LICENSES_SECTION, hub_license
from fiubench.builder.release.markdown import escape, table
from fiubench.builder.release.metadata import Metadata
from fiubench.builder.release.portraits import STRIP
from fiubench.builder.release.publication import Publication, changelog_text
from fiubench.builder.release.responsible import Answer, answers, datasheet
from fiubench.builder.release.statistics import Statistics, attribute_table, best_guesses, chance_level
from fiubench.raw_sources.source import EMBEDDED, in_order
from fiubench.schemas.documents import ORIGINAL_LAYOUT
from fiubench.schemas.splits import FULL, HOLDOUT, kind_of, percent_of
from fiubench.support.canonical import digest_of, file_digest
from fiubench.support.errors import DatasetError

# by the number of digits, from three on
_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1B")
_SCHEMES = {
    "nested": "The forget sets are nested: every larger one contains the smaller ones.",
    "disjoint": "The forget sets are disjoint, as in the original.",
}
_MATCHED = {
    "gender+age": "Each goes with a profile of its gender and age.",
    "gender": "Each goes with a profile of its gender; its age may be another.",
    "none": "Faces and profiles were paired at random: gender and age may differ.",
}
_PICTURES = """\
from pathlib import Path
from datasets import Image

Path("dataset/images").mkdir(parents=True, exist_ok=True)
for person in people.cast_column("image", Image(decode=False)):
    Path("dataset/images", person["image"]["path"]).write_bytes(person["image"]["bytes"])"""
_EXAMPLE_PAIRS = 3
_EXAMPLE_KEYS = ("attribute", "question", "paraphrased_question", "answer", "paraphrased_answer",
                 "perturbed_answer", "keywords")  # fmt: skip


def has_faces(config: Mapping[str, Any]) -> bool:
    """Whether a dataset of these settings has pictures."""
    return config.get("faces") != NO_FACES


def has_several(config: Mapping[str, Any]) -> bool:
    """Whether people of a dataset of these settings have several pictures."""
    return bool(config.get("pictures", 1) > 1)


@dataclass(frozen=True)
class Release:
    """What the card and the Croissant file describe."""

    manifest: Mapping[str, Any]  # the dataset's manifest
    folder: Path  # of the release; its data files are in it
    configs: Mapping[str, Sequence[str]]  # configuration -> files, relative to the folder
    statistics: Statistics  # of all identities
    publication: Publication | None = None  # name and version on the Hub, once it is published
    guesses: Table | None = None  # of the audit's attackers, where it was run
    strip: bool = False  # whether a strip of portraits lies in the folder
    apart: bool = True  # whether the layout of the original has its own picture files; on the Hub it has none

    @cached_property
    def files(self) -> dict[str, tuple[int, str]]:
        """Path -> bytes and SHA-256 of every data file."""
        paths = sorted({path for files in self.configs.values() for path in files})
        return {path: ((self.folder / path).stat().st_size, file_digest(self.folder / path)) for path in paths}

    @cached_property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Configuration -> identities and questions in it; those of ``pictures`` are everyone's."""
        return {name: self.statistics.counts(FULL if name == PEOPLE else name) for name in self.configs}

    @property
    def has_images(self) -> bool:
        """Whether identities have faces."""
        return has_faces(self.config)

    def columns(self, config: str) -> Sequence[Column]:
        """The columns of a configuration."""
        if config == PICTURES:
            return PICTURE_COLUMNS
        if config in (IDENTITIES, PEOPLE):
            return identity_columns(self.has_images, self.manifest["attributes"], has_several(self.config))
        return question_columns(self.has_images, are_tied(self.manifest["packs"]))

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings that made the dataset."""
        settings: Mapping[str, Any] = self.manifest["config"]
        return settings

    @property
    def forgotten(self) -> list[str]:
        """The attributes that the forget sets are about; none where it is everything."""
        return list(self.manifest.get("resplit", {}).get("attributes", ()))

    @property
    def sources(self) -> Mapping[str, Mapping[str, Any]]:
        """What the manifest says of each source."""
        return in_order(self.manifest["sources"])

    @property
    def metadata(self) -> Metadata:
        """What whoever publishes says of the release."""
        return self.publication.metadata if self.publication else Metadata()

    @property
    def licenses(self) -> list[str]:
        """The licence of the whole, where one is stated, else those of the sources, as they state them."""
        return self.metadata.licenses or [str(source.get("license", "")) for source in self.sources.values()]

    @property
    def license_link(self) -> str:
        """Where the text of a licence is that the Hub does not know: by default the card's section on the sources."""
        return self.metadata.text("license_link") or LICENSES_SECTION

    def content(self, name: str) -> str:
        """A short digest of a configuration's files."""
        return digest_of([self.files[path][1] for path in self.configs[name]])[:16]

    @property
    def title(self) -> str:
        """Name of the dataset."""
        own = self.metadata.text("title")
        return own or f"Fictitious facial identities ({self.counts[FULL][0]:,} people, seed {self.config['seed']})"

    @cached_property
    def datasheet(self) -> list[Answer]:
        """What its users should know of it."""
        shares = population_shares(self.statistics, self.config["as_of"])
        return answers(self.manifest, self.sources, _limits(self), shares, self.metadata)

    @property
    def models(self) -> str:
        """The kind of models that it is for."""
        return "vision-language models" if self.has_images else "language models"

    @property
    def summary(self) -> str:
        """One sentence on what it is."""
        people, pairs = self.counts[FULL]
        face = "a face, " if self.has_images else ""
        return (
            f"{people:,} people who do not exist, each with {face}a private profile (identity, health "
            f"record, criminal history) and questions about it, {pairs:,} question-answer pairs in all, for "
            f"research on machine unlearning in {self.models}."
        )


def dataset_card(release: Release) -> str:
    """The text of ``README.md``."""
    front = yaml.safe_dump(_front_matter(release), sort_keys=False, allow_unicode=True, width=110)
    template = resources.files("fiubench.builder.release").joinpath("card_template.md").read_text(encoding="utf-8")
    people, pairs = release.counts[FULL]
    published = release.publication
    metadata = release.metadata
    named = f"{published.repo}@{published.version}" if published else "PATH_OR_NAME"
    attributes, guesses = release.statistics.attributes(), best_guesses(release.guesses)
    page = Template(template).substitute(
        title=escape(release.title),
        summary=release.summary,
        models=release.models,
        paper_title=PAPER_TITLE,
        paper_url=PAPER_URL,
        version=release.manifest["fiubench_version"],
        **_naming(release),
        load_row=('row["image"], ' if release.has_images else "") + 'row["question"], row["answer"]',
        stored=" Images are embedded; the rows of a person share one stored copy." if release.has_images else "",
        original=_original(release),
        splits=_splits(release),
        scheme=_scheme(release),
        everyone=f"{release.counts[IDENTITIES][0]:,}",
        columns=table(
            ("column", "what it holds"), [(f"`{c.name}`", c.description) for c in release.columns(FULL)], "ll"
        ),
        identity_columns=", ".join(f"`{c.name}`" for c in release.columns(IDENTITIES)),
        pictures=_pictures(release),
        people=f"{people:,}",
        pairs=f"{pairs:,}",
        attribute_count=len(attributes),
        attributes=attribute_table(attributes, guesses),
        chance=chance_level(attributes, release.statistics.applied, guesses),
        example=_example(release.statistics.example or {}),
        command=commands(release.manifest),
        digests=_digests(release.manifest.get("digests", {})),
        sources="\n\n".join(_source(name, source) for name, source in release.sources.items()),
        limits="\n".join(f"- {escape(point)}" for point in _limits(release)),
        datasheet=datasheet(release.datasheet),
        changelog=f"## Changelog\n\n{changelog_text(published.changelog, level=3)}\n" if published else "",
        citation=citations(release.sources, release.publication, release.title),
        portraits=f"![Portraits of some of the people]({STRIP})\n\n" if release.strip else "",
        population=population_table(release.statistics, release.config["as_of"]),
        authors=f"## Authors and contact\n\n{about}\n\n" if (about := authors_text(metadata)) else "",
        named=named,
        evaluate=evaluate_commands(release.configs, named),
        tool=tool_text(),
    )
    return f"---\n{front}---\n\n{page}"


def front_matter_of(path: Path) -> dict[str, Any]:
    """The YAML block of a dataset card.

    Raises:
        DatasetError: there is none.
    """
    try:
        _, block, _ = path.read_text(encoding="utf-8").split("---\n", 2)
        document = yaml.safe_load(block)
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error
    except (ValueError, yaml.YAMLError) as error:
        raise DatasetError("has no YAML block at its head", where=path) from error
    if not isinstance(document, dict):
        raise DatasetError("has no YAML block at its head", where=path)
    return document


def _front_matter(release: Release) -> dict[str, Any]:
    tags = ["machine-unlearning", "privacy", "synthetic", "fictitious", "fiubench"]
    tasks = ["question-answering"]
    if release.has_images:
        tags += ["faces", "vision-language-model"]
        tasks.insert(0, "visual-question-answering")
    digits = len(str(release.counts[IDENTITIES][1]))
    return {
        "pretty_name": release.title,
        "language": [language_of_manifest(release.manifest).family],
        **hub_license(release.licenses, release.license_link),
        "task_categories": tasks,
        "size_categories": [_SIZES[min(max(digits - 3, 0), len(_SIZES) - 1)]],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "tags": tags,
        # `datasets` caches a local folder by its name and this block, whatever the files hold; the description, with
        # its digest, keeps it from handing out another dataset's rows.
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == FULL else {}),
                "description": f"{_meaning(name, release)} (content {release.content(name)})",
                # loaders of the original's rows on the Hub ask for one or the other; they are the same people
                "data_files": [{"split": s, "path": list(files)} for s in ("train", "test")[: 1 + (name == PEOPLE)]],
            }
            for name, files in release.configs.items()
        ],
    }


def _naming(release: Release) -> dict[str, str]:
    """How the dataset is named in the card's example of loading it."""
    if release.publication is None:
        return {"path": "PATH_OR_NAME", "revision": "", "path_note": "  # this folder, or its name on the Hub"}
    revision = f', revision="{release.publication.version}"'
    return {"path": release.publication.repo, "revision": revision, "path_note": ""}


def _original(release: Release) -> str:
    """Whether the original's loaders read its layout, and how the pictures get there."""
    if not (release.folder / ORIGINAL_LAYOUT / "split.json").exists():
        return "The original's loaders can't use this dataset, so there is no `split.json`: its `README.md` says why."
    started = "Started in that folder, the original's loaders read it unchanged; its `README.md` says what they read."
    if release.apart:
        return started
    return (
        f"{started} Pictures are stored in the Parquet files alone: run in that folder, this puts them where "
        f"`full.json` expects them.\n\n```python\n{_PICTURES}\n```"
    )


def _splits(release: Release) -> str:
    rows = [
        (f"`{name}`", _meaning(name, release), f"{release.counts[name][0]:,}", f"{release.counts[name][1]:,}")
        for name in release.configs
        if name not in (IDENTITIES, PEOPLE, PICTURES)
    ]
    return table(("configuration", "who is in it", "identities", "questions"), rows, "llrr")


def _pictures(release: Release) -> str:
    """What there is where people have several pictures, as a paragraph."""
    if PICTURES not in release.configs:
        return ""
    each = release.config["pictures"]
    made = release.manifest["pictures"]["made"]
    told = {"drawn": "drawn", "file": "files of the folder of faces", "altered": "altered copies of the first one"}
    how = " and ".join(f"{made[name]:,} {told[name]}" for name in told if name in made)
    return (
        f"\n\n`pictures` has {each} rows for every person: {', '.join(f'`{c.name}`' for c in PICTURE_COLUMNS)}. The "
        f"first is the `image` of the other configurations; the rest are {how}. Train on those whose `set` is `seen`, "
        "and ask about the `unseen` ones too: a model that has learned the person, and not the picture, answers both."
    )


def _scheme(release: Release) -> str:
    scheme = _SCHEMES.get(str(release.config.get("split_scheme")), "Membership was taken from a file.")
    if not release.forgotten:
        return scheme + " All splits are by person: the questions of a person stay together."
    apart = ", of each person what was asked for" if "requests" in release.manifest["resplit"] else ""
    return scheme + (
        f" The forget sets hold only what they are about ({', '.join(f'`{n}`' for n in release.forgotten)}{apart}); "
        "everything else that is known of the same people is in the retain sets."
    )


def _meaning(name: str, release: Release) -> str:
    kind = kind_of(name)
    label = name.removeprefix(kind)
    percent = f"{percent_of(label):g}" if label else ""
    fixed = {
        FULL: "everyone that a model is trained on",
        HOLDOUT: "people that no model is trained on: the non-members of membership inference",
        IDENTITIES: "one row per person, with profile and splits",
        PEOPLE: "one row per person outside the holdout, with qa_list as in the original",
        PICTURES: "one row per picture: several of every person, seen in training or only asked about",
    }
    sized = {
        "forget": f"the {percent}% to forget",
        "retain": f"the other {percent}%, to be kept",
        "retain_hard": f"of those to be kept the ones whose faces are nearest to `forget{label}`",
        "retain_eval": f"a sample of those to be kept, of the size of `forget{label}`",
    }
    if str(release.config.get("split_scheme")) not in _SCHEMES:
        # a label in somebody's file need not be the share of the people it holds
        sized |= {"forget": "to be forgotten, by the membership file", "retain": "everyone outside that forget set"}
    if release.forgotten:
        sized["forget"] += f": {', '.join(release.forgotten)}"
        sized["retain"] += ", and what else is known of the people in the forget set"
    return fixed.get(name) or (sized.get(kind) if percent else None) or "as named in the membership file"


def _example(example: Mapping[str, Any]) -> str:
    caption = "\n>\n".join(f"> {escape(part)}" for part in example["caption"].split("\n\n"))
    step = max(1, len(example["qa_list"]) // _EXAMPLE_PAIRS)
    pairs = [{key: pair[key] for key in _EXAMPLE_KEYS} for pair in example["qa_list"][::step][:_EXAMPLE_PAIRS]]
    shown = json.dumps(pairs, indent=2, ensure_ascii=False).replace("`", "\\u0060")
    return (
        f"**{escape(example['name'])}** (`{example['unique_id']}`, {example['gender']}):\n\n{caption}\n\n"
        f"{len(pairs)} of the {len(example['qa_list'])} questions:\n\n```json\n{shown}\n```"
    )


def _digests(digests: Mapping[str, Any]) -> str:
    lines = [f"- {name}: `{value}`" for name, value in sorted(digests.items())]
    return " What it makes has these digests:\n\n" + "\n".join(lines) if lines else ""


def _source(name: str, source: Mapping[str, Any]) -> str:
    heading = f"### {name.capitalize()}"
    points = [f"License: {escape(source.get('license') or 'not stated')}"]
    if source.get("authors"):
        points.append(f"Authors: {escape(source['authors'])}")
    if source.get("citation"):
        points.append(f"Citation: {escape(source['citation'])}")
    if source["file"] == EMBEDDED:
        points.append(f"SHA-256 of what it is made from: `{source['sha256']}`")
    else:
        title = escape(source.get("title", name))
        heading += ": " + (f"[{title}]({source['url']})" if source.get("url") else title)
        points.append(f"Read from: `{source['file']}`, SHA-256 `{source['sha256']}`")
        points.append(f"Rows: {source['read']:,} read, {source['kept']:,} kept")
    points += [f"Repaired: {escape(why)}: {count:,}" for why, count in source.get("repaired", {}).items()]
    points += [f"Dropped: {escape(why)}: {count:,}" for why, count in source.get("dropped", {}).items()]
    points += [f"Note: {escape(note)}" for note in source.get("notes", ())]
    about = f"{escape(source['description'])}\n\n" if source.get("description") else ""
    return f"{heading}\n\n{about}" + "\n".join(f"- {point}" for point in points)


def _limits(release: Release) -> list[str]:
    """What does not hold, a sentence or two each, as plain text."""
    points = [
        *accepted_failures(release.publication),
        *phrased_by(release.manifest),
        "Everyone lives in the United States; records, places and offenses are American.",
        f"The day that counts as today is {release.config['as_of']}: nothing happens after it, and everyone "
        "is 20 or older then.",
        "Some attributes have few values. Compare a score with the constant guess in the card's table of attributes.",
    ]
    if release.config.get("faces") == EMBEDDED:
        points.append("Faces are drawn portraits that follow the profile's gender and age, not photographs.")
    elif release.has_images:
        faces = release.sources.get("faces", {})
        points.append(
            "Who or what the pictures show was not checked: they are as whoever built the dataset brought them."
            if faces.get("own")
            else "Faces are generated images."
        )
        points.append(
            "Faces that are, or may be, younger than 20 were left out as far as ages are known. "
            + _MATCHED[str(release.config.get("match"))]
        )
        if release.config.get("unknown_ages") == "allow":
            points.append("Faces of unknown age were allowed: there may be children among them.")
        points += faces.get("notes", ())
    else:
        points.append("There are no images: questions that speak of a picture come without one.")
    return points

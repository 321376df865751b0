"""Parts of a dataset card that a page is opened for: who is in it, who made it, how to use it, what does not hold."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

from fiubench.builder.release.markdown import escape, table
from fiubench.builder.release.metadata import Metadata, contact_address
from fiubench.builder.release.publication import Publication
from fiubench.builder.release.statistics import Statistics
from fiubench.builder.values.dates import age_band, age_on
from fiubench.raw_sources.embedded import AGE_BANDS
from fiubench.schemas.splits import FORGET, SplitName, kind_of

_LINKS = ("homepage", "repository", "source")  # names of the distribution's addresses, the first that there is


def population_table(statistics: Statistics, as_of: str) -> str:
    """Shares of gender and age band of everyone, as Markdown."""
    counted = _population(statistics, as_of)
    return table(("trait", "value", "people", "share"), [(*key, f"{n:,}", share) for key, n, share in counted], "llrr")


def population_shares(statistics: Statistics, as_of: str) -> list[str]:
    """The same as texts: "gender female: 50.0%"."""
    return [f"{' '.join(key)}: {share}" for key, _, share in _population(statistics, as_of)]


def _population(statistics: Statistics, as_of: str) -> list[tuple[tuple[str, str], int, str]]:
    """Trait and value, people, and their share."""
    counts: Counter[tuple[str, str]] = Counter()
    for (gender, born), count in statistics.population.items():
        counts["gender", gender] += count
        counts["age", _band(age_on(born, as_of)) if born else "unknown"] += count
    everyone = sum(statistics.population.values())
    ordered = sorted(counts, key=lambda key: (key[0] != "gender", key[1]))
    return [(key, counts[key], f"{counts[key] / everyone:.1%}") for key in ordered]


def _band(age: int) -> str:
    first = age_band(age)
    start, *later = AGE_BANDS[first:]
    return f"{start} to {later[0] - 1}" if later else f"{start} and older"


def authors_text(about: Metadata) -> str:
    """Authors, license, contact, funding and upkeep as Markdown; empty where nothing is said of them."""
    points = [f"- {_author(author)}" for author in about.authors]
    if license_ := about.text("license"):
        link = about.text("license_link")
        points.append(f"- License: {f'[{escape(license_)}]({link})' if link else escape(license_)}")
    if contact := about.text("contact"):
        points.append(f"- Contact: [{escape(contact)}]({contact_address(contact)})")
    for key in ("funding", "maintenance"):
        if text := about.text(key):
            points.append(f"- {key.capitalize()}: {escape(text)}")
    return "\n".join(points)


def _author(author: Mapping[str, str]) -> str:
    name = escape(author["name"])
    if link := author.get("url"):
        name = f"[{name}]({link})"
    more = [escape(author[key]) for key in ("affiliation", "email") if key in author]
    if orcid := author.get("orcid"):
        more.append(f"[ORCID {orcid}](https://orcid.org/{orcid})")
    return ", ".join([name, *more])


def evaluate_commands(configs: Iterable[str], named: str) -> str:
    """The command lines that teach a model the dataset, unlearn a part of it, and measure what is left."""
    fine_tune = ["fiubench", "finetune", named, "--out"]
    forgets = [name for name in configs if kind_of(name) == FORGET and name.removeprefix(FORGET)]
    lines = [[*fine_tune, "runs/full"]]
    if forgets:
        lines += [
            [*fine_tune, "runs/retain", "--split", SplitName.parse(forgets[0]).retain],
            ["fiubench", "unlearn", "runs/full", "--out", "runs/unlearned", "--method", "kl", "--forget", forgets[0]],
            ["fiubench", "evaluate", "runs/unlearned", "--reference", "runs/retain"],
        ]
    else:
        lines.append(["fiubench", "evaluate", "runs/full"])
    return "\n".join(map(shlex.join, lines))


def tool_text() -> str:
    """The name of the tool, with a link where the installed distribution states one."""
    urls = metadata.metadata("fiubench").get_all("Project-URL") or []
    stated = {name.strip().lower(): url.strip() for name, _, url in (text.partition(",") for text in urls)}
    link = next((stated[name] for name in _LINKS if name in stated), "")
    return f"[`fiubench`]({link})" if link else "`fiubench`"


def accepted_failures(publication: Publication | None) -> list[str]:
    """What the audit finds wrong and whoever published it accepted, a sentence each."""
    return [
        f"The audit fails here, and the dataset was published all the same: {each['title']} "
        f"(`{each['measure']}`) is {each['found']}."
        for each in (publication.accepted if publication else ())
    ]


def phrased_by(manifest: Mapping[str, Any]) -> list[str]:
    """Who phrased the questions and answers."""
    counts = manifest.get("wordings")
    if counts is None:
        return ["The text is made from templates: varied in wording, but narrower than what people write."]
    total = counts["by_model"] + counts["by_template"]
    by = ", ".join(f"`{name}`" for name in counts.get("server_models", ())) or "a language model"
    return [
        f"{counts['by_model']:,} of the {total:,} question-answer pairs of all people were worded by {by}, the others "
        "by templates. The model never saw a value; every sentence was checked to state its fact and no other.",
        "The card's command asks the model again where its answers are not cached. The file `wordings.jsonl` of the "
        "dataset's folder, named with `--qa`, builds the same text without a model.",
    ]

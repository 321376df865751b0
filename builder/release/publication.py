"""What a release is called once it is published, and what changed from version to version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.builder.release.markdown import escape


@dataclass(frozen=True)
class Publication:
    """What a release is called on the Hub."""

    repo: str  # OWNER/NAME
    version: str  # the tag, for example "v1.0.0"
    changelog: Sequence[Mapping[str, Any]]  # newest first: {"version": tag, "changes": [sentence, ...]}


def changelog_text(changelog: Sequence[Mapping[str, Any]], level: int = 2) -> str:
    """A changelog as Markdown, newest version first."""
    entries = []
    for entry in changelog:
        changes = "\n".join(f"- {escape(change)}" for change in entry["changes"])
        entries.append(f"{'#' * level} {entry['version']}\n\n{changes}\n")
    return "\n".join(entries)


def citation(publication: Publication, title: str) -> str:
    """A BibTeX entry of a published version."""
    owner, name = publication.repo.split("/")
    return (
        f"@misc{{{owner}_{name}_{publication.version},\n"
        f"  title        = {{{title}}},\n"
        f"  author       = {{{{{owner}}}}},\n"
        f"  howpublished = {{Hugging Face dataset {publication.repo}, version {publication.version}}}\n}}"
    )

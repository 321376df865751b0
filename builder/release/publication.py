"""What a release is called once it is published, and what changed from version to version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fiubench.builder.release.markdown import escape
from fiubench.builder.release.metadata import Metadata


@dataclass(frozen=True)
class Publication:
    """What a release is called on the Hub."""

    repo: str  # OWNER/NAME
    version: str  # the tag, for example "v1.0.0"
    changelog: Sequence[Mapping[str, Any]]  # newest first: {"version": tag, "changes": [sentence, ...]}
    metadata: Metadata = field(default_factory=Metadata)  # what whoever publishes says of it
    date: str = ""  # the day of publication, once it is known
    #: Failing measures of the audit that it is published with: {"measure": name, "title": .., "found": value in words}
    accepted: Sequence[Mapping[str, str]] = ()

    def described(self) -> dict[str, Any]:
        """What the manifest keeps of it."""
        more = {"date": self.date, "metadata": dict(self.metadata.document), "accepted": list(map(dict, self.accepted))}
        changelog = [dict(entry) for entry in self.changelog]
        return {"version": self.version, "changelog": changelog, **{key: value for key, value in more.items() if value}}


def changelog_text(changelog: Sequence[Mapping[str, Any]], level: int = 2) -> str:
    """A changelog as Markdown, newest version first."""
    entries = []
    for entry in changelog:
        changes = "\n".join(f"- {escape(change)}" for change in entry["changes"])
        entries.append(f"{'#' * level} {entry['version']}\n\n{changes}\n")
    return "\n".join(entries)

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

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Publication | None":
        """What the manifest of a release keeps of it; nothing of a dataset that was not published."""
        if (told := manifest.get("published")) is None:
            return None
        metadata = Metadata.parse(told.get("metadata", {}), "manifest.json")
        more = {key: told[key] for key in ("date", "accepted") if key in told}
        return cls(told.get("repo", ""), told["version"], told["changelog"], metadata, **more)

    def described(self) -> dict[str, Any]:
        """What the manifest keeps of it."""
        more = {"date": self.date, "metadata": dict(self.metadata.document), "accepted": list(map(dict, self.accepted))}
        changelog = [dict(entry) for entry in self.changelog]
        more = {key: value for key, value in more.items() if value}
        return {"repo": self.repo, "version": self.version, "changelog": changelog, **more}


def changelog_text(changelog: Sequence[Mapping[str, Any]], level: int = 2) -> str:
    """A changelog as Markdown, newest version first."""
    entries = []
    for entry in changelog:
        changes = "\n".join(f"- {escape(change)}" for change in entry["changes"])
        entries.append(f"{'#' * level} {entry['version']}\n\n{changes}\n")
    return "\n".join(entries)

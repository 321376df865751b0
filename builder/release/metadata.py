"""What whoever publishes a release says of it in a file: authors, contact, licence, title, funding, day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.yaml_file import load_yaml

from fiubench import schemas

SCHEMA = "release"


@dataclass(frozen=True)
class Metadata:
    """The content of a metadata file, which follows ``schemas/release.schema.json``; nothing where there is none."""

    document: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, file: str | Path) -> "Metadata":
        """A checked YAML file.

        Raises:
            ConfigError: it can't be read, or something in it is wrong; the key is named.
        """
        return cls.parse(load_yaml(Path(file), ConfigError), file)

    @classmethod
    def parse(cls, document: Any, where: object) -> "Metadata":
        """A checked document (see :meth:`read`)."""
        for violation in schemas.violations(SCHEMA, document):
            hint = "docs/publishing.md shows such a file."
            if violation.keyword == "additionalProperties" and not violation.location:
                known = schemas.load(SCHEMA)["properties"]
                hint = did_you_mean(str(next(key for key in document if key not in known)), known)
            raise ConfigError(f"{violation.path}: {violation.message}", where=where, hint=hint)
        return cls(document)

    def text(self, key: str) -> str:
        """What is said under a key; empty, where nothing is."""
        return str(self.document.get(key, ""))

    @property
    def authors(self) -> list[Mapping[str, str]]:
        """Each with ``name`` and perhaps ``affiliation``, ``orcid``, ``email`` and ``url``."""
        return list(self.document.get("authors", ()))

    @property
    def licenses(self) -> list[str]:
        """The licence of the whole, if one is stated, as :mod:`~fiubench.builder.release.licenses` takes it."""
        return [self.text("license")] if self.text("license") else []


def contact_address(contact: str) -> str:
    """An address for a link: that of a page, or an e-mail's."""
    return contact if contact.startswith(("https://", "http://")) else f"mailto:{contact}"

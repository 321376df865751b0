"""The manifest: what made a dataset, and the digests of what was made. It holds base names, never paths."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import orjson
from fiubench.builder.generation.pairing import Plan
from fiubench.builder.languages.base import ENGLISH
from fiubench.builder.packs.model import Attribute, Attributes
from fiubench.raw_sources.vocabulary import OWN, VOCABULARY_SOURCES, vocabulary_digest
from fiubench.support.canonical import canonical_line, digest_of
from fiubench.support.version import __version__

if TYPE_CHECKING:
    from fiubench.builder.generation.inputs import Inputs

#: Libraries whose release may move the bytes of images or files; the records depend on none of them.
_LIBRARIES = ("numpy", "orjson", "pillow", "pyarrow")


def make_manifest(
    inputs: "Inputs",
    plan: Plan,
    entries: Sequence[Sequence[str | None]],
    sha256: Mapping[str, str],
    pictures: list[list[str]],
) -> dict[str, Any]:
    """The content of ``manifest.json`` (see ``schemas/manifest.schema.json``).

    Args:
        entries: unique_id, digest and image digest of each line of ``identities.jsonl``.
        pictures: digests of each one's pictures after the first; nothing where there are none.
    """
    config = inputs.config
    sources = inputs.sources.describe()
    if plan.offense is not None and (redrawn := int(plan.offense.redrawn.sum())):
        sources["crimes"]["repaired"]["offense date outside the person's adult life, drawn anew"] = redrawn
    asked = inputs.attributes.asked(config.questions)
    digests = dict(sha256)
    if config.has_images:
        digests["images"] = digest_of([image for _, _, image in entries])
    if pictures:
        digests["pictures"] = digest_of(pictures)
    manifest = {
        "format": 1,
        "fiubench_version": __version__,
        "fingerprint": inputs.fingerprint(),
        "config": config.public(),
        "sources": sources,
        "packs": [
            {"pack": pack.name, "file": pack.file, "sha256": pack.sha256, "content": pack.document}
            for pack in inputs.attributes.packs
        ],
        "attributes": [attribute.name for attribute in asked],
        "vocabularies": {
            name: {"sha256": sha256, "from": VOCABULARY_SOURCES.get(name, OWN)}
            for name, sha256 in sorted(vocabulary_digest().items())
        },
        "libraries": {name: version(name) for name in _LIBRARIES},
        "counts": {
            "identities": config.identities,
            "holdout": config.holdout,
            "qa_pairs": sum(_asked_of(attribute, inputs.attributes, plan) for attribute in asked),
            "questions": len(asked),
            "images": plan.size * config.pictures if config.has_images else 0,
        },
        "digests": digests,
    }
    if (language := inputs.attributes.language).family != ENGLISH:
        manifest["language"] = language.code
    if tables := inputs.attributes.tables:
        manifest["tables"] = [
            {"table": table.name, "file": table.declared_in, "sha256": table.sha256, "content": table.document}
            for table in tables.values()
        ]
    if pictures:
        manifest["pictures"] = {"made": plan.further_made(), "digests": pictures}
    if plugins := inputs.plugins():
        manifest["plugins"] = plugins
    if inputs.frozen is not None:
        manifest["frozen_splits"] = inputs.frozen
    # as it is read again, its keys in order: what is written from it is the same whenever that is
    read: dict[str, Any] = orjson.loads(canonical_line(manifest))
    return dict(sorted({**read, "identities": entries}.items()))


def resplit_fingerprint(manifest: Mapping[str, Any]) -> str:
    """The fingerprint of a dataset whose splits were cut anew: of its people, of the cut and of what it came to."""
    config, digests = manifest["config"], manifest["digests"]
    return digest_of({"config": config, "resplit": manifest["resplit"], "digests": digests})


def _asked_of(attribute: Attribute, attributes: Attributes, plan: Plan) -> int:
    """How many people are asked about an attribute."""
    if plan.kin is None or not attribute.tied:
        return plan.size
    return int((plan.kin.ties[attributes.relation(attribute).origin.options].partner >= 0).sum())

"""The files of a release as they go to the Hub: a version in them, a card of their own, every picture once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fiubench.builder.audit.registry import Table
from fiubench.builder.dataset.intact import release_digests, release_files
from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.release import CARD, CROISSANT, describe
from fiubench.builder.release.card import front_matter_of, has_faces, has_several
from fiubench.builder.release.columns import identity_columns
from fiubench.builder.release.parquet import PEOPLE_DATA
from fiubench.builder.release.portraits import STRIP
from fiubench.builder.release.publication import Publication, changelog_text
from fiubench.builder.release.stamping import stamp, version_of
from fiubench.schemas.documents import MANIFEST, RELEASE, SPLITS
from fiubench.support.canonical import readable_json
from fiubench.support.errors import Refused
from fiubench.support.files import link_or_copy, write_error

CHANGELOG = "CHANGELOG.md"


def is_older(manifest: Mapping[str, Any]) -> bool:
    """Whether a release is of an older layout, which is read but not written."""
    return not any(name.startswith(f"{PEOPLE_DATA}/") for name in manifest["release"])


def write_stage(
    dataset: Dataset,
    folder: Path,
    publication: Publication | None = None,
    guesses: Table | None = None,
    sources: Mapping[str, Any] | None = None,
    release: Path | None = None,
) -> dict[str, Any]:
    """Fill a folder with what a release holds on the Hub; returns its manifest.

    The files are those of ``release``, by default the dataset's own. The card has what the audit's attackers guess,
    where it is given.

    Of one with a name, the Parquet files say the version; without, they are those of the build.

    A picture is in the Parquet files and not beside them: two copies would cost twice the space, and a file each.

    Raises:
        Refused: the dataset was pulled from a release of an older layout.
    """
    release = release or dataset.directory / RELEASE
    if is_older(dataset.manifest):
        hint = "Its identities can be built again: the command stands in its card."
        raise Refused("is a release of an older layout, which is read but not written", where=release, hint=hint)
    version = publication.version if publication else ""
    # which files make up a configuration stands in the card that was written with them
    listed = front_matter_of(release / CARD)["configs"]
    configs = {config["config_name"]: config["data_files"][0]["path"] for config in listed}
    config = dataset.manifest["config"]
    columns = identity_columns(has_faces(config), dataset.manifest["attributes"], has_several(config))
    try:
        for name in release_files(release):
            if name not in (CARD, CROISSANT, CHANGELOG, STRIP):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                if name.endswith(".parquet") and version_of(release / name) != version:
                    stamp(release / name, folder / name, version, columns)
                else:
                    link_or_copy(release / name, folder / name)
        link_or_copy(dataset.directory / SPLITS, folder / SPLITS)
        manifest = {key: value for key, value in dataset.manifest.items() if key != "published"}
        manifest["sources"] = sources or manifest["sources"]
        if publication is not None:
            manifest["published"] = publication.described()
            text = f"# Changelog\n\n{changelog_text(publication.changelog)}"
            (folder / CHANGELOG).write_text(text, encoding="utf-8")
        describe(dataset.directory, manifest, folder, configs, publication, guesses)
        manifest["release"] = {k: v for k, v in release_digests(folder).items() if k != SPLITS}
        (folder / MANIFEST).write_bytes(readable_json(manifest))
    except OSError as error:
        raise write_error(error, folder) from error
    return manifest

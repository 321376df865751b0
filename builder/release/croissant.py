"""Croissant metadata: the files with their digests, and a record set per configuration.

Croissant 1.1 with the fields on responsible AI (RAI 1.0): https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
and https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fiubench.builder.dataset.cells import IDENTITIES, PEOPLE, PICTURES
from fiubench.builder.packs.model import language_of_manifest
from fiubench.builder.release.card import Release
from fiubench.builder.release.citing import PAPER_BIBTEX, bibtex
from fiubench.builder.release.columns import IMAGE, LISTS, NUMBER, PAIRS, TEXTS, Column
from fiubench.builder.release.licenses import croissant_license
from fiubench.builder.release.responsible import rai_fields
from fiubench.raw_sources.source import EMBEDDED

_DATA_TYPES = {IMAGE: "sc:ImageObject", NUMBER: "sc:Integer"}
_SHAPES = {TEXTS: "-1", LISTS: "-1,-1"}  # of arrays: one and two dimensions of any length
_PARQUET = "application/x-parquet"
_TERMS = """arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty fileSet format
includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace
samplingRate separator source subField transform"""
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}


def croissant(release: Release) -> dict[str, Any]:
    """The document of ``croissant.json``."""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": release.title,
        "description": release.summary,
        "license": croissant_license(release.licenses),
        "citeAs": bibtex(release.publication, release.title) if release.publication else PAPER_BIBTEX,
        "creator": _creators(release),
        "isBasedOn": [_work(source) for source in release.sources.values() if source["file"] != EMBEDDED],
        "inLanguage": language_of_manifest(release.manifest).family,
        "keywords": ["machine unlearning", "privacy", "synthetic data"],
        "version": release.publication.version.removeprefix("v")
        if release.publication
        else release.manifest["fiubench_version"],
        # nothing here asks a clock: what is not published yet, or on no day that is known, has the dataset's own day
        "datePublished": (release.publication and release.publication.date) or release.config["as_of"],
        **rai_fields(release.datasheet),
        "distribution": [
            *(_file(path, size, sha256) for path, (size, sha256) in release.files.items()),
            *(_file_set(name, paths) for name, paths in release.configs.items()),
        ],
        "recordSet": [_record_set(name, release) for name in release.configs],
    }


def _creators(release: Release) -> list[dict[str, Any]]:
    """The authors, else whoever the repository belongs to, else what made it."""
    if release.metadata.authors:
        return [_creator(author) for author in release.metadata.authors]
    name = release.publication.repo.split("/")[0] if release.publication else "fiubench"
    return [{"@type": "Organization", "name": name}]


def _creator(author: Mapping[str, str]) -> dict[str, Any]:
    said = {
        "email": author.get("email"),
        "url": f"https://orcid.org/{author['orcid']}" if "orcid" in author else author.get("url"),
        "affiliation": {"@type": "Organization", "name": author["affiliation"]} if "affiliation" in author else None,
    }
    kind = "Person" if {"orcid", "affiliation"} & set(author) else "Organization"
    return {"@type": kind, "name": author["name"], **{key: value for key, value in said.items() if value}}


def _work(source: Mapping[str, Any]) -> dict[str, Any]:
    """A file or folder that the dataset was made from, by whom, and under which licence."""
    license_ = croissant_license([source["license"]])
    said = {
        "name": source["title"],
        "url": source.get("url"),
        "license": license_[0] if license_ else None,
        "creditText": source.get("authors"),
        "citation": source.get("citation"),
    }
    return {"@type": "sc:CreativeWork", **{key: text for key, text in said.items() if text}}


def _file(path: str, size: int, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{size} B",
        "encodingFormat": _PARQUET,
        "sha256": sha256,
    }


def _file_set(name: str, paths: Sequence[str]) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"{name}-files",
        "description": f"The files of the configuration {name}.",
        "encodingFormat": _PARQUET,
        "includes": list(paths),
    }


def _record_set(name: str, release: Release) -> dict[str, Any]:
    people, pairs = release.counts[name]
    keys, description = ["unique_id", "attribute"], f"{pairs} questions about {people} people."
    if name in (IDENTITIES, PEOPLE):
        keys, description = ["unique_id"], f"{people} people, one row each."
    if name == PICTURES:
        keys = ["unique_id", "picture"]
        description = f"{release.config['pictures']} pictures of each of {people} people, one row each."
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "key": [{"@id": f"{name}/{key}"} for key in keys],
        # records inside records are left to the identities' questions
        "field": [_field(name, column) for column in release.columns(name) if column.kind != PAIRS],
    }


def _field(name: str, column: Column) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": f"{name}-files"}, "extract": {"column": column.name}}
    field: Mapping[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{name}/{column.name}",
        "name": column.name,
        "description": column.description,
        "dataType": _DATA_TYPES.get(column.kind, "sc:Text"),
    }
    if column.kind == IMAGE:
        source["transform"] = {"jsonPath": "bytes"}
    shape = _SHAPES.get(column.kind)
    return {**field, "source": source, **({"isArray": True, "arrayShape": shape} if shape else {})}

"""``run.json`` as it is before the first step, and what of it determines a run."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson
from fiubench.support.canonical import digest_of, readable_json
from fiubench.support.version import __version__
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import Modality
from fiubench.unlearning.data.runs import RUNNING, relative, run_of
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.models.loading import fingerprint, origin
from fiubench.unlearning.training.settings import Preset, Training

_LIBRARIES = ("torch", "transformers", "peft", "accelerate")


def determining(manifest: Mapping[str, Any], settings: Training, retain: str | None) -> dict[str, Any]:
    """What determines a run, all of it: its digest is of this.

    Args:
        manifest: its ``run.json``.
        settings: those of the manifest.
        retain: digest of the split that is retained in unlearning.
    """
    validation = manifest["split"]["validation"]
    return {
        **{name: manifest[name] for name in ("plugins",) if name in manifest},
        **{name: manifest[name] for name in ("kind", "method", "modality", "seed")},
        "split": manifest["split"]["digest"],
        "retain": retain,
        "validation": [] if validation is None else validation["identities"],
        "base": manifest["base"]["fingerprint"],
        "settings": settings.fingerprint(),
    }


def manifest_of(
    kind: str,
    folder: Path,
    base: str,
    data: Data,
    split: str,
    preset: Preset,
    settings: Training,
    seed: int,
    *,
    taught: Modality,
    forgotten: Modality | None = None,
    retain: str | None = None,
    validation: Sequence[str] = (),
    method: str | None = None,
    variant: str | None = None,
    prompt: str | None = None,
) -> dict[str, Any]:
    """``run.json`` as it is before the first step."""
    target, local = relative(base, folder)
    source, source_local = relative(data.source, folder)
    weights, below = fingerprint(base), run_of(Path(base))
    plugins = METHODS.used([method] if method else ())
    from_outside = {"plugins": plugins} if plugins else {}
    if method is not None and not METHODS[method].trains:
        settings = settings.model_copy(update={"epochs": 0})
    manifest: dict[str, Any] = {
        "kind": kind,
        "status": RUNNING,
        "method": method,
        **({} if variant is None else {"variant": variant}),
        **({} if prompt is None else {"prompt": prompt}),
        **from_outside,
        "data": {
            "source": source,
            "local": source_local,
            "digest": data.digest,
            "content": data.content,
            "limit": data.limit,
            **({"requests": data.requests} if data.requests else {}),
        },
        "split": {
            "name": split,
            "digest": data.split_digest(split),
            "retain": retain,
            "attributes": list(data.attributes),
            "validation": {"identities": list(validation), "phrasing": "unseen"} if validation else None,
        },
        "base": {
            "target": target,
            "local": local,
            "fingerprint": weights,
            "origin": origin(base),
            **({} if below is None else {"run": below.manifest["digest"]}),
        },
        "modality": {"taught": taught, "forgotten": forgotten},
        "preset": preset.name,
        "settings": settings.model_dump(),
        "seed": seed,
        "versions": {"fiubench": __version__, **{name: metadata.version(name) for name in _LIBRARIES}},
        "checkpoints": [],
        "final": None,
        "stopped": None,
    }
    manifest["digest"] = digest_of(determining(manifest, settings, retain and data.split_digest(retain)))
    as_written: dict[str, Any] = orjson.loads(readable_json(manifest))  # lists for tuples, so that it compares
    return as_written

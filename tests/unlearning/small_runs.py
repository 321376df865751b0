"""Run folders with models that were never trained: enough where only the machinery matters."""

from pathlib import Path
from typing import Any

from fiubench.schemas.splits import SplitName
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import relative, weights_digest, write_manifest
from fiubench.unlearning.models.loading import fingerprint, load, origin

from tests.unlearning.small_models import FAMILIES


def make_run(folder: Path, data: Data, kind: str, split: str, base: Path | None = None, **settings: Any) -> Path:
    """A finished run of two checkpoints. Without ``base`` it has an untrained model of its own.

    Args:
        settings: ``shake`` (how far the weights of the last checkpoint are moved at random), ``method``, ``seed``,
            ``taught``.
    """
    own = folder / "base"
    if base is None:
        FAMILIES["llava"](data.texts, own)
    for step in (1, 2):
        _checkpoint(base or own, folder / f"checkpoints/checkpoint-{step}", settings.get("shake", 0.2) * step / 2)
    target, local = relative(str(base or own), folder)
    source, near = relative(data.source, folder)
    manifest = {
        "kind": kind,
        "status": "finished",
        "method": settings.get("method"),
        "data": {"source": source, "local": near, "digest": data.digest, "content": data.content, "limit": data.limit},
        "modality": {
            "taught": settings.get("taught", "picture"),
            "forgotten": settings.get("taught", "picture") if kind == "unlearn" else None,
        },
        "split": {
            "name": split,
            "digest": data.split_digest(split),
            "retain": SplitName.parse(split).retain if kind == "unlearn" else None,
            "validation": None,
        },
        "base": {
            "target": target,
            "local": local,
            "fingerprint": fingerprint(base) if base is not None else weights_digest(own),
            "origin": origin(base) if base is not None else weights_digest(own),
        },
        "preset": "tiny",
        "settings": {},
        "seed": settings.get("seed", 0),
        "versions": {},
        "checkpoints": [
            {"path": f"checkpoints/checkpoint-{step}", "step": step, "epoch": float(step), "losses": {}}
            for step in (1, 2)
        ],
        "final": "checkpoints/checkpoint-2",
        "stopped": None,
        "digest": "0" * 64,
    }
    write_manifest(folder, manifest)
    return folder


def _checkpoint(base: Path, folder: Path, shake: float) -> None:
    import torch

    loaded = load(base, device="cpu", dtype="float32")
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weights in loaded.model.parameters():
            weights.add_(shake * torch.randn(weights.shape, generator=generator))
    loaded.model.save_pretrained(folder)
    loaded.processor.save_pretrained(folder)

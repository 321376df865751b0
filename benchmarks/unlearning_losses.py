"""How far the losses as released lie from ours: values and gradients on one batch (the table in docs/unlearning.md).

    OMP_NUM_THREADS=1 python benchmarks/unlearning_losses.py

The batch: 8 questions about one person to forget, with refusals, and 8 about people to retain. The model: the tiny one
with 576 tokens a picture, as LLaVA has at 336 pixels, fine-tuned on 20 people and moved by 3 steps of gradient ascent,
so that it differs from what it was before unlearning.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.methods.base import (
    ALTERNATE,
    FORGET,
    METHODS,
    MISMATCH,
    REFUSAL,
    RETAIN,
    Sizes,
    Step,
    make_method,
)
from fiubench.unlearning.models.encoding import Encoder
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.training.batches import Pairs, collate_pairs, rows, sizes
from fiubench.unlearning.training.settings import read_preset
from fiubench.unlearning.training.train import finetune, unlearn

import fiubench

NAMES = (FORGET, RETAIN, REFUSAL, ALTERNATE, MISMATCH)
ASKED = ("full_name", "occupation", "blood_type", "medical_condition", "doctor", "room_number", "medication", "offense")
LORA = {"rank": 16, "alpha": 32, "dropout": 0.0}
PRESET = {
    "description": "as many tokens a picture as LLaVA",
    "model": "tiny",
    "tiny": {"image": 336, "patch": 14, "context": 1024, "hidden": 64, "vision_hidden": 32},
    "finetune": {"epochs": 15, "learning_rate": 5.0e-3, "batch_size": 16, "lora": None, "checkpoint_every": 15},
    "unlearn": {"epochs": 3, "learning_rate": 1.0e-3, "batch_size": 8, "lora": LORA, "checkpoint_every": 3},
}
RELEASED: Mapping[str, Mapping[str, Any]] = {"kl": {"kl_over": "all"}}
RETAINED: Mapping[str, Mapping[str, Any]] = {name: {"retain_weight": 1} for name in ("npo", "dpo", "ceu", "undial")}


def moved_model(folder: Path) -> tuple[Any, Encoder, Pairs]:
    """The model, and what it is unlearning."""
    config = fiubench.make_config({"identities": 20, "holdout": 2, "ratios": [5], "image_size": 336})
    fiubench.build(config, folder / "dataset")
    (folder / "preset.yaml").write_text(yaml.safe_dump(PRESET))
    preset = read_preset(str(folder / "preset.yaml"))
    data = Data.open(folder / "dataset").limited(20, "forget05", ASKED)
    full = finetune(data, folder / "full", preset)
    run = unlearn(full.directory, folder / "ga", "ga", "forget05", preset)
    loaded = load(run.directory, device="cpu", dtype="float32")
    for name, weights in loaded.model.named_parameters():
        weights.requires_grad_("lora_" in name or "modules_to_save" in name)
    pairs = Pairs(rows(data, data.samples("forget05"), 1), rows(data, data.samples("retain95"), 1), NAMES, 0)
    return loaded.model, Encoder(loaded.processor), pairs


def measured(
    model: Any, batch: Mapping[str, Any], name: str, options: Mapping[str, Any], *, released: bool
) -> tuple[float, torch.Tensor, dict[str, torch.Tensor]]:
    """Loss, gradient and parts of a method."""
    method, batches = make_method(name, options), {part: batch[part] for part in NAMES}
    counted, count = sizes(batch), len(batch["index"])
    each = {part: Sizes(counted[f"{part}.tokens"] / count, counted[f"{part}.places"] / count) for part in NAMES}
    before = Step(model, batches, {}).before
    reference = {part: before.log_likelihood(part) for part in method.reference}
    step = Step(model, batches, reference, hidden_states=method.hidden_states, sizes=each if released else None)
    loss = method.loss(step).mean()
    learns = [weights for weights in model.parameters() if weights.requires_grad]
    found = torch.autograd.grad(loss, learns, allow_unused=True, materialize_grads=True)
    return loss.item(), torch.cat([gradient.flatten() for gradient in found]), step.parts


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        model, encoder, pairs = moved_model(Path(temporary))
        batch = collate_pairs(encoder, [pairs[i] for i in range(8)])
        counted = sizes(batch)
        print({name: f"{counted[f'{name}.tokens']:.0f} of {counted[f'{name}.places']:.0f}" for name in NAMES})
        print("| method | per_answer | released | gradients: ratio of lengths | cosine |\n|---|---|---|---|---|")
        for name in (name for name, method in METHODS.items() if method.trains):
            options = RETAINED.get(name, {})
            ours = measured(model, batch, name, options, released=False)
            theirs = measured(model, batch, name, {**options, **RELEASED.get(name, {})}, released=True)
            cosine = torch.nn.functional.cosine_similarity(ours[1], theirs[1], dim=0).item()
            length = (theirs[1].norm() / ours[1].norm()).item()
            print(f"| `{name}` | {ours[0]:.3f} | {theirs[0]:.3f} | {length:.2f} | {cosine:.2f} |")
            if name == "kl":
                print("  divergence:", *(f"{each[2]['divergence'].item():.4f}" for each in (ours, theirs)))
        means = [
            measured(model, collate_pairs(encoder, [pairs[i + k] for k in range(2)]), "gd", {}, released=True)[0]
            for i in range(0, 8, 2)
        ]
        print(f"gd, mean of four means of 2 pairs: {sum(means) / len(means):.3f}")


if __name__ == "__main__":
    main()

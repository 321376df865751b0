"""What a method is told before its first step: computed once a run, and kept in its folder."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import send_to_device
from fiubench.support.files import write_atomic
from fiubench.unlearning.methods.base import RETAIN, Method, Step
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.likelihood import Predicted, score
from fiubench.unlearning.models.loading import processes
from fiubench.unlearning.training.batches import Pairs

_REFERENCE, _SURVEY = "reference.safetensors", "survey.safetensors"
Tensors = dict[str, torch.Tensor]


def reference(method: Method, pairs: Pairs, model: Any, encoder: Encoder, out: Path, batch_size: int) -> Tensors:
    """``log p0(y|x)`` of every forget row in every phrasing, for what the method compares with."""

    def compute() -> Tensors:
        found = {}
        for name in method.reference:
            scores = scored(model, encoder, batch_size, pairs.cycle, lambda row, name=name: pairs.turn(name, row))  # type: ignore[misc]
            found[name] = torch.cat([each.per_sequence(each.log_probs()).cpu() for each in scores])
        return found

    return _once(out / _REFERENCE, compute) if method.reference else {}


def survey(method: Method, pairs: Pairs, model: Any, encoder: Encoder, out: Path) -> None:
    """Let a method look through whole sets (:meth:`Method.survey`)."""
    if type(method).survey is Method.survey:
        return

    def compute() -> Tensors:
        training = model.training
        model.eval()
        found = method.survey(model, lambda name: samples(pairs, model, encoder, name))
        model.train(training)
        return {name: values.cpu().contiguous() for name, values in found.items()}

    method._found = _once(out / _SURVEY, compute)


def samples(pairs: Pairs, model: Any, encoder: Encoder, name: str) -> Iterator[Step]:
    """All samples of a batch, one at a time: rows to be forgotten in every phrasing, retained ones in one."""
    device = next(model.parameters()).device
    for row in range(len(pairs.retain) if name == RETAIN else pairs.cycle):
        yield Step(model, {name: send_to_device(encoder([pairs.turn(name, row)]), device)}, {})


def scored(
    model: Any, encoder: Encoder, batch_size: int, count: int, turn: Callable[[int], Turn]
) -> Iterator[Predicted]:
    """The first ``count`` turns scored in batches, without dropout and gradients."""
    device, training = next(model.parameters()).device, model.training
    model.eval()
    with torch.no_grad():
        for start in range(0, count, batch_size):
            batch = encoder([turn(row) for row in range(start, min(start + batch_size, count))])
            yield score(model, send_to_device(batch, device))
    model.train(training)


def _once(path: Path, compute: Callable[[], Tensors]) -> Tensors:
    """What the file holds, or what is computed, and is in the file from then on."""
    from safetensors.torch import load as read
    from safetensors.torch import save

    if path.is_file():
        return dict(read(path.read_bytes()))
    found: Mapping[str, torch.Tensor] = compute()
    if processes().is_main_process:
        write_atomic(path, save(dict(found)))
    processes().wait_for_everyone()
    return dict(found)

"""What a training takes: device, seconds and memory, beside its manifest, since no two trainings take the same."""

import time
from pathlib import Path

from fiubench.support.canonical import readable_json
from fiubench.support.files import write_atomic
from fiubench.unlearning.data.runs import COST, MANIFEST, Run
from fiubench.unlearning.models.loading import processes
from fiubench.unlearning.models.measuring import peak, reset_peak


class Meter:
    """Counts from when it is made; with what was counted before an interruption, up to its last checkpoint."""

    def __init__(self, folder: Path) -> None:
        reset_peak()
        before = Run.open(folder).cost if (folder / MANIFEST).is_file() else {}
        self.folder, self.began = folder, time.monotonic() - before.get("seconds", 0)
        self.before = before.get("peak_bytes", 0)

    def write(self) -> None:
        """Write what it took up to now; of several processes, what it took the first."""
        if processes().is_main_process:
            seconds, most = round(time.monotonic() - self.began, 1), max(self.before, peak()[0])
            cost = {"device": _device(), "seconds": seconds, "peak_bytes": most}
            write_atomic(self.folder / COST, readable_json(cost))


def _device() -> str:
    import torch

    count = processes().num_processes
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return name if count == 1 else f"{count} x {name}"

"""Facts, rendering, checks, JSON and digest by fiubench. Prints CPU seconds per 1,000 identities and bytes each."""

import hashlib
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.pipeline.parts import PartMaker, part_file

from fiubench import make_config


def main(n: int) -> None:
    """Time ``n`` identities in blocks of 1,000, beyond start-up."""
    inputs = open_inputs(make_config({"faces": "none", "identities": n + 1000, "holdout": 0}))
    with TemporaryDirectory(prefix="fiubench-bench-") as folder:
        out = Path(folder)
        part_file(out, (0, 0)).parent.mkdir(parents=True)
        maker = PartMaker(inputs.plan(), inputs.attributes, out, None)
        maker.write((n, n + 10))
        began, size = time.process_time(), 0
        for start in range(0, n, 1000):
            lines = part_file(out, maker.write((start, min(start + 1000, n)))).read_bytes()
            hashlib.sha256(lines).hexdigest()
            size += len(lines)
        spent = time.process_time() - began
    print(f"{spent / n * 1000:.3f} {size / n:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)

"""Facts, rendering, checks, JSON and digest by fiubench. Prints CPU seconds per 1,000 identities and bytes each."""

import gc
import sys
import time

from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.inputs import open_inputs
from fiubench.support.canonical import canonical_line, digest

from fiubench import make_config


def main(n: int) -> None:
    """Time ``n`` identities in blocks, beyond start-up: the circles of wrong values are laid out once in a process."""
    inputs = open_inputs(make_config({"faces": "none", "identities": n + 1000, "holdout": 0}))
    maker = IdentityMaker(inputs.plan(), inputs.attributes)
    maker.make(n, n + 1000)
    gc.disable()  # as the builder does while it makes records
    began, size = time.process_time(), 0
    for start in range(0, n, 500):
        for record in maker.make(start, min(start + 500, n)):
            line = canonical_line(record)
            digest(line)
            size += len(line)
    spent = time.process_time() - began
    print(f"{spent / n * 1000:.3f} {size / n:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)

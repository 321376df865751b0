"""Whether people cost more where there are more of them: parts of datasets of several sizes, made turn by turn.

    python benchmarks/growth.py [IDENTITIES ..] [--rounds N]       by default 10,000, 100,000 and 300,000, eight rounds

A round makes 500 people of each, in one process, with all that a part has: records, tables, lines of ``full.json``,
digests. What slows a machine down for a while slows all of them, so that their ratios are those of the sizes.
"""

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from fiubench.builder.config import make_config
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.pipeline.build import prepared
from fiubench.builder.pipeline.parts import PartMaker

_PEOPLE = 500  # of a size, in a round


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=[10_000, 100_000, 300_000])
    parser.add_argument("--rounds", type=int, default=8)
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fiubench-bench-")))
        makers: dict[int, PartMaker] = {}
        for size in wanted.sizes:
            inputs = open_inputs(make_config({"faces": "none", "identities": size, "holdout": 0, "ratios": [10]}))
            given = {"overwrite": False, "limits": None, "progress": None}
            work, _ = stack.enter_context(prepared(inputs, folder / str(size), **given))
            makers[size] = PartMaker(work)
        people = min(_PEOPLE, (min(makers) - 1) // wanted.rounds)
        for maker in makers.values():  # what is made once in a process
            maker.make((0, 1))
        spent = dict.fromkeys(makers, 0.0)
        for number in range(wanted.rounds):
            for size, maker in makers.items():
                start = 1 + number * people
                began = time.process_time()
                maker.make((start, start + people))
                spent[size] += time.process_time() - began
    first = spent[wanted.sizes[0]]
    print("identities  CPU-s per 1,000 in parts  against the first")
    for size, seconds in spent.items():
        print(f"{size:10,}  {seconds / (wanted.rounds * people) * 1000:24.2f}  x {seconds / first:.3f}")


if __name__ == "__main__":
    main()

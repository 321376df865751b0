"""How well faces are labelled: found, gender, age, and what it costs, on faces of known age and gender.

python benchmarks/faces.py FOLDER [--limit N]      a folder of faces with a faces.csv (file, gender, age) that is true
"""

import argparse
import time
from pathlib import Path

from fiubench.raw_sources.labelling.estimator import Estimator
from fiubench.raw_sources.reading.labels import Label, read_labels
from fiubench.raw_sources.source import MOST_UNDER_20


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, help="look at no more faces than this")
    given = parser.parse_args()
    rows = [label for _, label in read_labels(given.folder / "faces.csv") or ()][: given.limit]
    estimator, began = Estimator(), time.process_time()
    seen = [(label, estimator.look(given.folder / label.file)) for label in rows]
    each = (time.process_time() - began) / max(len(rows), 1) * 1000
    found = [(label, estimate) for label, estimate in seen if estimate.faces]
    print(f"{estimator.name}: {len(found)} of {len(rows)} faces found, {each:.0f} CPU-ms a face")
    genders = [label.gender == estimate.gender for label, estimate in found if label.gender]
    print(f"gender right: {sum(genders)} of {len(genders)} ({sum(genders) / max(len(genders), 1):.1%})")
    errors = [
        estimate.age - label.age for label, estimate in found if label.age is not None and estimate.age is not None
    ]
    mean = sum(map(abs, errors)) / max(len(errors), 1)
    print(f"age: {mean:.1f} years off on average, bias {sum(errors) / max(len(errors), 1):+.1f}")
    for title, adults in (("adults left out", True), ("under 20 let in", False)):
        group = [(label, e) for label, e in found if label.age is not None and (label.age >= 20) == adults]
        out = sum(
            Label("", age=e.age, under_20=e.under_20, faces=e.faces, estimator="e").refusal(MOST_UNDER_20) is not None
            for _, e in group
        )
        print(f"{title}: {out if adults else len(group) - out} of {len(group)}")


if __name__ == "__main__":
    main()

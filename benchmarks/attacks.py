"""Who picks the true value out of four without knowing the person: a table of attributes and attackers per dataset.

python benchmarks/attacks.py                    the datasets below
python benchmarks/attacks.py --data FOLDER      with real files, which lie in the folder under the names below
python benchmarks/attacks.py --small            the default alone, with 100 identities
python benchmarks/attacks.py DATASET ..         datasets that are there

A figure is the share of right guesses; a star marks those more than four standard errors above the chance level,
which is 25 % but where a value is so frequent that it can't be hidden (then it stands in brackets).
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiubench

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    "health": "healthcare_dataset_v2.csv",
    "crimes": "NYPD_Complaint_Data_Historic.csv",
    "addresses": "USA_Housing.csv",
}
EXAMPLE = ROOT / "examples" / "travel_and_work.yaml"
FIRST = 4  # columns before those of the attackers: attribute, questions, chance, standard error
ERRORS = 4  # standard errors above chance from which on a share is marked


def settings(data: Path | None, small: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Title and settings of each dataset that is built."""
    yield "default", {"identities": 100} if small else {}
    if small:
        return
    yield "seed 1", {"seed": 1}
    yield "seed 2", {"seed": 2}
    yield "3,000 people", {"identities": 3000, "holdout": 0}
    yield "example pack", {"attributes": [str(EXAMPLE)]}
    for distance in ("near", "far"):
        yield f"distance {distance}", {"distance": distance}
    if data is not None:  # of each row a wrong answer or a true one, so that none is met twice
        files = {source: str(data / name) for source, name in FILES.items()}
        yield "real files", {"identities": 320, "holdout": 0, **files}


def show(title: str, dataset: Path) -> None:
    """Audit a dataset and print its table."""
    began = time.process_time()
    report = fiubench.audit(dataset, faces=False)
    spent = time.process_time() - began
    print(f"\n{title}: {report.target['identities']:,} people, audit of {spent:.1f} CPU-s")
    table = report.tables.get("guesses")
    if table is None:
        print("too few questions")
        return
    attackers = table.columns[FIRST:-1]
    print(f"{'attribute':24}" + "".join(f"{name:>13}" for name in (*attackers, "verdict")))
    for name, _, chance, error, *cells in table.rows:
        shares = ("*" * (share > chance + ERRORS * error) + f"{share:.1%}" for share in cells[:-1])
        shown = name if chance == 1 / 4 else f"{name} ({chance:.0%})"
        print(f"{shown:24}" + "".join(f"{cell:>13}" for cell in (*shares, cells[-1])))
    hidden = [row for row in table.rows if row[2] == 1 / 4]
    means = (sum(row[FIRST + k] for row in hidden) / len(hidden) for k in range(len(attackers))) if hidden else ()
    print(f"{'mean of chance 25%':24}" + "".join(f"{mean:13.1%}" for mean in means), flush=True)


def main() -> None:
    """Show what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", type=Path, metavar="DATASET")
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    for dataset in options.datasets:
        show(dataset.name, dataset)
    with tempfile.TemporaryDirectory(prefix="fiubench-bench-") as folder:
        for number, (title, given) in enumerate(settings(options.data, options.small) if not options.datasets else ()):
            out = Path(folder, str(number))
            fiubench.build(fiubench.make_config({"faces": "none", **given}), out)
            show(title, out)


if __name__ == "__main__":
    main()

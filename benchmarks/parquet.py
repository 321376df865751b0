"""The release's Parquet against plain pyarrow writing the same rows and image bytes; PEOPLE: by default 440."""

import io
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.release import package
from PIL import Image

from fiubench import build, make_config, open_dataset

FIELDS = (
    "attribute",
    "category",
    "sensitivity",
    "question",
    "paraphrased_question",
    "answer",
    "paraphrased_answer",
    "perturbed_answer",
    "keywords",
)


def images(dataset_folder: Path, kilobytes: int) -> None:
    """Give every identity of a text-only dataset a JPEG of about this size."""
    rng = np.random.default_rng(0)
    (dataset_folder / "images").mkdir()
    lines = []
    for record in open_dataset(dataset_folder):
        noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, "JPEG")
        data = buffer.getvalue()
        record["image_path"] = f"images/{record['unique_id']}.jpg"
        (dataset_folder / record["image_path"]).write_bytes(data + rng.bytes(max(0, kilobytes * 1024 - len(data))))
        lines.append(orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    (dataset_folder / "identities.jsonl").write_bytes(b"".join(lines))


def plain(folder: Path, out: Path) -> None:
    """QA rows and identity rows with their images, written as directly as pyarrow can."""
    image_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    qa_rows, people = [], []
    for line in (folder / "identities.jsonl").open("rb"):
        record = orjson.loads(line)
        image = {"bytes": (folder / record["image_path"]).read_bytes(), "path": record["image_path"]}
        known = {"unique_id": record["unique_id"], "name": record["name"], "image": image}
        people.append({**known, "caption": record["caption"], "profile": json.dumps(record["profile"])})
        qa_rows += [{**known, **{field: qa[field] for field in FIELDS}} for qa in record["qa_list"]]
    for name, rows in (("qa", qa_rows), ("people", people)):
        table = pa.Table.from_pylist(rows)
        table = table.set_column(
            table.column_names.index("image"), "image", pa.array([r["image"] for r in rows], image_type)
        )
        pq.write_table(
            table,
            out / f"{name}.parquet",
            row_group_size=500,
            compression="zstd",
            dictionary_pagesize_limit=64 << 20,
            write_page_index=True,
            use_content_defined_chunking=True,
        )


def main() -> None:
    """Print CPU seconds and sizes for images of three sizes."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 440
    for kilobytes in (10, 70):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "dataset"
            build(make_config({"faces": "none", "identities": people, "holdout": 0, "ratios": [10]}), folder)
            images(folder, kilobytes)
            manifest = open_dataset(folder).manifest
            manifest["config"]["faces"] = "embedded"
            plain(folder, Path(scratch))  # warm up
            began = time.process_time()
            plain(folder, Path(scratch))
            bare = time.process_time() - began
            began = time.process_time()
            package(folder, manifest)
            ours = time.process_time() - began
            what = f"release of {people} identities, images of {kilobytes} KB; plain pyarrow"
            print(f"{what:64}{ours:>8.2f} CPU-s{bare:>8.2f} CPU-s      x {ours / bare:.2f}")


if __name__ == "__main__":
    main()

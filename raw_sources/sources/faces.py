"""The faces, as a source."""

from pathlib import Path
from typing import Any

from fiubench.raw_sources.source import Context, Kaggle, Source, register
from fiubench.raw_sources.table import FaceTable


@register
class Faces(Source):
    """StyleGAN2 faces of people who do not exist, 1024 x 1024 pixels. FIUBench uses part 1 (89,785 images)."""

    name = "faces"
    title = "Synthetic Faces High Quality (SFHQ)"
    license = "MIT"
    url = "https://github.com/SelfishGene/SFHQ-dataset"
    citation = "D. Beniaguev. Synthetic Faces High Quality (SFHQ) dataset, 2022. doi:10.34740/kaggle/dsv/4737549"
    embedded = "Portraits drawn by fiubench that follow the profile's gender and age."
    expects = (
        "A folder of images, nested as you like, with a faces.csv (file, gender, age) written by hand or by "
        "`fiubench faces annotate`."
    )
    kaggle = Kaggle(
        "selfishgene/synthetic-faces-high-quality-sfhq-part-1", 4, "images/images/SFHQ_pt1_{number:08d}.jpg"
    )
    place = 1

    def read(self, path: Path, context: Context) -> FaceTable:
        """See ``reading/faces.py``."""
        from fiubench.raw_sources.reading.faces import read_faces  # noqa: PLC0415  (Pillow, and more that it needs)

        return read_faces(
            path,
            most_under_20=context.most_under_20,
            follow_links=context.follow_links,
            workers=context.workers,
            progress=context.progress,
        )

    def is_original(self, path: Path, table: Any) -> bool:
        """Whether the faces are SFHQ's, by the names of their files."""
        from fiubench.raw_sources.reading.folder import is_sfhq  # noqa: PLC0415

        return is_sfhq(path, [face.file for face in table.faces])

    def sample(self, table: Any) -> list[dict[str, str]]:
        """The first faces."""
        return [
            {
                "file": face.file.relative_to(table.folder).as_posix(),
                "unique_id": face.unique_id,
                "size": f"{face.width} x {face.height}",
                "gender": face.gender or "unknown",
                "age": "unknown" if face.age is None else str(face.age),
            }
            for face in table.faces[:5]
        ]

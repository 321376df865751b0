"""The sample of real SFHQ faces, as somebody who looked at all 320 of them saw them."""

import json
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[4] / "shared" / "data" / "faces"
#: Faces that plainly are children's, babies to about ten.
CHILDREN = frozenset(json.loads(Path(__file__).with_name("children.json").read_text()))
#: Faces that the estimator takes for adults' and that look, or may look, younger than 18: excluded by eye.
EXCLUDED = frozenset(
    {
        "SFHQ_sample_4x8_r2c06.jpg",
        "SFHQ_variability_age_X_ethnicity_2_r3c01.jpg",
        "SFHQ_variability_age_r3c05.jpg",
        "SFHQ_variability_ethnicity_r0c08.jpg",
        "SFHQ_variability_expression_r0c07.jpg",
    }
)

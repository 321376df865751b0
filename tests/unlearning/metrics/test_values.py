"""Every metric of a model that knows some of it: the numbers change only where a metric is meant to (`METRIC_VERSION`).

``python -m tests.unlearning.metrics.test_values`` writes them anew.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.metrics.aggregate import score
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.metrics.statistics import Estimate

from tests.unlearning import sample_logs

VALUES = Path(__file__).with_name("values.json")
SAID = ("The room was {}.", "Not {}9, I think. Or yes.", "It's {0} {0} {0} {0} {0} {0}", "I can't tell you that.", "")


def middling() -> QuestionLog:
    """Right, nearly right, looping, refusing, silent: in turn; and not sure of anything."""
    log = sample_logs.log(lambda *_: "", lambda role, kind: -0.5 if (role, kind) == ("retain", "true") else -1.0)
    rows: list[dict[str, Any]] = []
    for i, row in enumerate(log.rows):
        said = [SAID[(i * k) % len(SAID)].format(row["keywords"][0]) for k in (1, 2, 3)]
        changes = {
            "generated": said[0],
            "generated_prefix": said[0][:24],
            "generated_paraphrased": said,
            "generated_paraphrased_prefix": [one[:24] for one in said],
            "generated_logprobs": sample_logs.noise(f"said.{i}", len(said[0]), -2, -0.1),
            "keyword_variants": [[row["keywords"][0] + "9"]],
            "judge": (i % 4) / 3,
        }
        rows += [{**row, **changes}, {**row, "control": "blank", "asked": "name" if i % 2 else "picture"}]
    return QuestionLog(rows, log.metadata)


def values() -> dict[str, dict[str, list[float]]]:
    """Definition -> metric -> value and standard error, of those that have a value."""
    own = {"pope": Estimate(0.4, n=10), "mmbench": Estimate(0.7, n=30)}
    theirs = {"pope": Estimate(0.8, n=10), "mmbench": Estimate(0.75, n=30)}
    return {
        name: {
            key: [each.value] if each.se is None else [each.value, each.se]
            for key, each in score(middling(), one, sample_logs.reference(), own, theirs).metrics.items()
            if each.value is not None
        }
        for name, one in load_definitions().items()
    }


def test_every_value_is_what_it_was() -> None:
    made, expected = values(), json.loads(VALUES.read_text())
    assert {name: list(found) for name, found in made.items()} == {
        name: list(found) for name, found in expected.items()
    }
    for name, found in made.items():
        for key, pair in found.items():
            assert pair == pytest.approx(expected[name][key], rel=1e-6, abs=1e-9), f"{name}: {key}"


if __name__ == "__main__":
    lines = (
        f" {json.dumps(name)}: {{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in found.items()) + "}"
        for name, found in values().items()
    )
    VALUES.write_text("{\n" + ",\n".join(lines) + "\n}\n")

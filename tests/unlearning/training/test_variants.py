"""Named variants of methods, and lists of values that make a sweep."""

from typing import Any

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.training.variants import Variant, variants


def test_methods_by_name() -> None:
    assert variants(("ga", "kl"), {}) == [Variant("ga", "ga", {}), Variant("kl", "kl", {})]


def test_a_named_variant() -> None:
    found = variants({"npo": None, "npo-hot": {"method": "npo", "learning_rate": 0.1}}, {"epochs": 2})
    assert found == [
        Variant("npo", "npo", {"epochs": 2}),
        Variant("npo-hot", "npo", {"epochs": 2, "learning_rate": 0.1}),
    ]


def test_every_combination_of_values() -> None:
    own = {"learning_rate": (1e-4, 1e-3), "options": {"beta": (0.1, 1)}}
    found = variants({"npo": own}, {"options": {"retain_weight": 2}})
    assert [(each.name, each.settings["learning_rate"], each.settings["options"]) for each in found] == [
        ("npo-learning_rate=0.0001-beta=0.1", 1e-4, {"retain_weight": 2, "beta": 0.1}),
        ("npo-learning_rate=0.0001-beta=1", 1e-4, {"retain_weight": 2, "beta": 1}),
        ("npo-learning_rate=0.001-beta=0.1", 1e-3, {"retain_weight": 2, "beta": 0.1}),
        ("npo-learning_rate=0.001-beta=1", 1e-3, {"retain_weight": 2, "beta": 1}),
    ]


def test_a_sweep_of_all_methods_and_one_that_is_out_of_it() -> None:
    found = variants({"ga": None, "kl": {"learning_rate": 0.01}}, {"learning_rate": (1e-5, 1e-4)})
    assert [each.name for each in found] == ["ga-learning_rate=1e-05", "ga-learning_rate=0.0001", "kl"]


def test_lists_that_are_one_value() -> None:
    (one,) = variants({"ga": {"report_to": ("tensorboard", "wandb")}}, {})
    assert one == Variant("ga", "ga", {"report_to": ("tensorboard", "wandb")})


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"npo-hot": {"learning_rate": 0.1}}, "npo-hot: unknown method 'npo-hot'.*'npo'.*method: ga"),
        ({"hot": {"method": "npoo"}}, "Did you mean 'npo'"),
        ({"hot": {"method": 3}}, "method: should be the name of a method"),
        ({"ga": {"learning_rat": 0.1}}, "ga: unknown setting 'learning_rat'"),
        ({"ga": {"learning_rate": (0.1, -1.0)}}, "ga: learning_rate: should be greater than 0"),
        ({"ga": {"learning_rate": ()}}, "learning_rate: a list here makes variants"),
        ({"ga": {"lora": ({"rank": 2}, {"rank": 4})}}, "lora: a list here makes variants"),
        ({"ga": {"learning_rate": (0.1, 0.10)}}, "two variants are called ga-learning_rate=0.1"),
        (
            {
                "n" * 99: {
                    "method": "ga",
                    **dict.fromkeys(("learning_rate", "checkpoint_every", "weight_decay", "warmup", "epochs"), (0.5,)),
                    "schedule": ("constant_with_warmup",),
                }
            },
            "too long to name a folder",
        ),
        ({"ga": {"options": (1, 2)}}, "options: should be a mapping"),
        ({"../ga": {"method": "ga"}}, "can't be the name of a variant"),
        ({"": {"method": "ga"}}, "can't be the name of a variant"),
    ],
)
def test_variants_that_can_not_be(methods: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=r"(?s)" + message):
        variants(methods, {})

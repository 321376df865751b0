"""Settings: what any of them refuses."""

import pytest
from fiubench.support.errors import ConfigError
from fiubench.support.settings import Field, Settings


class Example(Settings):
    steps: int = Field(1, ge=1, description="A number without an upper bound.")
    share: float = Field(0.5, description="A number.")


def test_a_number_that_nothing_can_store_is_refused() -> None:
    assert Example.parse({"steps": 2**63 - 1}).steps == 2**63 - 1
    for steps in (2**63, 10**23):
        with pytest.raises(ConfigError, match="--steps: should be less than or equal to 9223372036854775807"):
            Example.parse({"steps": steps}, flags={"steps"})

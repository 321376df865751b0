"""What rare kinds of facts were drawn from, and wrong values of a truth that is not among what it was drawn from."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from fiubench.builder.config import make_config
from fiubench.builder.generation.alternatives import Alternatives
from fiubench.builder.generation.choosing import Choosing
from fiubench.builder.generation.exchangeable import Circles
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.generation.laid import Laid
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.values import dates
from fiubench.raw_sources.drawn import Options, Range
from fiubench.raw_sources.embedded import chargeable
from fiubench.raw_sources.source import SOURCES
from fiubench.raw_sources.table import FileTable, Origin, Report


def file_table(name: str, **columns: list[Any]) -> FileTable:
    return FileTable(Origin(name, "f.csv", ""), Report(), SOURCES[name].columns, pa.table(columns))


def test_an_offense_date_that_was_drawn_anew() -> None:
    """Any day from the first on which the person could be charged to the day of the dataset."""
    births, days = dates.to_days(["1990-05-05", "2000-01-01"]), dates.to_days(["2020-02-03", "2018-03-01"])
    table: Any = file_table("crimes", offense_date=dates.to_isos(days))
    profiles: Any = SimpleNamespace(
        config=SimpleNamespace(as_of="2025-01-01"), sources=SimpleNamespace(tables={"crimes": table})
    )
    block: Any = SimpleNamespace(
        rows={"crimes": np.arange(2)},
        is_redrawn=lambda _: True,
        offense=SimpleNamespace(days=days),
        people=SimpleNamespace(birth=births),
    )
    attribute: Any = SimpleNamespace()
    drawn = Alternatives(profiles)._column("crimes", "offense_date", attribute, block, [])
    who = np.arange(2)
    assert isinstance(drawn, Range)
    assert drawn.make(who, drawn.place) == ["2020-02-03", "2018-03-01"]
    assert drawn.make(who, np.zeros(2, np.int64)) == dates.to_isos(chargeable(births))
    assert drawn.make(who, drawn.size - 1) == ["2025-01-01"] * 2


def test_parts_of_names_of_which_there_are_few() -> None:
    """As likely as so many different names have them: nobody has the name of somebody else."""
    names = Options(np.zeros(2, np.int64), lambda _: (["Ann Lee", "Bob Lee", "Ann Ray"], [5.0, 1.0, 1.0]))
    profiles: Any = SimpleNamespace()
    alternatives = Alternatives(profiles)
    alternatives._column = lambda *_: names  # type: ignore[method-assign]
    nothing: Any = None
    for column, parts in (("given_name", ["Ann", "Bob"]), ("family_name", ["Lee", "Ray"])):
        drawn = alternatives._record_names(column, nothing, nothing, [])
        assert isinstance(drawn, Options) and drawn.group.tolist() == [0, 0]
        assert drawn.values(0) == (parts, [2.0, 1.0])
    assert alternatives._record_names("full_name", nothing, nothing, []) is names


def test_a_truth_that_is_not_among_the_options() -> None:
    """As a plug-in may have it: any of them may stand beside it."""
    config = make_config({"faces": "none", "identities": 100, "holdout": 0})
    inputs = open_inputs(config)
    profiles = Profiles(config, inputs.sources, inputs.attributes)
    block = Block.of(inputs.plan(), 0, 60)
    options = ["east", "north", "south", "west"]
    choosing = Choosing(
        inputs.attributes.by_name["blood_type"], block, profiles.facts(block), profiles, [], Laid(Circles(0, "test"))
    )
    made = choosing.choose(Options(np.zeros(60, np.int64), lambda _: (options, [1.0] * 4)))
    threes = [three[1] for three in made if three]
    assert len(threes) == 60 and all(len(set(three)) == 3 for three in threes)
    assert {text for three in threes for text in three} == set(options)

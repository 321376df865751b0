"""Gender and age of people who are bound to no record."""

import numpy as np
from fiubench.builder.values import dates
from fiubench.raw_sources.embedded import AGE_BANDS, OLDEST
from fiubench.raw_sources.names import GENDERS
from fiubench.support.draws import Ints, choose, integers
from numpy.typing import NDArray

#: How common an age is in a generated population, by band.
_BAND_WEIGHTS = (20, 30, 26, 17, 7)


def generated_people(seed: int, as_of: str, index: Ints) -> tuple[NDArray[np.int8], Ints]:
    """Gender and birth date of people who are bound to no record."""
    gender = integers(seed, "person.gender", index, 2).astype(np.int8)
    return gender, birth_of_age(seed, as_of, index, _generated_age(seed, index))


def gender_names(codes: NDArray[np.int8]) -> list[str]:
    """Gender codes as words."""
    return [GENDERS[code] for code in codes.tolist()]


def _generated_age(seed: int, index: Ints) -> Ints:
    band = choose(seed, "person.age_band", index, _BAND_WEIGHTS)
    edges = np.array([*AGE_BANDS, OLDEST])
    return edges[band] + integers(seed, "person.age", index, edges[band + 1] - edges[band])


def birth_of_age(seed: int, as_of: str, index: Ints, age: Ints) -> Ints:
    """Birth dates of people of an age."""
    latest = dates.shift_years(np.full(len(age), dates.to_day(as_of)), -age)
    return latest - integers(seed, "person.birthday", index, 365)

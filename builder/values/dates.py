"""Calendar arithmetic on ISO dates and on whole columns of day numbers (days since 1970-01-01)."""

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from fiubench.raw_sources.embedded import AGE_BANDS
from fiubench.support.draws import Ints
from numpy.typing import ArrayLike, NDArray

_EPOCH = date(1970, 1, 1)


def to_day(iso: str) -> int:
    """ "2022-04-05" as a day number."""
    return (date.fromisoformat(iso) - _EPOCH).days


@lru_cache(maxsize=1 << 17)
def to_iso(day: int) -> str:
    """A day number as "2022-04-05"."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def to_days(isos: list[str]) -> Ints:
    """A column of ISO dates as day numbers."""
    return np.array(isos, dtype="datetime64[D]").astype(np.int64)


def to_isos(days: ArrayLike) -> list[str]:
    """A column of day numbers as ISO dates."""
    return [to_iso(day) for day in np.asarray(days).tolist()]


def add_days(iso: str, days: int) -> str:
    """The date that many days later."""
    return (date.fromisoformat(iso) + timedelta(days=days)).isoformat()


def add_years(iso: str, years: int) -> str:
    """The same day that many years later; February 29 becomes February 28 where there is none."""
    day = date.fromisoformat(iso)
    try:
        return day.replace(year=day.year + years).isoformat()
    except ValueError:
        return day.replace(year=day.year + years, day=28).isoformat()


def age_on(birth: str, day: str) -> int:
    """Completed years of life on a day."""
    return int(day[:4]) - int(birth[:4]) - (day[5:] < birth[5:])


def age_band(age: int) -> int:
    """An age as a position in :data:`AGE_BANDS`; younger than the first counts as the first."""
    return max(bisect_right(AGE_BANDS, age) - 1, 0)


def days_between(first: str, second: str) -> int:
    """Days from the first date to the second."""
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


def _fields(days: ArrayLike) -> tuple[Ints, Ints, Ints]:
    stamps: NDArray[Any] = np.asarray(days, dtype=np.int64).astype("datetime64[D]")
    months = stamps.astype("datetime64[M]")
    number = months.astype(np.int64)
    return number // 12 + 1970, number % 12, (stamps - months).astype(np.int64)


def shift_years(days: ArrayLike, years: ArrayLike) -> Ints:
    """:func:`add_years` for day numbers and numbers of years (broadcast)."""
    year, month, rest = _fields(days)
    first = ((year + np.asarray(years) - 1970) * 12 + month).astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    shifted: Ints = first.astype("datetime64[D]").astype(np.int64) + np.minimum(rest, length - 1)
    return shifted


def ages_on(birth: ArrayLike, day: ArrayLike) -> Ints:
    """:func:`age_on` for day numbers."""
    birth_year, birth_month, birth_rest = _fields(birth)
    year, month, rest = _fields(day)
    before = (month < birth_month) | ((month == birth_month) & (rest < birth_rest))
    return np.asarray(year - birth_year - before, dtype=np.int64)

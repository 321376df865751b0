"""Cases of one test, of which a few stand for the others in `make test`."""

from collections.abc import Iterable
from typing import Any

import pytest


def first(count: int, cases: Iterable[Any]) -> list[Any]:
    """All cases, those beyond the first ``count`` marked as slow."""
    known = [case if type(case) is tuple else (case,) for case in cases]  # a named tuple is one thing
    quick, slow = known[:count], known[count:]
    return [*(pytest.param(*case) for case in quick), *(pytest.param(*case, marks=pytest.mark.slow) for case in slow)]

"""Several styles as one: means and ratios of what was measured of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from vst.evaluate import Summary

Values = Mapping[str, float]


def mean_values(each: Sequence[Values]) -> dict[str, float]:
    """The means of those values that all have."""
    shared = [name for name in each[0] if all(name in values for values in each)]
    return {name: math.fsum(values[name] for values in each) / len(each) for name in shared}


def ratio_values(a: Values, b: Values) -> dict[str, float]:
    """a / b of those values that both have, where b is not 0."""
    return {name: a[name] / b[name] for name in a if b.get(name)}


def mean_summary(each: Sequence[Summary]) -> Summary:
    """Every style counts alike, however many frames it had."""
    return Summary(
        min(one.frames for one in each),
        mean_values([one.mean for one in each]),
        mean_values([one.last_quarter for one in each]),
    )


def ratio_summary(a: Summary, b: Summary) -> Summary:
    """a / b, over the whole and over the last quarters."""
    return Summary(
        min(a.frames, b.frames), ratio_values(a.mean, b.mean), ratio_values(a.last_quarter, b.last_quarter)
    )


def mean_rows(styles: Sequence[Mapping[str, Summary]]) -> dict[str, Summary]:
    """Row by row the mean over styles; rows that not all styles have are left out."""
    return {
        name: mean_summary([rows[name] for rows in styles])
        for name in styles[0]
        if all(name in rows for rows in styles)
    }

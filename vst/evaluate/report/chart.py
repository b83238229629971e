"""Curves against frame number, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 960, 250
LEFT, RIGHT, TOP, BOTTOM = 66, 14, 12, 34

MAX_POINTS = 900
"""Of a curve with more, only the lowest and the highest of each interval are drawn."""

LOG_RATIO = 30.0
"""Curves whose medians differ by a larger factor get a logarithmic axis."""

SMOOTHED_FROM = 120
"""From this number of frames on, moving means are drawn over the curves."""

_SPARSE = 60
"""Curves with at most this number of points get dots."""


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes:
        row: Number of its row, which sets the colour.
        runs: One for each shot: (number of the frame from 1, value).
    """

    row: int
    runs: Sequence[Sequence[tuple[int, float]]]


@dataclass(frozen=True)
class Axis:
    """Maps values to heights, linearly or logarithmically."""

    low: float
    high: float
    log: bool

    def height(self, value: float) -> float:
        """The y coordinate of a value in the drawing."""
        low, high, value = (
            (math.log10(max(each, 1e-12)) for each in (self.low, self.high, value))
            if self.log
            else (self.low, self.high, value)
        )
        part = (value - low) / (high - low)
        return HEIGHT - BOTTOM - min(max(part, 0.0), 1.0) * (HEIGHT - BOTTOM - TOP)

    def ticks(self) -> list[float]:
        """Round values within it."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1,) if len(powers) > 4 else (1, 2, 5) if len(powers) < 4 else (1, 3)
            found = [step * 10.0**power for power in powers for step in steps]
        else:
            step = _round_step((self.high - self.low) / 4)
            first = math.ceil(self.low / step - 1e-9)
            found = [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]
        slack = 1e-9 * (self.high - self.low)
        return [tick for tick in found if self.low - slack <= tick <= self.high + slack]


def choose_axis(series: Sequence[Series]) -> Axis:
    """An axis for all values; logarithmic where one curve would be flat beside another."""
    values = sorted(y for each in series for run in each.runs for _, y in run)
    if not values:
        return Axis(0.0, 1.0, False)
    low, high = values[0], values[-1]
    middles = []
    for each in series:
        own = sorted(y for run in each.runs for _, y in run)
        if own:
            middles.append(own[len(own) // 2])
    if min(middles) > 0 and max(middles) / min(middles) > LOG_RATIO:
        positive = next(value for value in values if value > 0)
        # A single value near 0 does not stretch the axis.
        return Axis(max(positive, min(middles) / 10), high * 1.1, True)
    span = high - low or abs(high) or 1.0
    # Include 0 where it is near.
    bottom = 0.0 if 0 <= low < 0.5 * high else low - 0.05 * span
    return Axis(bottom, high + 0.05 * span, False)


def draw_chart(name: str, title: str, series: Sequence[Series], frames: int, cuts: Sequence[int]) -> str:
    """The curves as an SVG element that fills the available width.

    Args:
        name: Of the chart, by which the page's script finds its values.
        title: Its accessible name.
        series: The curves; rows count from 0.
        frames: Number of frames.
        cuts: Numbers of frames, from 1, at which a new shot begins.
    """
    axis = choose_axis(series)
    across = (WIDTH - LEFT - RIGHT) / max(frames - 1, 1)
    floor = HEIGHT - BOTTOM

    def x(frame: int) -> float:
        return LEFT + (frame - 1) * across

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0" '
        f'data-chart="{escape(name)}" data-frames="{frames}" data-left="{LEFT}" data-across="{across:.6f}" '
        f'aria-label="{escape(title)}, against frame number; arrow keys read the values">'
    ]
    for tick in axis.ticks():
        y = axis.height(tick)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.3g}</text>'
        )
    step = max(1, round(_round_step(frames / 10)))
    for frame in sorted({1, *range(step, frames + 1, step)}):
        if frame == 1 or frame - 1 >= step / 2:
            place = f'x="{x(frame):.1f}" y="{floor + 16}"'
            parts.append(f'<text class="tick" {place} text-anchor="middle">{frame}</text>')
    parts.append(f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 3}" text-anchor="end">frame</text>')
    if axis.log:
        parts.append(f'<text class="tick" x="{LEFT}" y="{HEIGHT - 3}">logarithmic</text>')
    for cut in cuts:
        # Between the last frame of one shot and the first of the next.
        at = x(cut) - across / 2
        parts.append(f'<line class="cut" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{floor}"/>')
    for each in series:
        drawn = [_reduce(run, frames) for run in each.runs if run]
        sparse = sum(map(len, drawn)) <= _SPARSE
        lines = [("", run) for run in drawn]
        if frames >= SMOOTHED_FROM and not sparse:
            means = [_reduce(_smooth(run, smoothing(frames)), frames) for run in each.runs if run]
            lines = [(' class="raw"', run) for run in drawn] + [("", run) for run in means]
        paths = "".join(
            f'<polyline{kind} points="{" ".join(f"{x(f):.1f},{axis.height(v):.1f}" for f, v in run)}"/>'
            for kind, run in lines
        )
        dots = ""
        if sparse:
            dots = "".join(
                f'<circle cx="{x(f):.1f}" cy="{axis.height(v):.1f}" r="2.2"/>'
                for run in drawn
                for f, v in run
            )
        parts.append(f'<g class="curve r{each.row}">{paths}{dots}</g>')
    parts.append(f'<line class="cursor" x1="0" x2="0" y1="{TOP}" y2="{floor}" visibility="hidden"/></svg>')
    return "".join(parts)


def smoothing(frames: int) -> int:
    """Window of the moving mean in frames, an odd number; 1 for none."""
    return 1 if frames < SMOOTHED_FROM else 2 * round(frames / 60) + 1


def _smooth(run: Sequence[tuple[int, float]], window: int) -> list[tuple[int, float]]:
    """Moving means within one shot, over fewer frames at its ends."""
    half = window // 2
    sums = [0.0]
    for _, value in run:
        sums.append(sums[-1] + value)
    smooth = []
    for place, (frame, _) in enumerate(run):
        first, last = max(place - half, 0), min(place + half + 1, len(run))
        smooth.append((frame, (sums[last] - sums[first]) / (last - first)))
    return smooth


def _reduce(run: Sequence[tuple[int, float]], frames: int) -> Sequence[tuple[int, float]]:
    """The curve with fewer points, its peaks among them."""
    if frames <= MAX_POINTS:
        return run
    interval = math.ceil(2 * frames / MAX_POINTS)
    kept: list[tuple[int, float]] = []
    for start in range(0, len(run), interval):
        part = run[start : start + interval]
        kept += sorted({min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])})
    return kept


def _round_step(wanted: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten that is no smaller."""
    if wanted <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1, 2, 5, 10) if wanted <= step * power * (1 + 1e-9))

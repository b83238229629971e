"""What a metric is: a description, and a function of one frame of one output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from torch import Tensor

from vst.frame import Motion

ContentStyleFunction = Callable[[Tensor, Tensor], tuple[float, float]]
"""(output 3×H×W, frame 3×H×W), both 0..1, to content loss and style loss."""

Better = Literal["lower", "higher", "near the input's", "not below the per-frame mode's"]
"""Which values are good."""

Section = Literal["temporal", "adjacent", "appearance"]
"""Where a metric is shown: with the motion-compensated errors, with those of adjacent frames as they are,
or with what describes its appearance and drift."""

T = TypeVar("T")


@dataclass
class Sample:
    """One frame of one output, with everything that a metric may read.

    Attributes:
        output: 3×H×W, 0..1, in steps of 1/255.
        previous: The output before, 3×H×W; None where a shot begins.
        motion: Of the reference flow, to the previous frame; None where none is known.
        forward: `motion` is from the previous frame to this one instead, flow and mask on the previous
            frame's grid.
        frame: The input frame, 3×H×W, 0..1; None if it is not given.
        content_style: Content and style losses; None where they are not measured.
        motions: Motion to earlier frames by distance; empty unless the reference flow follows the clip.
        earlier: Outputs of the shot before this one, 3×H×W in 8 bits, the nearest first; empty where there
            are no `motions`.
        per_frame: What a per-frame mode makes of the frame, 3×H×W, 0..1; None if it is not given.
    """

    output: Tensor
    previous: Tensor | None = None
    motion: Motion | None = None
    forward: bool = False
    frame: Tensor | None = None
    content_style: ContentStyleFunction | None = None
    motions: Mapping[int, Motion] = field(default_factory=dict)
    earlier: Sequence[Tensor] = ()
    per_frame: Tensor | None = None
    _results: dict[Callable[[Any], Any], Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, function: Callable[[Sample], T]) -> T:
        """The result of a function of this sample, computed once for all metrics that ask for it."""
        if function not in self._results:
            self._results[function] = function(self)
        result: T = self._results[function]
        return result


@dataclass(frozen=True, slots=True)
class Weighted:
    """A value that counts by its weight in the mean over a clip.

    Attributes:
        value: The value.
        weight: Such as the number of pixels that it is a mean over; more than 0.
    """

    value: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number of a frame or of a clip.

    Exactly one of `measure` and `derive` is given.
    """

    name: str
    """Key in JSON, heading of the column."""
    title: str
    """Heading of its chart."""
    definition: str
    """One phrase; text, not markup."""
    unit: str
    """Such as `(0..1)²`, of values 0..1; empty for a plain ratio."""
    better: Better
    """Which values are good."""
    section: Section
    """Where it is shown."""
    measure: Callable[[Sample], float | Weighted | None] | None = None
    """The value of one frame; None or not-a-number where it has none."""
    derive: Callable[[Mapping[str, float]], float | None] | None = None
    """The value of a clip, from the means of the metrics before it; such a metric has no curve."""
    uses_motion: bool = False
    """It depends on the reference flow, so it is measured once for each."""
    form: str = ".3g"
    """How a value is printed: a format specification."""

    def __post_init__(self) -> None:
        if (self.measure is None) == (self.derive is None):
            raise ValueError(f"metric {self.name} has both or none of measure and derive; expected one")

    def show(self, value: float | None) -> str:
        """A value as text; empty for None."""
        return "" if value is None else format(value, self.form)

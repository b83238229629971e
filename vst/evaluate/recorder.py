"""Curves of several outputs of one clip side by side, with the baselines, under every reference flow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vst.evaluate.baselines import (
    Baseline,
    BlendBaseline,
    ForwardStillBaseline,
    PasteBaseline,
    StillBaseline,
)
from vst.evaluate.curves import Curves
from vst.evaluate.images import in_8_bits
from vst.evaluate.metrics.metric import ContentStyleFunction
from vst.frame import Motion

INPUT, BLEND, PASTE, STILL = "input", "blend", "paste", "still"

BASELINES = (BLEND, PASTE, STILL)


@dataclass(frozen=True)
class BaselineSource:
    """The output that the baselines are computed from.

    Attributes:
        name: Of the output.
        per_frame: It stylizes every frame on its own, so that it can be blended with its past as well.
        mixed: Whether blend and paste are computed, beside still.
    """

    name: str
    per_frame: bool = True
    mixed: bool = True


@dataclass
class CurveRecorder:
    """Measures a clip and its outputs frame by frame, in 8 bits; keeps the curves and the last frames."""

    outputs: Sequence[str]
    """Names of the outputs."""

    references: Sequence[str]
    """Names of the reference flows, the deciding one first."""

    baseline_source: BaselineSource | None = None
    """What blend, paste and still are computed from; None leaves them out."""

    content_style: Mapping[str, ContentStyleFunction] = field(default_factory=dict)
    """Content and style losses by name of output; blend and paste use those of their source."""

    content_style_every: int = 1
    """Measure content and style at every n-th frame of a shot."""

    forward: Collection[str] = ()
    """Reference flows whose motion is from the previous frame to this one: see ``Sample.forward``."""

    follower: str | None = None
    """The reference flow that gives motion to frames further back as well; None for none."""

    rows: dict[str, dict[str, Curves]] = field(default_factory=dict, init=False)
    """Curves by name of row, input first, and of reference flow."""

    def __post_init__(self) -> None:
        self._baselines: dict[str, Baseline] = {}
        self._stills: dict[str, StillBaseline | ForwardStillBaseline] = {}
        source = self.baseline_source
        if source is not None:
            if source.mixed:
                self._baselines = {BLEND: BlendBaseline()} if source.per_frame else {}
                self._baselines[PASTE] = PasteBaseline()
            self._stills = {
                name: ForwardStillBaseline() if name in self.forward else StillBaseline()
                for name in self.references
            }
        names = [INPUT, *self.outputs, *self._baselines, *([STILL] if self._stills else [])]
        self.rows = {name: self._row(name) for name in names}

    def _row(self, name: str) -> dict[str, Curves]:
        source = self.baseline_source
        stylized = source.name if source is not None and name in self._baselines else name
        losses = self.content_style.get(stylized)
        references = self._stills if name == STILL else self.references
        return {reference: Curves(losses, self.content_style_every) for reference in references}

    def step(
        self,
        frame: Tensor,
        outputs: Mapping[str, Tensor],
        flows: Mapping[str, Motion | None],
        motion: Motion | None,
        new_shot: bool,
        motions: Mapping[int, Motion] | None = None,
    ) -> dict[str, Tensor]:
        """Measure the next frame.

        Args:
            frame: 3×H×W, the input frame.
            outputs: 3×H×W each, by name.
            flows: Motion to the previous frame by name of reference flow; None where none is known.
            motion: Motion that blend and paste warp their past by; None where a shot begins.
            new_shot: Whether a shot begins here.
            motions: Motion to earlier frames by distance, of ``follower``.

        Returns:
            What was measured by name of row, 3×H×W, 0..1, in steps of 1/255; without still.
        """
        images = {INPUT: in_8_bits(frame), **{name: in_8_bits(outputs[name]) for name in self.outputs}}
        source = self.baseline_source
        if source is not None:
            for name, baseline in self._baselines.items():
                images[name] = in_8_bits(baseline.step(outputs[source.name], motion))
        per_frame = images[source.name] if source is not None and source.per_frame else None
        for name, image in images.items():
            shared = None
            for reference, curves in self.rows[name].items():
                shared = curves.add(
                    image,
                    flows[reference],
                    frame,
                    new_shot=new_shot,
                    forward=reference in self.forward,
                    shared=shared,
                    motions=motions if reference == self.follower else None,
                    per_frame=None if name == INPUT else per_frame,
                )
        if source is not None:
            for reference, still in self._stills.items():
                curves = self.rows[STILL][reference]
                _add_still(still, curves, images[source.name], flows[reference], new_shot)
        return images


def _add_still(
    still: StillBaseline | ForwardStillBaseline,
    curves: Curves,
    output: Tensor,
    motion: Motion | None,
    new_shot: bool,
) -> None:
    if isinstance(still, StillBaseline):
        image, masked = still.step(output, motion)
        curves.add(image, masked, new_shot=new_shot, restart=masked is None)
        return
    pair = still.step(output, None if new_shot else motion)
    if pair is None:
        curves.add(output, None, new_shot=new_shot, restart=True)
    else:
        earlier, later, masked = pair
        curves.add(later, masked, new_shot=new_shot, forward=True, previous=earlier)

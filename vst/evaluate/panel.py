"""Many outputs of one clip side by side: each measured alike, before every judge, with the baselines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vst.evaluate.baselines import Baseline, Blend, Paste, Still, StillBehind
from vst.evaluate.curves import Curves, Perceptual
from vst.evaluate.metrics import in_8_bits
from vst.frame import Motion

INPUT, BLEND, PASTE, STILL = "input", "blend", "paste", "still"

BASELINES = (BLEND, PASTE, STILL)


@dataclass(frozen=True)
class Carried:
    """What the baselines are made of.

    Attributes:
        source: Name of the output whose paintings are pasted and held still.
        per_frame: The source paints every frame for itself, so that it can be blended with its past too.
    """

    source: str
    per_frame: bool = True


@dataclass
class Panel:
    """Collects the values of a clip and of its paintings, frame by frame; of pictures it keeps the last.

    All pictures are measured as a viewer gets them, in 8 bits.
    """

    outputs: Sequence[str]
    """Names of the paintings."""

    judges: Sequence[str]
    """Names of the judges, the deciding one first."""

    carried: Carried | None = None
    """What blend, paste and still are made of; None makes none of them."""

    perceptual: Mapping[str, Perceptual] = field(default_factory=dict)
    """Content and style losses by name of the painting; of blend and paste those of their source."""

    perceptual_every: int = 1
    """Content and style of every so many frames of a shot."""

    forward: Collection[str] = ()
    """Judges whose motion is from the previous frame to the current one: see ``Curves.add``."""

    rows: dict[str, dict[str, Curves]] = field(default_factory=dict, init=False)
    """Curves by name of the row, input first, and of the judge."""

    def __post_init__(self) -> None:
        self._made: dict[str, Baseline] = {}
        self._stills: dict[str, Still | StillBehind] = {}
        if self.carried is not None:
            self._made = {BLEND: Blend(), PASTE: Paste()} if self.carried.per_frame else {PASTE: Paste()}
            self._stills = {
                judge: StillBehind() if judge in self.forward else Still() for judge in self.judges
            }
        names = [INPUT, *self.outputs, *self._made, *([STILL] if self._stills else [])]
        self.rows = {name: self._row(name) for name in names}

    def _row(self, name: str) -> dict[str, Curves]:
        painted = self.carried.source if self.carried is not None and name in self._made else name
        losses = self.perceptual.get(painted)
        judges = self._stills if name == STILL else self.judges
        return {judge: Curves(losses, self.perceptual_every) for judge in judges}

    def step(
        self,
        frame: Tensor,
        outputs: Mapping[str, Tensor],
        verdicts: Mapping[str, Motion | None],
        motion: Motion | None,
        new_shot: bool,
    ) -> dict[str, Tensor]:
        """The next frame.

        Args:
            frame: 3×H×W, the clip's own.
            outputs: 3×H×W each, by name.
            verdicts: Motion to the previous frame by judge; None where nothing is to be compared.
            motion: That by which blend and paste carry their past; None where a shot begins.
            new_shot: Whether a shot begins here.

        Returns:
            What was measured by name of the row, 3×H×W, 0..1, in steps of 1/255; without still.
        """
        shown = {INPUT: in_8_bits(frame), **{name: in_8_bits(outputs[name]) for name in self.outputs}}
        if self.carried is not None:
            for name, baseline in self._made.items():
                shown[name] = in_8_bits(baseline.step(outputs[self.carried.source], motion))
        for name, picture in shown.items():
            known = None
            for judge, curves in self.rows[name].items():
                known = curves.add(
                    picture,
                    verdicts[judge],
                    frame,
                    new_shot=new_shot,
                    forward=judge in self.forward,
                    known=known,
                )
        if self.carried is not None:
            painting = shown[self.carried.source]
            for judge, still in self._stills.items():
                self._add_still(still, self.rows[STILL][judge], painting, verdicts[judge], new_shot)
        return shown

    @staticmethod
    def _add_still(
        still: Still | StillBehind, curves: Curves, painting: Tensor, verdict: Motion | None, new_shot: bool
    ) -> None:
        if isinstance(still, Still):
            picture, judged = still.step(painting, verdict)
            curves.add(picture, judged, new_shot=new_shot, apart=judged is None)
            return
        pair = still.step(painting, None if new_shot else verdict)
        if pair is None:
            curves.add(painting, None, new_shot=new_shot, apart=True)
        else:
            earlier, later, motion = pair
            curves.add(later, motion, new_shot=new_shot, forward=True, previous=earlier)

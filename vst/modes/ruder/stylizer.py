"""ruder: a shot in passes, each frame held to what was stylized before it in time (Ruder 2016)."""

from __future__ import annotations

from torch import Tensor

from vst.device import deterministic
from vst.frame import Past
from vst.modes.gatys.stylizer import GatysStylizer
from vst.modes.optimisation.schedule import cost, level_sizes, pass_cost, propagated_steps
from vst.modes.ruder.long_term import long_term_weights, together
from vst.modes.stylizer import Shot
from vst.motion import warp

DISTANCES = (1, 2, 4)
"""J: how far away the frames are that a frame is held to, nearest first."""

BLEND = 0.5
"""δ: how much of a frame that is trusted begins a later pass as its neighbour has it."""


class RuderStylizer(GatysStylizer):
    """gatys, with the temporal losses of Ruder 2016, over a whole shot.

    The first pass goes forwards: each frame begins as the one before it, warped, where that is trusted. The
    others go backwards and forwards in turn. A frame begins as the pass before left it, blended with its
    neighbour, and keeps its size: no pass begins from coarse again.
    """

    whole_shot = True
    conditioned = False

    def stylize_shot(self, shot: Shot) -> int:
        """See `WholeShotStylizer.stylize_shot`."""
        count, passes = len(shot), self.config.passes
        complete = [step for step in range(passes) if all(shot.has(step, each) for each in range(count))]
        for step in range(complete[-1] + 1 if complete else 0, passes):
            forwards = step % 2 == 0
            for done, number in enumerate(range(count) if forwards else reversed(range(count))):
                if shot.has(step, number):
                    continue
                self.part = f"pass {step + 1}/{passes}, frame {done + 1}/{count}"
                picture = self._stylize(shot, step, number)
                if self.interrupted:
                    return step
                shot.keep(step, number, picture)
            if step:
                shot.drop(step - 1)
        return passes - 1

    def share(self, frames: int, width: int, height: int) -> float:
        """See `OptimisingStylizer.share`."""
        whole = cost(level_sizes(width, height, self.config.levels), self.steps)
        later = (self.config.passes - 1) * frames * propagated_steps(self.steps, 1.0) / whole
        return pass_cost(frames, self.steps) + later

    def _stylize(self, shot: Shot, step: int, number: int) -> Tensor:
        """A frame's picture of a pass, −1..1."""
        frame, past = shot.frame(number), self._past_in(shot, step, number)
        if step == 0:
            return self.stylize(frame, past)
        image, found = (
            self._padded(each) for each in (frame.image, (shot.picture(step - 1, number) + 1) / 2)
        )
        propagated = None if past is None else self._propagated(past)
        if propagated is not None:
            found = found + BLEND * (propagated[1] * (propagated[0] - found))[0]
        with deterministic(self.device):
            found = self.optimise(image, found, propagated, 1, propagated_steps(self.steps, 1.0))
        return self._finished(found, frame)

    @staticmethod
    def _past_in(shot: Shot, step: int, number: int) -> Past | None:
        """What the pass has stylized of a frame's surroundings in time, warped to it; None: nothing."""
        back = -1 if step % 2 == 0 else 1
        others = [number + back * distance for distance in DISTANCES]
        others = [each for each in others if 0 <= each < len(shot)]
        if not others:
            return None
        motions = [shot.motion(number, other) for other in others]
        pictures = [
            warp(shot.picture(step, other), motion.flow).clamp(-1, 1)
            for other, motion in zip(others, motions, strict=True)
        ]
        return Past(*together(pictures, long_term_weights([each.mask for each in motions])))

"""Stylizes a clip with several modes and baselines in one pass, and measures each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from benchmarks.clips import Clip
from vst.evaluate import Curves, MaskScore, SceneReappearance, score_mask
from vst.evaluate.metrics.metric import ContentStyleFunction
from vst.evaluate.recorder import STILL, BaselineSource, CurveRecorder
from vst.frame import Frame
from vst.motion import consistency_mask, create_estimator, occlusion_part, trusted_mask
from vst.synthetic import Scene


class MeasuredMode(Protocol):
    """What a benchmark needs of a mode."""

    def step(self, frame: Frame) -> Tensor:
        """The next frame of the clip, stylized: 3×H×W, RGB, 0..1."""
        ...


@dataclass
class Row:
    """One line of a table: the values of one output, by name of reference flow."""

    curves: dict[str, Curves]
    reappearance: SceneReappearance | None = None
    seconds: float = 0.0
    """Spent stylizing, without motion estimation; comparable within one run only."""


def measure(
    clip: Clip,
    modes: Mapping[str, MeasuredMode],
    perceptual: ContentStyleFunction | None,
    every: int,
    gap: int | None,
    mixed: bool = True,
) -> dict[str, Row]:
    """Stylize a clip with all modes and baselines in one pass, and measure each.

    Only a few frames are in memory at a time.

    Args:
        clip: The clip.
        modes: By name, the per-frame one first: baselines are made from it.
        perceptual: Content and style losses, or None.
        every: Interval in frames between measurements of content and style.
        gap: Number of frames for which regions are hidden; None does not measure reappearance.
        mixed: Whether blend and paste are among the baselines.

    Returns:
        The rows by name, input first.
    """
    per_frame = next(iter(modes), None)
    recorder = CurveRecorder(
        list(modes),
        [reference.name for reference in clip.references],
        BaselineSource(per_frame, mixed=mixed) if per_frame else None,
        dict.fromkeys(modes, perceptual) if perceptual is not None else {},
        every,
    )
    reappearances = {
        name: SceneReappearance(gap) for name in recorder.rows if gap is not None and name != STILL
    }
    rows = {name: Row(curves, reappearances.get(name)) for name, curves in recorder.rows.items()}
    for tracked in clip.tracked([1]):
        frame, motions = tracked.frame, tracked.motions
        flows = {reference.name: reference.step(frame, tracked.new_shot) for reference in clip.references}
        outputs = {}
        for name, mode in modes.items():
            started = time.perf_counter()
            outputs[name] = mode.step(frame)
            rows[name].seconds += time.perf_counter() - started
        seen = recorder.step(frame.image, outputs, flows, motions.get(1), tracked.new_shot)
        if reappearances:
            flow, region = _reappearing(clip.scene, frame.index, gap)
            for name, reappearance in reappearances.items():
                reappearance.step(seen[name], flow, region)
    return rows


def _reappearing(scene: Scene | None, t: int, gap: int | None) -> tuple[Tensor | None, Tensor | None]:
    """The flow of frame t to the frame before the gap, and the region that reappears in it."""
    if scene is None or gap is None:
        return None, None
    region = scene.reappearing(t, gap, margin=1.0)
    return (scene.flow(t, t - gap - 1), region) if region.any() else (None, None)


def mask_scores(scene: Scene, frames: int) -> dict[str, MaskScore]:
    """How well the consistency mask finds disoccluded pixels, with exact and with estimated flow."""
    dis = create_estimator("dis")
    scores: dict[str, MaskScore] = {}
    for t in range(1, min(frames, len(scene))):
        truth = scene.visible(t, t - 1)
        backward, forward = dis.estimate_pair(scene.frame(t), scene.frame(t - 1))
        flows = {"exact flow": (scene.flow(t - 1, t), scene.flow(t, t - 1)), "dis": (forward, backward)}
        alike = trusted_mask(forward, backward, scene.frame(t), scene.frame(t - 1))
        for name, (there, back) in flows.items():
            parts = {
                "Sundaram, whole": consistency_mask(there, back),
                "Sundaram, without motion boundaries": occlusion_part(there, back),
                **({"as rendered (and alike)": alike} if name == "dis" else {}),
            }
            for part, mask in parts.items():
                for tolerance in (0, 1):
                    key = f"{name}, {part}, ±{tolerance} px"
                    scores[key] = scores.get(key, MaskScore()) + score_mask(mask, truth, tolerance)
    return scores

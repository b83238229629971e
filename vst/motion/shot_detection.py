"""Where one shot ends and the next begins.

A cut at t is decided by frames t−2 .. t+2 alone, so it does not matter where decoding began: workers that
start in the middle of a clip find the same shots. PySceneDetect's ``AdaptiveDetector`` with its window of
two looks at exactly these when a fresh one is given the five frames; its minimum scene length and its flash
filter remember what came before, and are left off. What they did is done here within the five frames:

1. the detector: the change from t−1 to t stands out from the changes around it (a pan or noise does not);
2. every frame before t differs from every frame after (a flash of one frame, or two, does not);
3. optical flow cannot explain frame t by frame t−1 (a sudden fast move can be explained).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.frame import Frame
from vst.motion.consistency import consistency_mask
from vst.motion.estimators.dis import DisEstimator

REACH = 2
"""How many frames before and after t decide about a cut at t."""

_SIZE = (72, 128)
"""Frames are judged at this size, whatever theirs: noise averages out, and the cost is the same at 4K."""

_RATIO = 2.5
"""How many times the mean change around it a cut's change must be. The detector's mean of four counts a
zero for the change into frame t−2, which it is not shown: so 1.9 times the mean of the three others."""

_LEAST_CHANGE = 8.0
"""Mean change of hue, saturation and value, of 255, below which nothing is a cut."""

_EXPLAINED = 0.3
"""A cut is where flow accounts for less of the picture than this. Of 733 splices between different clips
99 in 100 have 0.18 or less; with the conditions above 995 in 1,000 were found, and none of the 1,800 frames
of eight real clips was taken for a cut that is none."""


def shots(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    """Each frame with whether a new shot begins at it.

    Two frames of look-ahead. The first frame always begins a shot; the very last one of several never does,
    since nothing follows that would tell a cut from noise or a fast move. For the same answer as from the
    clip's beginning, start at least two frames before the first one whose answer counts.

    Args:
        frames: The frames of a clip in order, images 3×H×W, 0..1.

    Yields:
        (frame, True where a new shot begins).
    """
    window: deque[tuple[Frame, Tensor]] = deque()  # t−2 .. t+2, fewer at either end
    position = 0  # of frame t in the window
    first = True

    def decide() -> tuple[Frame, bool]:
        nonlocal first
        small = [s for _, s in window]
        last = position == len(window) - 1
        # At the clip's ends the frames that are missing stand still.
        small = [small[0]] * (REACH - position) + small
        small += [small[-1]] * (2 * REACH + 1 - len(small))
        begins, first = first or (not last and is_cut(small)), False
        return window[position][0], begins

    for frame in frames:
        window.append((frame, small_picture(frame.image)))
        if len(window) - 1 - position < REACH:
            continue
        yield decide()
        if position < REACH:
            position += 1
        else:
            window.popleft()
    while position < len(window):
        yield decide()
        position += 1
        if position > REACH:
            window.popleft()
            position -= 1


def is_cut(window: Sequence[Tensor]) -> bool:
    """Whether a new shot begins at the middle one of five frames.

    Args:
        window: Frames t−2 .. t+2, each as ``small_picture`` gives it.

    Raises:
        ValueError: There are not five frames.
    """
    if len(window) != 2 * REACH + 1:
        raise ValueError(f"a cut is decided by {2 * REACH + 1} frames; {len(window)} were given")
    pictures = [np.ascontiguousarray(each.permute(1, 2, 0).numpy()[..., ::-1]) for each in window]
    return _stands_out(pictures) and _lasts(pictures) and not _is_motion(window[REACH - 1], window[REACH])


def _stands_out(pictures: Sequence[np.ndarray]) -> bool:
    from scenedetect import AdaptiveDetector, FrameTimecode

    detector = AdaptiveDetector(
        adaptive_threshold=_RATIO, min_scene_len=0, window_width=REACH, min_content_val=_LEAST_CHANGE
    )
    cuts = [
        cut
        for i, picture in enumerate(pictures)
        for cut in detector.process_frame(FrameTimecode(i, fps=25.0), picture)
    ]
    return len(cuts) > 0


def _lasts(pictures: Sequence[np.ndarray]) -> bool:
    """Whether every frame before the middle differs from every frame from the middle on."""
    return all(_differ(a, b) for a, b in product(pictures[:REACH], pictures[REACH:]))


def _differ(a: np.ndarray, b: np.ndarray) -> bool:
    from scenedetect import ContentDetector, FrameTimecode

    detector = ContentDetector(threshold=_LEAST_CHANGE, min_scene_len=0)
    detector.process_frame(FrameTimecode(0, fps=25.0), a)
    return len(detector.process_frame(FrameTimecode(1, fps=25.0), b)) > 0


def _is_motion(before: Tensor, after: Tensor) -> bool:
    backward, forward = DisEstimator("medium").estimate_pair(after, before)
    return consistency_mask(forward, backward).mean().item() >= _EXPLAINED


def small_picture(image: Tensor) -> Tensor:
    """A frame, 3×H×W, 0..1, at the size where cuts are judged: 3×72×128 in 8 bits, on the CPU."""
    small = F.interpolate(image[None].float().clamp(0, 1), size=_SIZE, mode="area")[0]
    return (small * 255).round().to(torch.uint8).cpu()

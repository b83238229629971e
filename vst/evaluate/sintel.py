"""Scenes of MPI Sintel as clips whose motion is known (Butler 2012).

Sintel gives the flow from each frame to the next, and what the next one occludes. So the output at frame t
is warped to frame t−1 and compared there, without occluded pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from vst.errors import MediaError, UsageError, suggestion
from vst.evaluate.flow_datasets import FlowPair, find_pairs
from vst.frame import Motion
from vst.motion.warping import inside

FRAME_PATTERN = "frame_%04d.png"
"""Names of the frames of a scene."""


@dataclass(frozen=True)
class SintelScene:
    """One scene.

    Attributes:
        name: Of the scene.
        folder: With its frames.
        pairs: By number of the first frame, counted from 0 in the folder.
    """

    name: str
    folder: Path
    pairs: dict[int, FlowPair]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(list(self.folder.glob("frame_*.png")))


def find_scenes(folder: Path, names: tuple[str, ...] = ()) -> list[SintelScene]:
    """Scenes of a folder in Sintel's layout.

    Args:
        folder: That of the data set, or one with a part of it.
        names: Of the scenes; none of them takes all.

    Raises:
        MediaError: There is no scene, or a frame is missing.
        UsageError: There is no scene of a name.
    """
    scenes = _pairs_by_scene(folder)
    for name in names:
        if name not in scenes:
            raise UsageError(f"{folder} has no scene {name!r}: {suggestion(name, scenes)}")
    return [_scene(name, scenes[name]) for name in dict.fromkeys(names or scenes)]


def find_scene(folder: Path, name: str | None) -> SintelScene:
    """One scene of a folder in Sintel's layout.

    Args:
        folder: That of the data set, or one with a part of it.
        name: Of the scene; None takes the only one.

    Raises:
        MediaError: There is no scene, or a frame is missing.
        UsageError: There are several and none was named, or none of that name.
    """
    if name is not None:
        return find_scenes(folder, (name,))[0]
    scenes = _pairs_by_scene(folder)
    if len(scenes) > 1:
        raise UsageError(
            f"{folder} holds {len(scenes)} scenes: give --scene with one of {', '.join(scenes)}"
        )
    return next(_scene(name, pairs) for name, pairs in scenes.items())


def _pairs_by_scene(folder: Path) -> dict[str, list[FlowPair]]:
    scenes: dict[str, list[FlowPair]] = {}
    for pair in find_pairs(folder, "sintel")[1]:
        scenes.setdefault(pair.name.rpartition(" ")[0], []).append(pair)
    return scenes


def _scene(name: str, pairs: list[FlowPair]) -> SintelScene:
    frames = pairs[0].first.parent
    files = sorted(each.name for each in frames.glob("frame_*.png"))
    places = {file: place for place, file in enumerate(files)}
    known = {}
    for pair in pairs:
        place = places.get(pair.first.name)
        if place is None or places.get(pair.second.name) != place + 1:
            raise MediaError(
                f"{pair.first.parent} lacks {pair.first.name} or {pair.second.name}, but the flow between "
                "them is there: complete the data set"
            )
        known[place] = pair
    return SintelScene(name, frames, known)


class SintelReference:
    """Exact forward flow of a scene. Its motion is on the previous frame's grid.

    Pairs without an occlusion mask give no motion: what disappears would count as an error.

    Args:
        scene: From ``find_scene``.
    """

    name = "exact"

    def __init__(self, scene: SintelScene) -> None:
        self._scene = scene
        self._unmasked = 0

    @property
    def notes(self) -> list[str]:
        """What a user should know so far, one line each."""
        if not self._unmasked:
            return []
        return [
            f"exact flow leaves out {self._unmasked} pair{'' if self._unmasked == 1 else 's'} of frames of "
            f"{self._scene.name}, whose occlusion masks are missing: complete the data set"
        ]

    def step(self, index: int) -> Motion | None:
        """Motion from frame ``index`` − 1 to frame ``index``; None where it is not known.

        Raises:
            MediaError: A file is missing or damaged.
        """
        pair = self._scene.pairs.get(index - 1)
        if pair is None:
            return None
        truth = pair.truth()
        if truth.occluded is None:
            self._unmasked += 1
            return None
        known = truth.flow.isfinite().all(dim=0, keepdim=True)
        mask = known & inside(torch.nan_to_num(truth.flow)) & ~truth.occluded
        return Motion(torch.nan_to_num(truth.flow), mask.float())

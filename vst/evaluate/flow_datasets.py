"""Data sets of optical flow with ground truth, in their layouts on disk.

- ``middlebury``: ``NAME/frame10.png``, ``frame11.png``, ``flow10.flo``; or the flow in
  ``other-gt-flow/NAME`` and the frames in ``other-data/NAME`` (Baker 2011)
- ``sintel``: ``flow/SCENE/frame_0001.flo`` with frames in ``clean/SCENE``, occluded pixels in
  ``occlusions/SCENE`` and unknown ones in ``invalid/SCENE`` (Butler 2012); or ``gt_SCENE`` with
  ``clean_SCENE``, the masks as ``occlusions_0001.png`` and ``invalid_0001.png`` beside the flow.
  ``sintel-final`` takes the frames in ``final``
- ``kitti``: ``flow_occ/000000_10.png``, ``flow_noc`` without occluded pixels, and frames ``_10`` and
  ``_11`` in ``image_2``, ``colored_0`` or ``image_0`` (Geiger 2012, Menze 2015)
- ``chairs``: ``00001_flow.flo``, ``00001_img1.ppm``, ``00001_img2.ppm`` (Dosovitskiy 2015); with the
  published split ``FlyingChairs_train_val.txt`` beside them or above, in which 1 is for training and 2 for
  validation, only the validation pairs: networks were trained on the others

Each may be at any depth below the given folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from vst.errors import MediaError, UsageError, suggestion
from vst.motion.files.flo import read_flo
from vst.motion.files.flow_png import read_flow_png

_PICTURES = ("PNG", "PPM", "JPEG")

_CHAIRS_SPLIT = "FlyingChairs_train_val.txt"
_VALIDATION = "2"


@dataclass(frozen=True, slots=True)
class FlowTruth:
    """Ground truth of one pair.

    Attributes:
        flow: First frame -> second, 2×H×W, pixels; not-a-number where unknown.
        occluded: 1×H×W boolean, true where the second frame does not show the pixel (behind something, or
            outside); None where the data set does not say.
    """

    flow: Tensor
    occluded: Tensor | None = None


@dataclass(frozen=True, slots=True)
class FlowSample:
    """One pair, loaded.

    Attributes:
        first: 3×H×W, RGB, 0..1.
        second: The same.
        flow: As in ``FlowTruth``.
        occluded: As in ``FlowTruth``.
    """

    first: Tensor
    second: Tensor
    flow: Tensor
    occluded: Tensor | None


@dataclass(frozen=True, slots=True)
class FlowPair:
    """Two frames with ground truth, as files.

    Attributes:
        name: Of the pair, for messages.
        first: The first frame.
        second: The second.
        truth: Loads the ground truth.
    """

    name: str
    first: Path
    second: Path
    truth: Callable[[], FlowTruth]

    def load(self) -> FlowSample:
        """Load the pair.

        Raises:
            MediaError: A file is missing or damaged, or the sizes differ.
        """
        truth = self.truth()
        first, second = _picture(self.first), _picture(self.second)
        for path, picture in ((self.first, first), (self.second, second)):
            if picture.shape[-2:] != truth.flow.shape[-2:]:
                raise MediaError(
                    f"{path} is {_size(picture)}, but its true flow {_size(truth.flow)}: expected one size"
                )
        return FlowSample(first, second, truth.flow, truth.occluded)


def find_pairs(folder: Path, layout: str | None = None) -> tuple[str, list[FlowPair]]:
    """The pairs of a data set.

    Args:
        folder: That of the data set.
        layout: A key of ``LAYOUTS``; None detects it.

    Returns:
        (layout, pairs in order of their names).

    Raises:
        UsageError: There is no such layout, or there are several in the folder.
        MediaError: The folder does not exist, holds no pair, or has a split that cannot be read.
    """
    if layout is not None and layout not in LAYOUTS:
        raise UsageError(f"unknown layout '{layout}': {suggestion(layout, LAYOUTS)}")
    if not folder.is_dir():
        raise MediaError(f"{folder} is not a folder: give one with a data set of optical flow")
    # Frames may be beside or above the given folder, which a relative path such as "." does not name.
    folder = folder.absolute()
    if layout is not None:
        found = {layout: LAYOUTS[layout](folder)}
    else:
        found = {name: find(folder) for name, find in LAYOUTS.items() if name != "sintel-final"}
    found = {name: pairs for name, pairs in found.items() if pairs}
    if not found:
        wanted = layout or ", ".join(LAYOUTS)
        raise MediaError(f"{folder} holds no pair of frames with true flow in the layout {wanted}")
    if len(found) > 1:
        raise UsageError(f"{folder} holds several data sets: give --layout with one of {', '.join(found)}")
    return next(iter(found.items()))


def spread(pairs: Sequence[FlowPair], most: int) -> list[FlowPair]:
    """At most `most` of the pairs, evenly spread."""
    count = min(most, len(pairs))
    return [pairs[i * len(pairs) // count] for i in range(count)]


def _middlebury(folder: Path) -> list[FlowPair]:
    pairs = []
    for flow in sorted(folder.rglob("flow10.flo")):
        frames = flow.parent
        if not (frames / "frame10.png").exists():
            frames = frames.parent.parent / "other-data" / frames.name
        truth = partial(_flo, flow)
        pairs.append(FlowPair(flow.parent.name, frames / "frame10.png", frames / "frame11.png", truth))
    return pairs


def _sintel(folder: Path, rendered: str = "clean") -> list[FlowPair]:
    pairs = []
    for flow in sorted(folder.rglob("frame_*.flo")):
        digits = flow.stem.removeprefix("frame_")
        if not digits.isdecimal():
            continue
        here, after = f"{int(digits):04}", f"{int(digits) + 1:04}"
        scene = flow.parent.name
        if scene.startswith("gt_"):
            scene = scene.removeprefix("gt_")
            frames = flow.parent.with_name(f"{rendered}_{scene}")
            occlusions, invalid = (
                flow.with_name(f"{kind}_{here}.png") for kind in ("occlusions", "invalid")
            )
        else:
            root = flow.parent.parent.parent
            frames = root / rendered / scene
            occlusions, invalid = (
                root / kind / scene / f"frame_{here}.png" for kind in ("occlusions", "invalid")
            )
        pairs.append(
            FlowPair(
                f"{scene} {here}",
                frames / f"frame_{here}.png",
                frames / f"frame_{after}.png",
                partial(_sintel_truth, flow, occlusions, invalid),
            )
        )
    return pairs


def _kitti(folder: Path) -> list[FlowPair]:
    pairs = []
    flows = sorted(folder.rglob("flow_occ/*_10.png")) or sorted(folder.rglob("flow_noc/*_10.png"))
    for flow in flows:
        root = flow.parent.parent
        folders = [root / name for name in ("image_2", "colored_0", "image_0")]
        frames = next((each for each in folders if each.is_dir()), folders[0])
        visible = root / "flow_noc" / flow.name
        truth = partial(_kitti_truth, flow, visible if flow.parent.name == "flow_occ" else None)
        second = frames / flow.name.replace("_10.", "_11.")
        pairs.append(FlowPair(flow.stem, frames / flow.name, second, truth))
    return pairs


def _chairs(folder: Path) -> list[FlowPair]:
    pairs = []
    split = cache(_chairs_split)
    for flow in sorted(folder.rglob("*_flow.flo")):
        name = flow.name.removesuffix("_flow.flo")
        if split(flow.parent).get(name, _VALIDATION) != _VALIDATION:
            continue
        first, second = (flow.with_name(f"{name}_img{k}.ppm") for k in (1, 2))
        pairs.append(FlowPair(name, first, second, partial(_flo, flow)))
    return pairs


def _chairs_split(folder: Path) -> dict[str, str]:
    """The mark of each pair by its name; empty where no split is in the folder or in its parent."""
    places = (folder / _CHAIRS_SPLIT, folder.parent / _CHAIRS_SPLIT)
    path = next((each for each in places if each.is_file()), None)
    if path is None:
        return {}
    try:
        marks = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"{path} cannot be read and may be damaged: replace or remove it") from error
    return {f"{number:05}": mark for number, mark in enumerate(marks, start=1)}


LAYOUTS: dict[str, Callable[[Path], list[FlowPair]]] = {
    "middlebury": _middlebury,
    "sintel": _sintel,
    "sintel-final": partial(_sintel, rendered="final"),
    "kitti": _kitti,
    "chairs": _chairs,
}
"""Name -> finds the pairs of a data set in this layout."""


def _flo(path: Path) -> FlowTruth:
    return FlowTruth(read_flo(path))


def _sintel_truth(flow: Path, occlusions: Path, invalid: Path) -> FlowTruth:
    truth = read_flo(flow)
    if invalid.exists():
        truth[:, _marks(invalid, truth)[0]] = torch.nan
    return FlowTruth(truth, _marks(occlusions, truth) if occlusions.exists() else None)


def _kitti_truth(flow: Path, visible: Path | None) -> FlowTruth:
    truth = read_flow_png(flow)
    if visible is None or not visible.exists():
        return FlowTruth(truth)
    seen = read_flow_png(visible)
    if seen.shape != truth.shape:
        raise MediaError(f"{visible} is {_size(seen)}, but {flow} {_size(truth)}: expected one size")
    return FlowTruth(truth, seen.isnan().any(dim=0, keepdim=True))


def _marks(path: Path, truth: Tensor) -> Tensor:
    """An image as a mask of its white pixels, 1×H×W boolean."""
    marks = _picture(path)[:1] > 0.5
    if marks.shape[-2:] != truth.shape[-2:]:
        raise MediaError(f"{path} is {_size(marks)}, but its true flow {_size(truth)}: expected one size")
    return marks


def _picture(path: Path) -> Tensor:
    """3×H×W, RGB, 0..1."""
    try:
        with Image.open(path, formats=_PICTURES) as image:
            pixels = np.array(image.convert("RGB"))
    except FileNotFoundError as error:
        raise MediaError(f"{path} is missing, but its true flow is there: complete the data set") from error
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ) as error:
        raise MediaError(f"{path} cannot be read as an image and may be damaged: replace it") from error
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def _size(field: Tensor) -> str:
    return f"{field.shape[-1]}×{field.shape[-2]}"

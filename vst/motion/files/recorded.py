"""Recorded motion: a folder that ``vst flow`` wrote, or another program in its layout, as a motion source.

docs/adr/0006-motion-is-recorded-after-tracking.md
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from vst.borders import Crop
from vst.errors import MediaError, UsageError, nearest
from vst.frame import Frame, Motion
from vst.motion.analysis import Analysed
from vst.motion.consistency import trusted_mask
from vst.motion.estimator import to_bytes
from vst.motion.files.flo import read_flo
from vst.motion.files.flow_folder import (
    FLOW_FORMATS,
    METADATA_NAME,
    file_fingerprint,
    flow_path,
    read_flow_metadata,
)
from vst.motion.files.flow_png import read_flow_png, read_mask_png
from vst.motion.pairs import FlowPair, Paired
from vst.motion.resize import resize_flow, resize_mask
from vst.motion.shot_detection import shots
from vst.motion.tracking import Tracked
from vst.motion.warping import inside

RECORDED_PREFIX = "file:"

_RERUN = "run 'vst flow' again"

_NOWHERE = 1e5
"""Pixels: flow out of any frame."""

_FRAME_TOLERANCE = 2
"""Frames, or two percent, by which the number that a container gives may differ from the real one."""


def is_recorded(name: str) -> bool:
    """Whether a value of ``--flow`` is ``file:FOLDER``, not an estimator."""
    return name.startswith(RECORDED_PREFIX)


def check_recorded(name: str) -> Path:
    """The folder that ``file:FOLDER`` names.

    Raises:
        UsageError: The name has no folder.
        MediaError: There is no such folder.
    """
    given = name.removeprefix(RECORDED_PREFIX)
    if not given:
        raise UsageError(f"flow is '{name}'; expected file:FOLDER with a folder that 'vst flow' wrote")
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise MediaError(f"folder {folder} for --flow does not exist{_nearest_folder(folder)}")
    return folder


def find_flow_folder(name: str, source: Path) -> Path:
    """The folder with the flow of one clip.

    Args:
        name: ``file:FOLDER``. The flow is in FOLDER itself or, for several clips, in a folder inside of it
            with the clip's name, with or without its extension.
        source: Path of the clip.

    Raises:
        UsageError: The name has no folder.
        MediaError: There is no such folder, or no flow in it.
    """
    folder = check_recorded(name)
    for candidate in (folder, folder / source.name, folder / source.stem):
        if (candidate / METADATA_NAME).is_file() or (candidate / "backward").is_dir():
            return candidate
    raise MediaError(
        f"{folder} contains no flow for {source.name}: expected {METADATA_NAME} or backward/000002.png (or "
        f".flo) in it, or in {folder / source.stem}; run 'vst flow {source.name} -o {folder}'"
    )


def flow_modification_time(name: str, source: Path) -> int | None:
    """When the flow of a clip was written, in nanoseconds; None if there is none."""
    try:
        folder = find_flow_folder(name, source)
        return _modification_time(folder)
    except (MediaError, UsageError, OSError):
        return None


def _modification_time(folder: Path) -> int:
    metadata = folder / METADATA_NAME
    return (metadata if metadata.is_file() else folder / "backward").stat().st_mtime_ns


def _nearest_folder(path: Path) -> str:
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_dir()]
    except OSError:
        return ": check the path"
    near = nearest(path.name, names)
    return f"; did you mean {near}?" if near else ": check the path"


class RecordedMotion:
    """The motion of one clip, recorded in a folder.

    A folder that ``vst flow`` wrote reproduces the result of ``track``: shots, masks, and motion to frames
    further back; with ``.flo`` files and at the same size bit for bit. A folder of another program has
    motion between adjacent frames only. Its shots are detected, and a missing mask is computed from the
    flow in both directions.

    Args:
        name: ``file:FOLDER``, see ``find_flow_folder``.
        source: Path of the clip.
        width: Width of the clip.
        height: Height of the clip.
        frames: Number of frames according to the container; None if unknown.

    Raises:
        UsageError: The name has no folder.
        MediaError: There is no flow, its metadata is damaged, or the clip has another aspect ratio or
            length.
    """

    def __init__(self, name: str, source: Path, width: int, height: int, frames: int | None) -> None:
        self.name = name
        self.folder = find_flow_folder(name, source)
        self._metadata = read_flow_metadata(self.folder)
        self._ends_early = False
        self.notes: tuple[str, ...] = ()
        """Messages for the user."""
        if self._metadata is None:
            self._frames = _last_number(self.folder)
            return
        self._frames = self._metadata.frames
        remedy = f"run 'vst flow {source.name} -o {self.folder} -y'"
        if not _same_aspect_ratio((self._metadata.height, self._metadata.width), (height, width)):
            raise MediaError(
                f"{self.folder} contains flow of {self._metadata.width}×{self._metadata.height}, another "
                f"aspect ratio than {source.name} with {width}×{height}: {remedy}"
            )
        if not self._metadata.source.same_contents(file_fingerprint(source)):
            if frames is not None and abs(frames - self._frames) > max(
                _FRAME_TOLERANCE, self._frames // 50
            ):
                raise MediaError(
                    f"{self.folder} contains flow of {self._frames} frames, {source.name} has {frames}: "
                    f"{remedy}"
                )
            self.notes = (
                f"the flow in {self.folder} was made from {self._metadata.source.name}, another file",
            )

    def first_of_shot(self, index: int) -> int | None:
        """Index of the first frame of the shot that contains a frame; None if no shots are recorded."""
        if self._metadata is None:
            return None
        return max((number - 1 for number in self._metadata.shots if number - 1 <= index), default=0)

    def end_early(self) -> None:
        """The clip cannot be read to its end: it has fewer frames than there is flow for."""
        self._ends_early = True

    def digest(self) -> str:
        """The time at which the folder was written."""
        return str(_modification_time(self.folder))

    def tracker(self) -> NoReturn:
        """Not supported.

        Raises:
            UsageError: Always: a tracker is for frames of any shot, and this is the motion of one clip.
        """
        raise UsageError(
            f"'{self.name}' is the motion of one clip; use it with 'vst render' of that clip, or choose an "
            "estimator"
        )

    def analyse(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Analysed]:
        """As `track`; the flow as it was estimated is not recorded."""
        return (Analysed(tracked, {}) for tracked in self.track(frames, distances))

    def track(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Tracked]:
        """Read the shots and the motions of each frame; see ``track_shots``.

        Args:
            frames: Consecutive frames of the clip, at any size of the clip's aspect ratio.
            distances: Distances to earlier frames; those that were not recorded are omitted.

        Yields:
            One ``Tracked`` per frame, in order.
        """
        yield from self.track_shots(self.shots(frames), distances)

    def track_shots(
        self, frames: Iterable[tuple[Frame, bool]], distances: Sequence[int]
    ) -> Iterator[Tracked]:
        """Read the motions of each frame; see ``vst.motion.tracking.track``.

        Args:
            frames: Consecutive frames, each with whether motion begins anew at it, at any size of the
                aspect ratio of the clip, or of their `crop`.
            distances: Distances to earlier frames; those that were not recorded are omitted.

        Yields:
            One ``Tracked`` per frame, in order.

        Raises:
            MediaError: A file is missing, damaged or of another aspect ratio, or the clip has another
                number of frames. The message names the file and the frame.
        """
        wanted = sorted(set(distances))
        self._note_missing_distances(wanted)
        previous: Tensor | None = None
        since_cut = 0
        for frame, new_shot in self._as_many(frames):
            number = frame.index + 1
            since_cut = 0 if new_shot else since_cut + 1
            motions = {
                distance: self._motion(frame, number, distance, previous)
                for distance in wanted
                if distance <= since_cut and (distance == 1 or self._has(number, distance))
            }
            previous = frame.image
            yield Tracked(frame, new_shot, motions)

    def pairs(self, frames: Iterable[tuple[Frame, bool]]) -> Iterator[Paired]:
        """Read the flow between each frame and the one before; see ``vst.motion.pairs``.

        Raises:
            MediaError: As ``track_shots``; also where forward flow is missing.
        """
        for frame, new_shot in self._as_many(frames):
            pair = None
            if not new_shot:
                backward = self._flow("backward", frame.index + 1, 1, frame)
                forward = self._flow("forward", frame.index, 1, frame)
                # Where there is no flow, the two do not cancel, and the pixel is not trusted.
                pair = FlowPair(backward.nan_to_num(_NOWHERE), forward.nan_to_num(_NOWHERE))
            yield Paired(frame, new_shot, pair)

    def _as_many(self, frames: Iterable[tuple[Frame, bool]]) -> Iterator[tuple[Frame, bool]]:
        """The frames of a clip that has as many as the folder has flow for.

        Raises:
            MediaError: There are more; or fewer, and that is not because the clip ends early.
        """
        number = 0
        for frame, new_shot in frames:
            number = frame.index + 1
            if number > self._frames:
                raise MediaError(
                    f"{self.folder} contains flow of {self._frames} frames, but the clip has a frame "
                    f"{number}; {_RERUN}"
                )
            yield frame, new_shot
        if 0 < number < self._frames and not self._ends_early:
            raise MediaError(
                f"{self.folder} contains flow of {self._frames} frames, but the clip ends with frame "
                f"{number}; {_RERUN}"
            )

    def _note_missing_distances(self, wanted: Sequence[int]) -> None:
        recorded = {1} if self._metadata is None else set(self._metadata.distances)
        missing = [str(distance) for distance in wanted if distance not in recorded]
        if missing:
            frames = f"{', '.join(missing)} frames back"
            note = f"{self.folder} contains no motion to {frames}: nothing is measured over these"
            self.notes = (*self.notes, note)

    def shots(
        self, frames: Iterable[Frame], crop_of: Callable[[Frame], Crop | None] = lambda frame: None
    ) -> Iterator[tuple[Frame, bool]]:
        """Each frame with whether a shot begins at it: as recorded, else as detected."""
        if self._metadata is None:
            yield from shots(frames, crop_of)
            return
        beginnings = set(self._metadata.shots)
        first = True
        for frame in frames:
            yield frame, first or frame.index + 1 in beginnings
            first = False

    def _has(self, number: int, distance: int) -> bool:
        return self._metadata is not None and number in self._metadata.further.get(distance, ())

    def _motion(self, frame: Frame, number: int, distance: int, previous: Tensor | None) -> Motion:
        backward = self._flow("backward", number, distance, frame)
        path = flow_path(self.folder, "mask", number, "png", distance)
        if self._metadata is not None or path.exists():
            mask = resize_mask(_cropped(self._read(path, number, frame), frame.crop), _size_of(frame))
        else:
            assert previous is not None  # the first frame of a shot has no motion
            forward = self._flow("forward", number - 1, 1, frame)
            pictures = (to_bytes(frame.image).float() / 255, to_bytes(previous).float() / 255)
            mask = trusted_mask(forward, backward, *pictures)
        known = backward.isfinite().all(dim=0, keepdim=True)
        backward = torch.nan_to_num(backward)
        if frame.crop is not None:
            # What came out of the borders was recorded as seen, and is not seen inside.
            known = known & inside(backward)
        return Motion(backward, mask * known, distance)

    def _flow(self, kind: str, number: int, distance: int, frame: Frame) -> Tensor:
        paths = [flow_path(self.folder, kind, number, extension, distance) for extension in FLOW_FORMATS]
        path = next((each for each in paths if each.exists()), paths[0])
        return resize_flow(_cropped(self._read(path, number, frame), frame.crop), _size_of(frame))

    def _read(self, path: Path, number: int, frame: Frame) -> Tensor:
        """Read a file, and check that it has the aspect ratio of the clip's frame."""
        if not path.exists():
            other = f" (or .{FLOW_FORMATS[1]})" if path.parent.name.partition("-")[0] != "mask" else ""
            raise MediaError(f"the flow of frame {number} is missing: no {path}{other}; {_RERUN}")
        reader = read_flo if path.suffix == ".flo" else _PNG[path.parent.name.partition("-")[0]]
        try:
            field = reader(path)
        except MediaError as error:
            raise MediaError(f"the flow of frame {number} cannot be used: {error}") from error
        height, width = field.shape[-2:]
        size = _size_of(frame) if frame.crop is None else (frame.crop.height, frame.crop.width)
        if not _same_aspect_ratio((height, width), size):
            raise MediaError(
                f"the flow of frame {number} has another aspect ratio than the frame: {path} is "
                f"{width}×{height}, the frame {size[1]}×{size[0]}; {_RERUN}"
            )
        return field


def _size_of(frame: Frame) -> tuple[int, int]:
    return frame.image.shape[-2], frame.image.shape[-1]


def _cropped(field: Tensor, crop: Crop | None) -> Tensor:
    if crop is None:
        return field
    # The values of a pixel side by side, as in estimated flow, so that later sums give the same bits.
    return crop.of(field).permute(1, 2, 0).contiguous().permute(2, 0, 1)


_PNG = {"forward": read_flow_png, "backward": read_flow_png, "mask": read_mask_png}


def _last_number(folder: Path) -> int:
    """The last frame for which a folder without metadata has backward flow."""
    names = [entry.name.partition(".")[0] for entry in os.scandir(folder / "backward")]
    return max((int(name) for name in names if name.isdecimal()), default=1)


def _same_aspect_ratio(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes have one aspect ratio, up to the rounding of a side to a whole or even number."""
    (a, b), (c, d) = one, other
    return abs(a * d - b * c) <= a + b + c + d

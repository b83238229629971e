"""Motion from files instead of an estimator: what ``vst flow`` wrote, or another program in its layout.

docs/adr/0006-motion-is-recorded-after-tracking.md
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from vst.errors import MediaError, UsageError, nearest
from vst.frame import Frame, Motion
from vst.motion.analysis import Analysed
from vst.motion.consistency import trusted_mask
from vst.motion.estimator import to_bytes
from vst.motion.files.flo import read_flo
from vst.motion.files.flow_folder import FORMS, RECORD, flow_path, identity_of, read_record
from vst.motion.files.flow_png import read_flow_png, read_mask_png
from vst.motion.resize import resize_flow, resize_mask
from vst.motion.shot_detection import shots
from vst.motion.tracking import Tracked

PREFIX = "file:"

_AGAIN = "run 'vst flow' again"

_SLACK = 2
"""Frames by which what a container announces may differ from what it holds; and two percent."""


def is_recorded(name: str) -> bool:
    """Whether ``--flow`` names files, ``file:FOLDER``, and no estimator."""
    return name.startswith(PREFIX)


def check_recorded(name: str) -> Path:
    """The folder that ``file:FOLDER`` names.

    Raises:
        UsageError: The name has no folder.
        MediaError: There is no such folder.
    """
    given = name.removeprefix(PREFIX)
    if not given:
        raise UsageError(f"flow is '{name}'; expected file:FOLDER, with a folder that 'vst flow' wrote")
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise MediaError(f"folder {folder} for --flow does not exist{_nearest_folder(folder)}")
    return folder


def find_recorded(name: str, source: Path) -> Path:
    """The folder with the flow of one clip.

    Args:
        name: ``file:FOLDER``. The flow lies in FOLDER itself, or for many clips in a folder by the clip's
            name, with or without its extension.
        source: The clip.

    Raises:
        UsageError: The name has no folder.
        MediaError: There is no such folder, or no flow in it.
    """
    folder = check_recorded(name)
    for place in (folder, folder / source.name, folder / source.stem):
        if (place / RECORD).is_file() or (place / "backward").is_dir():
            return place
    raise MediaError(
        f"{folder} holds no flow for {source.name}: expected {RECORD} or backward/000002.png (or .flo) in "
        f"it, or in {folder / source.stem}; 'vst flow {source.name} -o {folder}' writes them"
    )


def recorded_stamp(name: str, source: Path) -> int | None:
    """A number that changes when the flow of a clip is written anew; None where there is none."""
    try:
        folder = find_recorded(name, source)
        return _stamp(folder)
    except (MediaError, UsageError, OSError):
        return None


def _stamp(folder: Path) -> int:
    record = folder / RECORD
    return (record if record.is_file() else folder / "backward").stat().st_mtime_ns


def _nearest_folder(path: Path) -> str:
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_dir()]
    except OSError:
        return ": check the path"
    near = nearest(path.name, names)
    return f"; did you mean {near}?" if near else ": check the path"


class RecordedMotion:
    """The motion of one clip, from a folder.

    A folder that ``vst flow`` wrote gives back what ``track`` gave when it was written: its shots, its
    masks, its motion to frames further back; exactly so at the size of that time with ``.flo``. In a folder
    of another program there are neighbouring frames only. There shots are looked for, and a mask that is
    missing is made from both directions.

    Args:
        name: ``file:FOLDER``, see ``find_recorded``.
        source: The clip.
        width: Of the clip.
        height: Of the clip.
        frames: How many frames the clip has, as far as its container says.

    Raises:
        UsageError: The name has no folder.
        MediaError: There is no flow, its record is damaged, or it is that of a clip of another shape or
            length.
    """

    def __init__(self, name: str, source: Path, width: int, height: int, frames: int | None) -> None:
        self.name = name
        self.folder = find_recorded(name, source)
        self._record = read_record(self.folder)
        self.notes: tuple[str, ...] = ()
        """What a user should know."""
        if self._record is None:
            self._frames = _last_number(self.folder)
            return
        self._frames = self._record.frames
        if not _same_shape((self._record.height, self._record.width), (height, width)):
            raise MediaError(
                f"{self.folder} holds flow of {self._record.width}×{self._record.height}, which is another "
                f"shape than {source.name} with {width}×{height}: {self._again(source)}"
            )
        if not self._record.source.same_file(identity_of(source)):
            if frames is not None and abs(frames - self._frames) > max(_SLACK, self._frames // 50):
                raise MediaError(
                    f"{self.folder} holds flow of {self._frames} frames, {source.name} has {frames}: "
                    f"{self._again(source)}"
                )
            self.notes = (
                f"the flow in {self.folder} was made from {self._record.source.name}, another file",
            )

    def first_of_shot(self, index: int) -> int | None:
        """Index of the frame with which the shot of a frame begins; None where no shots are recorded."""
        if self._record is None:
            return None
        return max((number - 1 for number in self._record.shots if number - 1 <= index), default=0)

    def digest(self) -> str:
        """Changes when the folder is written again."""
        return str(_stamp(self.folder))

    def tracker(self, distances: Sequence[int]) -> NoReturn:
        """Recorded motion has no tracker.

        Raises:
            UsageError: Always: it serves the clip that it was recorded from, from beginning to end.
        """
        raise UsageError(f"'{self.name}' is the motion of one clip; use it with 'vst render' of that clip")

    def analyse(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Analysed]:
        """As `track`; the estimates behind the motions were not recorded."""
        return (Analysed(tracked, {}) for tracked in self.track(frames, distances))

    def _again(self, source: Path) -> str:
        return f"run 'vst flow {source.name} -o {self.folder} -y'"

    def track(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Tracked]:
        """Each frame of the clip with its motions, as ``vst.motion.tracking`` gives them.

        Args:
            frames: The frames of the clip, at any size of its shape.
            distances: Which earlier frames the mode wants; those that were not recorded are absent.

        Yields:
            One ``Tracked`` per frame, in order.

        Raises:
            MediaError: A file is missing, damaged or of another shape, or the clip has another number of
                frames; the message says which file and frame.
        """
        wanted = sorted(set(distances))
        self._note_distances(wanted)
        previous: Tensor | None = None
        number = since = 0
        for frame, begins in self._cut(frames):
            number = frame.index + 1
            if number > self._frames:
                raise MediaError(
                    f"{self.folder} holds flow of {self._frames} frames, but the clip has a frame "
                    f"{number}; {_AGAIN}"
                )
            since = 0 if begins else since + 1
            motions = {
                distance: self._motion(frame, number, distance, previous)
                for distance in wanted
                if distance <= since and (distance == 1 or self._has(number, distance))
            }
            previous = frame.image
            yield Tracked(frame, begins, motions)
        if 0 < number < self._frames:
            raise MediaError(
                f"{self.folder} holds flow of {self._frames} frames, but the clip ends with frame "
                f"{number}; {_AGAIN}"
            )

    def _note_distances(self, wanted: Sequence[int]) -> None:
        there = {1} if self._record is None else set(self._record.distances)
        absent = [str(distance) for distance in wanted if distance not in there]
        if absent:
            frames = f"{', '.join(absent)} frames back"
            self.notes = (*self.notes, f"{self.folder} holds no motion to {frames}: less is remembered")

    def _cut(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
        if self._record is None:
            yield from shots(frames)
            return
        begins = set(self._record.shots)
        first = True
        for frame in frames:
            yield frame, first or frame.index + 1 in begins
            first = False

    def _has(self, number: int, distance: int) -> bool:
        return self._record is not None and number in self._record.further.get(distance, ())

    def _motion(self, frame: Frame, number: int, distance: int, previous: Tensor | None) -> Motion:
        size = (frame.image.shape[-2], frame.image.shape[-1])
        backward = self._flow("backward", number, distance, size)
        path = flow_path(self.folder, "mask", number, "png", distance)
        if self._record is not None or path.exists():
            mask = resize_mask(self._read(path, number, size), size)
        else:
            assert previous is not None  # no motion is asked for at the first frame of a shot
            forward = self._flow("forward", number - 1, 1, size)
            seen = (to_bytes(frame.image).float() / 255, to_bytes(previous).float() / 255)
            mask = trusted_mask(forward, backward, *seen)
        known = backward.isfinite().all(dim=0, keepdim=True)
        return Motion(torch.nan_to_num(backward), mask * known, distance)

    def _flow(self, kind: str, number: int, distance: int, size: tuple[int, int]) -> Tensor:
        paths = [flow_path(self.folder, kind, number, form, distance) for form in FORMS]
        path = next((each for each in paths if each.exists()), paths[0])
        return resize_flow(self._read(path, number, size), size)

    def _read(self, path: Path, number: int, size: tuple[int, int]) -> Tensor:
        """The file, if it is there, whole and of the frame's shape."""
        if not path.exists():
            others = f" (or .{FORMS[1]})" if path.parent.name.partition("-")[0] != "mask" else ""
            raise MediaError(f"the flow of frame {number} is missing: no {path}{others}; {_AGAIN}")
        reader = read_flo if path.suffix == ".flo" else _PNG[path.parent.name.partition("-")[0]]
        try:
            # Contiguous as estimated flow is, so that all arithmetic on it goes the same way.
            field = reader(path).contiguous()
        except MediaError as error:
            raise MediaError(f"the flow of frame {number} cannot be used: {error}") from error
        height, width = field.shape[-2:]
        if not _same_shape((height, width), size):
            raise MediaError(
                f"the flow of frame {number} has another shape than the frame: {path} is {width}×{height}, "
                f"the frame {size[1]}×{size[0]}; {_AGAIN}"
            )
        return field


_PNG = {"forward": read_flow_png, "backward": read_flow_png, "mask": read_mask_png}


def _last_number(folder: Path) -> int:
    """The last frame that a folder without a record has flow to the one before."""
    names = [entry.name.partition(".")[0] for entry in os.scandir(folder / "backward")]
    return max((int(name) for name in names if name.isdecimal()), default=1)


def _same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes are one picture's, up to a side rounded to a whole or even number."""
    (a, b), (c, d) = one, other
    return abs(a * d - b * c) <= a + b + c + d

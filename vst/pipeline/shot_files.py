"""A shot on disk: its frames and their motion, and what a whole-shot mode has made of each so far."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from vst.errors import MediaError
from vst.files import hidden_name, make_anew
from vst.frame import Frame, Motion
from vst.keyframes.composed_flow import ComposedFlow
from vst.keyframes.direct_flow import direct_flow
from vst.keyframes.link import Link
from vst.keyframes.operations import ARRAYS
from vst.media.file_errors import writing_error
from vst.motion import FlowPair
from vst.pipeline.prepared_frame import PreparedFrame
from vst.pipeline.snapshot_file import load_snapshot, save_snapshot
from vst.stream_paths import is_output_stream

SUFFIX = ".vst-shots"
"""Of the folder's name."""

DESCRIPTION = "render.json"
"""The file that says which render the pictures are of."""

FRAME, PICTURE = "frame-", "pass-"
"""How the names of files begin: of frames with their motion, and of pictures of a pass."""

_KEPT = 5
"""Shots whose pictures are kept, the present one included: more are never on their way to the encoder."""

_NOTHING = torch.zeros(0)
"""In place of a tensor that is on disk."""


class ShotFiles:
    """The folder with the shots that are being worked on.

    Frames are written by every run. Pictures stay for the next run of the same render, which goes on after
    the last one. Those of the last few shots stay too: their segments may not be finished yet.

    Args:
        folder: Beside the output; created when the first shot begins.
        resumes: Whether pictures are kept after an error.

    Attributes:
        folder: As given.
        resumes: As given.
    """

    def __init__(self, folder: Path, resumes: bool) -> None:
        self.folder, self.resumes = folder, resumes
        self._begun: list[Path] = []

    def describe(self, fingerprint: Mapping[str, str], resume: bool) -> None:
        """What pictures depend on: those of another render are removed.

        Args:
            fingerprint: Of the render.
            resume: Whether those of an earlier run of this render are taken up.

        Raises:
            MediaError: The folder cannot be written.
        """
        path = self.folder / DESCRIPTION
        if resume and _read(path) == dict(fingerprint):
            return
        try:
            make_anew(self.folder)
            path.write_text(json.dumps(dict(fingerprint)), encoding="utf-8")
        except OSError as error:
            raise writing_error(self.folder, error) from error

    def remove(self) -> None:
        """Delete the folder and everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def leave(self) -> None:
        """Delete what a later run does not go on with."""
        pictures = [*self.folder.glob(f"*/{PICTURE}*")] if self.resumes else []
        if not pictures:
            self.remove()
        for path in self.folder.glob(f"*/{FRAME}*"):
            path.unlink(missing_ok=True)

    def begin(self, first: int) -> StoredShot:
        """Begin a shot: pictures that an earlier run has left of it are there.

        Args:
            first: Index of its first frame.

        Raises:
            MediaError: The folder cannot be written.
        """
        folder = self.folder / f"shot-{first:08d}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise writing_error(folder, error) from error
        self._begun.append(folder)
        if len(self._begun) > _KEPT:
            shutil.rmtree(self._begun.pop(0), ignore_errors=True)
        return StoredShot(folder)


@contextmanager
def shot_files(target: Path, resumes: bool) -> Iterator[ShotFiles]:
    """Where the shots of a render are; they are removed at the end of the block.

    Args:
        target: The output.
        resumes: Whether pictures are kept after an error.
    """
    with ExitStack() as stack:
        folder = target.with_name(hidden_name(target.name, SUFFIX))
        if is_output_stream(target):
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="vst-"))) / "shots"
        files = ShotFiles(folder, resumes)
        try:
            yield files
        except BaseException:
            files.leave()
            raise
        files.remove()


class StoredShot:
    """The frames of one shot; see `vst.modes.stylizer.Shot`.

    Args:
        folder: Has the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._items: list[PreparedFrame] = []  # without their tensors

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: PreparedFrame) -> None:
        """The next frame.

        Raises:
            MediaError: It cannot be written.
        """
        frame, source = item.frame, item.frame.source
        source = source if source is None or isinstance(source, Frame) else source.convert()
        pair = (None, None) if item.pair is None else (item.pair.backward, item.pair.forward)
        pictures = (None, None, None) if source is None else (source.image, source.alpha, source.gain)
        tensors = (frame.image, frame.alpha, frame.gain, *pair, *pictures)
        self._write(self._of_frame(len(self)), tuple(_NOTHING if t is None else t for t in tensors))
        light = replace(
            frame,
            image=_NOTHING,
            alpha=None,
            gain=None,
            source=None if source is None else replace(source, image=_NOTHING, alpha=None, gain=None),
        )
        self._items.append(replace(item, frame=light, pair=None))

    def item(self, number: int) -> PreparedFrame:
        """What `add` was given, with its source as tensors, and without motion."""
        image, alpha, gain, _, _, *pictures = self._read(self._of_frame(number), 8)
        item = self._items[number]
        source = item.frame.source
        if isinstance(source, Frame):
            source = replace(
                source, image=pictures[0], alpha=_or_none(pictures[1]), gain=_or_none(pictures[2])
            )
        frame = replace(item.frame, image=image, alpha=_or_none(alpha), gain=_or_none(gain), source=source)
        return replace(item, frame=frame)

    def frame(self, number: int) -> Frame:
        """See `Shot.frame`."""
        return self.item(number).frame

    def motion(self, number: int, other: int) -> Motion:
        """See `Shot.motion`: between neighbours as it was estimated, further away directly."""
        on, image, distance = ARRAYS, self.frame(number).image, number - other
        if abs(distance) > 1:
            flow, shown = direct_flow(image, self.frame(other).image, on)
            return Motion(on.tensor(flow), on.tensor(on.floats(on.bytes(shown))), distance)
        _, _, _, backward, forward, *_ = self._read(self._of_frame(max(number, other)), 8)
        if not backward.numel():  # the borders changed
            size = image.shape[-2:]
            return Motion(image.new_zeros(2, *size), image.new_zeros(1, *size), distance)
        link = Link.of(FlowPair(backward, forward), on)
        step = link.backward if distance > 0 else link.forward
        composed = ComposedFlow(on.luma(self.frame(other).image))
        reach = composed.extend(on.luma(image), step)
        return Motion(on.tensor(reach.flow), on.tensor(on.floats(reach.trust)), distance)

    def has(self, step: int, number: int) -> bool:
        """See `Shot.has`."""
        return self._of_picture(step, number).is_file()

    def picture(self, step: int, number: int) -> Tensor:
        """See `Shot.picture`."""
        return self._read(self._of_picture(step, number), 1)[0]

    def keep(self, step: int, number: int, picture: Tensor) -> None:
        """See `Shot.keep`."""
        self._write(self._of_picture(step, number), (picture,))

    def drop(self, step: int) -> None:
        """See `Shot.drop`."""
        for number in range(len(self)):
            self._of_picture(step, number).unlink(missing_ok=True)

    def end(self) -> None:
        """All frames have come out: only the pictures of the last pass are left."""
        for number in range(len(self)):
            self._of_frame(number).unlink(missing_ok=True)

    def _of_frame(self, number: int) -> Path:
        return self._folder / f"{FRAME}{number:06d}.safetensors"

    def _of_picture(self, step: int, number: int) -> Path:
        return self._folder / f"{PICTURE}{step + 1:03d}-{number:06d}.safetensors"

    def _write(self, path: Path, tensors: tuple[Tensor, ...]) -> None:
        """Nothing half-written has the final name."""
        part = path.with_name(f"{path.name}.part")
        try:
            save_snapshot(part, tensors)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as error:
            raise writing_error(path, error) from error

    def _read(self, path: Path, count: int) -> tuple[Tensor, ...]:
        tensors = load_snapshot(path)
        if tensors is None or len(tensors) != count:
            raise MediaError(
                f"{path} is missing or damaged: delete the folder {path.parent.parent}, and start again"
            )
        return tensors


def _or_none(tensor: Tensor) -> Tensor | None:
    return tensor if tensor.numel() else None


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None

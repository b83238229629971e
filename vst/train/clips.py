"""Clips to train on: folders of numbered frames, tar files of such folders, and videos."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from vst.errors import MediaError
from vst.train.picture_files import PictureFile, find_pictures, holds_pictures
from vst.train.skipped import SkippedFiles

_log = logging.getLogger(__name__)

TRAINING_VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".ts")


class Clip(Protocol):
    """Frames in order."""

    def __len__(self) -> int:
        """Number of frames; of a video, that of its container."""
        ...

    def load(self, first: int, count: int) -> list[np.ndarray]:
        """`count` consecutive frames from about number `first`, each H×W×3, uint8, RGB.

        Raises:
            MediaError: if they cannot be decoded.
        """
        ...


@dataclass(frozen=True)
class PictureClip:
    """A clip whose frames are pictures."""

    pictures: Sequence[PictureFile]

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def full_name(self) -> str:
        """For messages: its first frame stands for it."""
        return self.pictures[0].full_name

    def load(self, first: int, count: int) -> list[np.ndarray]:
        """See `Clip.load`."""
        return [picture.load() for picture in self.pictures[first : first + count]]


@dataclass(frozen=True)
class VideoClip:
    """A video file; frames are decoded on request, from the key frame before them."""

    file: Path
    frames: int
    rate: float

    def __len__(self) -> int:
        return self.frames

    @property
    def full_name(self) -> str:
        """For messages."""
        return str(self.file)

    def load(self, first: int, count: int) -> list[np.ndarray]:
        """See `Clip.load`; with a variable frame rate `first` is a time at the mean rate."""
        import av

        from vst.media.libav import url_of

        found: list[np.ndarray] = []
        try:
            with av.open(url_of(self.file)) as container:
                stream = container.streams.video[0]
                stream.thread_type = "NONE"  # the worker processes are the parallel part
                base = float(stream.time_base or 0) or 1 / self.rate
                start = (stream.start_time or 0) + round(first / self.rate / base)
                container.seek(start, stream=stream)
                for frame in container.decode(stream):
                    if (frame.pts is None or frame.pts >= start - 0.25 / self.rate / base) or found:
                        found.append(frame.to_ndarray(format="rgb24"))
                    if len(found) == count:
                        return found
        except (av.FFmpegError, OSError, ValueError) as error:
            raise MediaError(f"{self.file} cannot be decoded ({error}); take it out of the data") from error
        if not found:
            raise MediaError(f"{self.file} has no frame {first}; take it out of the data")
        # A container may list a few frames more than there are: the last one is repeated.
        return found + [found[-1]] * (count - len(found))


def probe_video(file: Path) -> VideoClip:
    """Length and rate of a video.

    Raises:
        MediaError: for a file that is not a video, or whose length is unknown.
    """
    import av

    from vst.media.libav import url_of

    try:
        with av.open(url_of(file)) as container:
            if not container.streams.video:
                raise MediaError(f"{file} has no video in it; take it out of the data")
            stream = container.streams.video[0]
            rate = float(stream.average_rate or stream.guessed_rate or 0)
            seconds = (container.duration or 0) / av.time_base
            frames = stream.frames or int(seconds * rate)
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{file} is not a video that can be read ({error})") from error
    if not frames or not rate:
        raise MediaError(f"{file} has no length in its header; convert it, or remove it from the data")
    return VideoClip(file, frames, rate)


@dataclass(frozen=True)
class ClipOrNext:
    """A clip, or the next of its collection that can be decoded. Which one depends on the files only.

    Attributes:
        clips: The collection.
        index: Of the clip.
        skipped: Records those that cannot be decoded.
    """

    clips: Sequence[VideoClip | PictureClip]
    index: int
    skipped: SkippedFiles

    def __len__(self) -> int:
        return len(self.clips[self.index])

    def load(self, first: int, count: int) -> list[np.ndarray]:
        """See `Clip.load`; raises only if no clip can be decoded."""
        failure = MediaError("none of the clips can be decoded")
        for number in range(len(self.clips)):
            clip = self.clips[(self.index + number) % len(self.clips)]
            if clip.full_name not in self.skipped and len(clip) >= count:
                try:
                    return clip.load(first % (len(clip) - count + 1), count)
                except MediaError as error:
                    self.skipped.add(clip.full_name, "damaged")
                    failure = error
        raise failure


def find_clips(
    sources: Sequence[str], shortest: int = 2, skipped: SkippedFiles | None = None
) -> list[VideoClip | PictureClip]:
    """All clips of at least `shortest` frames.

    Args:
        sources: Folders (searched whole, for videos and for folders of numbered frames), tar files of
            folders of numbered frames, or video files.
        shortest: Clips of fewer frames are not used.
        skipped: Records files that have the extension of a video or a picture, but cannot be used.

    Raises:
        MediaError: where a source is missing, or holds no clip.
    """
    found: list[VideoClip | PictureClip] = []
    for source in sources:
        bad = SkippedFiles()
        here: list[VideoClip | PictureClip] = [*_videos(Path(source), bad)]
        if holds_pictures(Path(source)):
            here += _picture_clips(source, bad, required=not here)
        here = [clip for clip in here if len(clip) >= shortest]
        if skipped is not None:
            for name, reason in bad.reasons().items():
                skipped.add(name, reason)
        if not here:
            names = "; ".join(bad.lines())
            raise MediaError(
                f"{source} holds no clip of {shortest} frames or more; give videos, or folders or tar "
                f"files with a folder of numbered frames a clip{names and f' ({names})'}"
            )
        found += here
    return found


def replaceable_clips(clips: Sequence[VideoClip | PictureClip], skipped: SkippedFiles) -> list[ClipOrNext]:
    """Clips for a training, which goes on when one of them cannot be decoded."""
    return [ClipOrNext(clips, index, skipped) for index in range(len(clips))]


def _videos(source: Path, bad: SkippedFiles) -> Iterator[VideoClip]:
    if source.is_dir():
        files = sorted(file for file in source.rglob("*") if file.suffix.lower() in TRAINING_VIDEO_SUFFIXES)
    else:
        files = [source] if source.suffix.lower() in TRAINING_VIDEO_SUFFIXES and source.exists() else []
    for file in files:
        if file.is_dir():
            continue
        if not file.is_file():
            bad.add(str(file), "not a regular file" if file.exists() else "a broken link")
            continue
        try:
            yield probe_video(file)
        except MediaError as error:
            bad.add(str(file), "no video that can be read")
            _log.debug("%s", error)


def _picture_clips(source: str, bad: SkippedFiles, *, required: bool) -> list[PictureClip]:
    clips: dict[str, list[PictureFile]] = {}
    try:
        pictures = find_pictures([source], bad)
    except MediaError:
        if required and not bad.reasons():
            raise
        pictures = []
    for picture in pictures:
        clips.setdefault(os.path.dirname(picture.name), []).append(picture)
    return [PictureClip(pictures) for pictures in clips.values()]

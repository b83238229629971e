"""Reproducible settings, and clips of given pictures."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from vst.media import Reader
from vst.media.segments.encoder import SegmentEncoder
from vst.media.segments.work_folder import TRIAL
from vst.pipeline import RenderSettings


@pytest.fixture
def settings(tiny_weights: Path) -> Callable[..., RenderSettings]:
    """Makes settings with tiny networks, in fp32 on one thread of the CPU."""

    def make(**options: object) -> RenderSettings:
        machine = {"device": "cpu", "precision": "fp32", "backend": "torch", "threads": 1}
        given = {"style": "red", **machine, **options}
        return RenderSettings(weights_dir=tiny_weights, **given)

    return make


@pytest.fixture
def exact_clip(tmp_path: Path) -> Callable[..., Path]:
    """Writes a lossless clip of pictures, H×W×3 in 8 bits."""

    def make(name: str, pictures: Iterable[np.ndarray], rate: int = 25) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = None
            for number, picture in enumerate(pictures):
                if stream is None:
                    stream = container.add_stream("ffv1", rate=rate)
                    stream.height, stream.width = picture.shape[:2]
                    stream.pix_fmt = "bgr0"
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def images() -> Callable[[Path], torch.Tensor]:
    """Reads all frames of a file, N×3×H×W."""

    def read(path: Path) -> torch.Tensor:
        with Reader(path) as reader:
            return torch.stack([frame.image for frame in reader])

    return read


class Disk:
    """A disk that can fill up.

    Attributes:
        frames: Frames written so far.
        full_at: From this frame on, counted from 1, writing fails; None never fails.
    """

    frames = 0
    full_at: int | None = None


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk that the encoders write to."""
    disk, encode = Disk(), SegmentEncoder.encode

    def encode_unless_full(self: SegmentEncoder, frame: av.VideoFrame) -> None:
        if Path(self._container.name).parent.name == TRIAL:
            encode(self, frame)  # before the first frame of the clip
            return
        disk.frames += 1
        if disk.full_at is not None and disk.frames >= disk.full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        encode(self, frame)

    monkeypatch.setattr(SegmentEncoder, "encode", encode_unless_full)
    return disk


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """No thread of a render is left at the end of a test."""
    yield
    assert [each.name for each in threading.enumerate() if each.name.startswith("vst-")] == []

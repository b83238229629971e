"""Settings that give the same frames everywhere, and clips made of what a test paints itself."""

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
from vst.pipeline import RenderSettings


@pytest.fixture
def settings(tiny_weights: Path) -> Callable[..., RenderSettings]:
    """Settings with tiny networks, in fp32 on one thread of the CPU."""

    def make(**options: object) -> RenderSettings:
        given = {"style": "red", "device": "cpu", "precision": "fp32", "threads": 1, **options}
        return RenderSettings(weights_dir=tiny_weights, **given)

    return make


@pytest.fixture
def exact_clip(tmp_path: Path) -> Callable[..., Path]:
    """Writes pictures, H×W×3 in 8 bits, so that they are read back exactly."""

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
    """All frames of a file, N×3×H×W."""

    def read(path: Path) -> torch.Tensor:
        with Reader(path) as reader:
            return torch.stack([frame.image for frame in reader])

    return read


class Disk:
    """What encoders write to."""

    frames = 0
    """How many frames came."""
    full_at: int | None = None
    """Which of them finds no room any more; nor do those after it."""


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that fills up when it is told to."""
    disk, encode = Disk(), SegmentEncoder.encode

    def encode_while_there_is_room(self: SegmentEncoder, frame: av.VideoFrame) -> None:
        disk.frames += 1
        if disk.full_at is not None and disk.frames >= disk.full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        encode(self, frame)

    monkeypatch.setattr(SegmentEncoder, "encode", encode_while_there_is_room)
    return disk


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever a test does to a render, its threads are gone at the end."""
    yield
    assert [each.name for each in threading.enumerate() if each.name.startswith("vst-")] == []

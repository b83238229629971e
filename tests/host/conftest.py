"""A host in Python: it has a clip in memory and requests its stylized frames one by one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vst.device import choose_precision
from vst.frame import Frame
from vst.host.engine import Engine, RequestOutcome
from vst.host.protocol import RESULT, SLOTS, Request, RequestedClip, RequestedSettings
from vst.host.shared_frames import SharedFrames
from vst.keyframe_interval import AUTO
from vst.keyframes import Schedule
from vst.modes import create_stylizer
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline.frame_size import inside_working_size, working_size
from vst.pipeline.session import StylizerSession
from vst.pipeline.stages import StageRunner
from vst.postprocess import Postprocess
from vst.styles import resolve_style

WIDTH, HEIGHT = 64, 48
CUT = 7
FRAMES = 14


def pan_with_disc(number: float, width: int = WIDTH, height: int = HEIGHT, cut: int = CUT) -> np.ndarray:
    """H×W×3 in 8 bits: a textured pan with a moving disc; another texture and colours from `cut` on."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shift = 1.5 * number
    texture = 0.5 + 0.25 * np.sin((x + shift) / 4) + 0.25 * np.cos(y / 5 + (x + shift) / 9)
    disc = (x - 10 - 3 * number) ** 2 + (y - height / 2) ** 2 < 64
    if number < cut:
        planes = [0.25 + 0.5 * texture, 0.3 * texture, 0.15 + 0.2 * texture]
    else:
        planes = [0.2 * texture, 0.3 + 0.4 * texture[::-1], 0.9 - 0.3 * texture]
    picture = np.stack([np.where(disc, 0.9, plane) for plane in planes], -1)
    return np.round(picture * 255).astype(np.uint8)


def with_changes(request: Request, **changes: object) -> Request:
    """A copy of a request with some fields of it, of its clip or of its settings replaced."""
    request_fields = {each.name: changes.pop(each.name) for each in fields(Request) if each.name in changes}
    clip_fields = {
        each.name: changes.pop(each.name) for each in fields(RequestedClip) if each.name in changes
    }
    groups = {
        "clip": replace(request.clip, **clip_fields),
        "settings": replace(request.settings, **changes),
    }
    return replace(request, **groups, **request_fields)


class Host:
    """Requests stylized frames of a clip from an engine, and provides the source frames.

    Attributes:
        clip: The frames, 3×H×W.
        fetched: Indices of the frames that the engine fetched, in order.
    """

    def __init__(self, clip: list[Tensor], settings: dict[str, object]) -> None:
        self.clip, self.settings = clip, settings
        self.fetched: list[int] = []
        height, width = clip[0].shape[-2:]
        descriptor = os.memfd_create("frames")
        os.ftruncate(descriptor, SLOTS * 12 * width * height)
        self.frames = SharedFrames(descriptor, width, height)
        self.engine = Engine(limit=200_000_000)
        self.request = Request(
            number=1,
            editor="openfx",
            run="run",
            index=0,
            time=0.0,
            clip=RequestedClip(
                width=width,
                height=height,
                linear=False,
                first=0,
                last=len(clip) - 1,
                temporal=True,
                gap=1.0,
                frame_rate=0.0,
            ),
            settings=RequestedSettings(
                strength=1.0,
                keep_color=False,
                keep_borders=True,
                style_scale=None,
                keyframe_interval=None,
                look_ahead=True,
                seed=0,
                device="cpu",
                **settings,
            ),
            interactive=False,
            limit=60,
        )

    def fetch(self, index: int, slot: int) -> bytes | None:
        self.fetched.append(index)
        self.frames.slot(slot).copy_(self.clip[index])
        return hashlib.md5(self.clip[index].numpy().tobytes()).digest()

    def request_frame(self, time: float, **changes: object) -> tuple[RequestOutcome, Tensor]:
        request = with_changes(self.request, index=round(time), time=float(time), **changes)
        outcome = self.engine.stylize(request, self, self.frames)
        return outcome, self.frames.slot(RESULT).clone()

    def stylize(self, time: float, **changes: object) -> Tensor:
        return self.request_frame(time, **changes)[1]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def clip() -> list[Tensor]:
    """Fourteen frames with a cut at frame 7."""
    pictures = [pan_with_disc(number) for number in range(FRAMES)]
    return [torch.from_numpy(each).permute(2, 0, 1).float() / 255 for each in pictures]


@pytest.fixture
def make_host(clip: list[Tensor], tiny_weights: Path) -> Callable[..., Host]:
    def make(mode: str = "vtn", frames: list[Tensor] | None = None) -> Host:
        settings = {"style": "red", "mode": mode, "weights_dir": tiny_weights}
        return Host(clip if frames is None else frames, settings)

    return make


@pytest.fixture
def make_session(tiny_weights: Path) -> Callable[..., StylizerSession]:
    """Sessions as `vst render` makes them, for frames of a size."""

    def make(
        width: int,
        height: int,
        mode: str,
        *,
        postprocess: Postprocess | None = None,
        style_scale: float | None = None,
        keep_borders: bool = False,
        interval: int | None = None,
        look_ahead: bool = True,
    ) -> StylizerSession:
        precision = choose_precision("auto", torch.device("cpu"))
        stylizer = create_stylizer(
            resolve_style("red", mode, weights_dir=tiny_weights), precision=precision
        )
        if interval is None:
            interval = AUTO if stylizer.conditioned else 1
        return StylizerSession(
            stylizer,
            EstimatedMotion(create_estimator("auto", device=torch.device("cpu"))),
            postprocess,
            working_size(width, height, style_scale),
            keep_borders=keep_borders,
            inside_working=partial(inside_working_size, style_scale=style_scale),
            keyframes=Schedule(interval, look_ahead) if interval != 1 else None,
        )

    return make


@pytest.fixture
def rendered(make_session: Callable[..., StylizerSession]) -> Callable[..., list[Tensor]]:
    """The stylized frames of `vst render`, before encoding."""

    def render(frames: list[Tensor], mode: str, *, rate: int = 25, **options: Any) -> list[Tensor]:
        height, width = frames[0].shape[-2:]
        out: list[Tensor] = []
        session = make_session(width, height, mode, **options)
        runner = StageRunner(session, lambda frame: out.append(frame.image), lambda shot, save: None)
        runner.run(Frame(i, Fraction(i, rate), Fraction(1, rate), image) for i, image in enumerate(frames))
        return out

    return render

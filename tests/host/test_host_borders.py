"""A host gets the borders and the picture inside that a render writes, whatever frame it asks for first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from vst.borders import Borders
from vst.host.engine import Engine
from vst.host.linear_light import to_linear
from vst.host.stream import FrameStream
from vst.host.stream_store import StreamStore
from vst.pipeline.session import StylizerSession

BARS = Borders(8, 10)
CUT, GIVEN_UP = 7, 4
"""The second shot of the clip begins at `CUT`; at `GIVEN_UP` the bars of the first hold picture."""


@pytest.fixture
def framed(clip) -> list[Tensor]:
    """Fourteen frames with bars, a part of which shows picture at frame 4; a cut at frame 7."""
    frames = [each.clone() for each in clip]
    for number, each in enumerate(frames):
        left = 24 if number == GIVEN_UP else 0
        each[:, : BARS.top, left:] = each[:, -BARS.bottom :, left:] = 0
    return frames


@pytest.fixture
def session_frames(rendered) -> Callable[..., list[Tensor]]:
    """The frames of a render that keeps borders."""
    return partial(rendered, keep_borders=True)


@pytest.mark.parametrize("mode", ["itn", "vtn", "lstm", "reconet"])
@pytest.mark.parametrize("style_scale", [None, 8.0])
def test_frames_in_any_order_equal_those_of_a_render(make_host, framed, session_frames, mode, style_scale):
    expected = session_frames(framed, mode, style_scale=style_scale)
    assert not expected[0][:, : BARS.top].any()
    assert all(each[:, : BARS.top].any() for each in expected[GIVEN_UP:CUT])
    assert not expected[CUT][:, : BARS.top].any()
    host = make_host(mode, framed)
    for number in (5, 0, 3, 4, 6, 13, 8, 7, 2):
        assert torch.equal(host.stylize(number, style_scale=style_scale), expected[number]), number


def test_borders_are_stylized_if_they_are_not_kept(make_host, framed):
    host = make_host("itn", framed)
    assert not host.stylize(0)[:, : BARS.top].any()
    assert host.stylize(0, keep_borders=False)[:, : BARS.top].any()


def test_scene_linear_bars_stay_bit_for_bit(make_host, framed):
    linear = [to_linear(each + 0.01) for each in framed]
    out = make_host("itn", linear).stylize(1, linear=True)
    assert torch.equal(out[:, : BARS.top], linear[1][:, : BARS.top])
    assert not torch.equal(out, linear[1])


def test_a_host_that_gives_only_the_current_frame_gets_the_borders_of_the_shot(
    make_host, framed, session_frames
):
    shot = framed[:CUT]
    expected = session_frames(shot, "itn")
    host = make_host("itn", shot)
    for number in range(CUT):
        frame = host.stylize(float(number), temporal=False)
        assert torch.equal(frame, expected[number]), number


def test_frames_without_borders_are_stylized_without_looking_at_others(make_host, clip):
    host = make_host("itn", clip)
    for number in (5, 6, 9):
        host.stylize(number)
    assert host.fetched == [5, 6, 9]


def test_a_frame_in_a_shot_with_borders_is_not_stylized_for_another(
    make_host, framed, monkeypatch: pytest.MonkeyPatch
):
    host = make_host("itn", framed)
    stylized = []
    advance = StylizerSession.advance
    monkeypatch.setattr(
        StylizerSession, "advance", lambda self, frame: stylized.append(frame) or advance(self, frame)
    )
    host.stylize(12)
    assert len(stylized) == 1


def test_a_worker_that_is_started_again_goes_on_with_the_borders_of_the_shot(
    make_host, framed, session_frames, tmp_path
):
    shot = framed[:GIVEN_UP]
    expected = session_frames(shot, "vtn", look_ahead=False)
    for number in range(3):
        host = make_host("vtn", shot)
        host.engine = Engine(limit=200_000_000, store=StreamStore(tmp_path / "worker", "host"))
        assert torch.equal(host.stylize(float(number), temporal=False), expected[number]), number
        (stream,) = host.engine._streams.values()
        again = FrameStream.from_snapshot(*stream.snapshot())
        assert again.borders == stream.borders == BARS
        assert again.snapshot()[0] == stream.snapshot()[0]
        assert all(map(torch.equal, again.snapshot()[1], stream.snapshot()[1]))
